"""The sandbox's PID 1 beside tini: the same probes in the same image, so each expectation is known right."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Callable, Iterator

import pexpect
import pytest

from tests.harness.engine import IMAGE, docker, logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import PROJECT, Sandbox
from tests.harness.terminal import Terminal
from tests.harness.waiting import PATIENCE, wait_for

PROBE = "/probes/pid1.py"
Start = Callable[..., str]

# Faults of the process itself, what nobody can catch, and what tells an init of its own affairs.
NOT_FORWARDED = {
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT,
    signal.SIGSYS, signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU,
}  # fmt: skip
STANDARD = {number for number in signal.valid_signals() if number < signal.SIGRTMIN} - NOT_FORWARDED
REAL_TIME = {signal.SIGRTMIN, signal.SIGRTMIN + 1, signal.SIGRTMAX - 1, signal.SIGRTMAX}


@pytest.fixture(scope="session")
def tini_image() -> str:
    command = ["docker", "build", "--quiet", "--file", "benchmarks/Dockerfile", "--target", "tini"]
    result = subprocess.run(
        [*command, "--build-arg", f"IMAGE={IMAGE}", "."], cwd=ROOT, capture_output=True, text=True,
        timeout=PATIENCE * 10, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(params=["sandbox", "tini"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start a tool under each of the inits: Python, or a shell, with these arguments."""
    if request.param == "sandbox":
        container: Start = request.getfixturevalue("container")
        yield lambda *arguments, tool="python": container(*arguments, env={"TOOLS": tool})
        return
    image: str = request.getfixturevalue("tini_image")
    words = {"python": ["/usr/bin/python3", "-I"], "shell": ["/bin/sh"]}
    made: list[str] = []

    def run(*arguments: str, tool: str = "python") -> str:
        options = ["--detach", "--user", "1000:1000", "-v", f"{ROOT}/tests/probes:/probes:ro"]
        command = [image, "-g", "--", *words[tool], *arguments]
        made.append(docker("run", *options, "--entrypoint", "/usr/bin/tini", *command))
        return made[-1]

    yield run
    docker("rm", "--force", *made, check=False)


def end(container: str) -> int:
    """Wait until the container has ended; return its exit code."""
    try:
        result = subprocess.run(
            ["docker", "wait", container], capture_output=True, text=True, timeout=PATIENCE * 4, check=True
        )
    except subprocess.TimeoutExpired:
        processes = docker("top", container, "-eo", "pid,ppid,stat,args", check=False)
        pytest.fail(f"the container does not end:\n{logs(container)}\n{processes}")
    return int(result.stdout)


def received(container: str, who: str) -> list[str]:
    return [line.split()[1] for line in logs(container).splitlines() if line.startswith(f"{who} ")]


def test_every_signal_reaches_the_tools_group_exactly_once(start: Start) -> None:
    tool = start(PROBE, "signals")
    wait_for(lambda: logs(tool).count("ready") == 2, "the tool and its child to start")
    expected = ["ready"]
    for number in sorted(STANDARD - {signal.SIGTERM}) + sorted(REAL_TIME):
        expected.append(str(int(number)))
        docker("kill", "--signal", expected[-1], tool)
        for who in ("tool", "child"):
            wait_for(
                lambda who=who: len(received(tool, who)) >= len(expected),  # type: ignore[misc]
                f"signal {expected[-1]} at the {who}",
            )
    docker("kill", "--signal", "TERM", tool)
    assert end(tool) == 0
    assert received(tool, "tool") == received(tool, "child") == expected, logs(tool)


@pytest.mark.parametrize(
    ("script", "code"),
    [(f"exit {code}", code) for code in (0, 1, 42, 255)]
    + [(f"kill -{name} $$", 128 + getattr(signal, f"SIG{name}")) for name in ("TERM", "KILL", "SEGV")],
)
def test_the_exit_code_is_the_tools(start: Start, script: str, code: int) -> None:
    assert end(start("-c", script, tool="shell")) == code


def test_orphans_are_reaped_and_their_codes_are_not_the_tools(start: Start) -> None:
    tool = start(PROBE, "orphans", "300", "7")
    assert end(tool) == 7, logs(tool)
    assert "zombies 0" in logs(tool).splitlines()


def test_orphans_that_end_with_the_tool_do_not_change_its_code(start: Start) -> None:
    tool = start(PROBE, "last-orphans", "100", "7")
    assert end(tool) == 7, logs(tool)


def test_ten_thousand_orphans_leave_no_zombie(container: Start) -> None:
    tool = container(PROBE, "orphans", "10000", "7", env={"TOOLS": "python"})
    assert end(tool) == 7, logs(tool)
    assert "zombies 0" in logs(tool).splitlines()


def test_orphans_without_end_keep_nobody_from_asking_for_it(container: Start) -> None:
    """In a container, whose limit keeps the machine from running out of numbers for processes."""
    environ = {"TOOLS": "python", "SANDBOX_GRACE": "0.5"}
    tool = container(PROBE, "chains", "50", env=environ)
    wait_for(lambda: "ready" in logs(tool), lambda: logs(tool))
    docker("stop", "--time", "60", tool)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", tool) == str(128 + signal.SIGKILL), logs(tool)
    assert "it is killed" in logs(tool), "the engine killed it"


def test_ten_thousand_signals_neither_end_pid_1_nor_make_it_grow(container: Start) -> None:
    tool = container(PROBE, "flood", "10000", "5", env={"TOOLS": "python"})
    assert end(tool) == 5, logs(tool)
    seen = json.loads(logs(tool).splitlines()[-1])
    assert seen["most"] - seen["before"] <= 2048, f"resident KiB: {seen}"
    assert seen["received"] >= 2, seen


def test_an_endless_flood_keeps_neither_the_session_nor_the_straggler(container: Start) -> None:
    tool = container(PROBE, "endless", "5", env={"TOOLS": "python", "SANDBOX_GRACE": "0.5"})
    assert end(tool) == 5, logs(tool)


def test_a_daemon_that_ignores_sigterm_is_killed_and_named(container: Start) -> None:
    tool = container(PROBE, "daemon", "6", env={"TOOLS": "python", "SANDBOX_GRACE": "0.5"})
    assert end(tool) == 6, logs(tool)
    warning = next(line for line in logs(tool).splitlines() if "killing what the tool left behind" in line)
    assert "straggler (pid " in warning


def test_a_hang_up_leaves_the_tool_running_and_attachable(sandbox: Sandbox) -> None:
    name = f"{PROJECT}-hang-up"
    script = "trap '' HUP; echo ready; while read line; do echo got $line; done; echo end"
    # Without the proxy, so that the client does not pass its own end on to the tool.
    options = ["--interactive", "--tty", "--sig-proxy=false", "--name", name, "--env", "TOOLS=shell"]
    mounts = [word for place in sandbox.mounts() for word in ("-v", place)]
    try:
        first = Terminal(["docker", "run", *options, *mounts, IMAGE, "-c", script], sandbox.variables)
        first.wait_for("ready")
        # It is hung up at once, though on a busy machine not gone in the half second that pexpect allows.
        with contextlib.suppress(pexpect.ExceptionPexpect):
            first.child.close(force=True)
        again = Terminal(["docker", "attach", name], sandbox.variables)

        def heard() -> bool:
            again.type("hello\r")
            again.read()
            return "got hello" in again.text

        wait_for(heard, "the tool to answer at its new terminal")
        again.type("\x04")
        again.wait_for("end")
        assert again.end() == 0, again.text
    finally:
        docker("rm", "--force", name, check=False)
