"""docker stop and docker kill, as the tool sees them."""

import signal
from collections.abc import Callable

import pytest

from tests.harness.engine import docker, logs
from tests.harness.sandbox import Sandbox
from tests.harness.terminal import Terminal
from tests.harness.waiting import wait_for

SHELL = {"TOOLS": "shell"}
Start = Callable[..., str]


def started(container: Start, script: str, **env: str) -> str:
    name = container("-c", script, env={**SHELL, **env})
    wait_for(lambda: "ready" in logs(name), "the tool to start")
    return name


def stop(name: str) -> int:
    """Stop a container, with more patience than a test has; return its exit code."""
    docker("stop", "--time", "300", name)
    return int(docker("wait", name))


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "RTMIN"])
def test_a_signal_reaches_the_tool(container: Start, name: str) -> None:
    number = int(getattr(signal, f"SIG{name}"))
    script = f"trap 'echo got {number}; exit 9' {number}; echo ready; while :; do sleep 0.1; done"
    tool = started(container, f'exec /bin/bash -c "{script}"')
    docker("kill", "--signal", str(number), tool)
    assert docker("wait", tool) == "9"
    assert f"got {number}" in logs(tool)


def test_docker_stop_ends_a_tool_with_default_dispositions(container: Start) -> None:
    assert stop(started(container, "echo ready; exec sleep 1000")) == 143


def test_a_tool_that_ignores_sigterm_is_killed_after_the_grace_period(container: Start) -> None:
    tool = started(container, "trap '' TERM; echo ready; while :; do sleep 1000; done", SANDBOX_GRACE="0.5")
    assert stop(tool) == 137
    assert "the tool did not end when asked to" in logs(tool)


def test_what_the_tool_leaves_behind_is_asked_to_end_and_then_killed(container: Start) -> None:
    script = (
        "(trap 'echo polite; exit' TERM; touch /tmp/one; while :; do sleep 0.1; done) & "
        "(trap '' TERM; touch /tmp/two; while :; do sleep 0.1; done) & "
        "until [ -e /tmp/one ] && [ -e /tmp/two ]; do sleep 0.1; done; exit 3"
    )
    tool = container("-c", script, env={**SHELL, "SANDBOX_GRACE": "5"})
    assert docker("wait", tool) == "3"
    assert "polite" in logs(tool)
    assert "killing what the tool left behind" in logs(tool)


def test_a_tool_that_lost_its_terminal_gets_it_back(sandbox: Sandbox) -> None:
    """Somebody took the foreground and went; only continued, the tool would be stopped again for ever."""
    terminal = Terminal(
        sandbox.command("/probes/lost_terminal.py", env={"TOOLS": "python"}, options=()), sandbox.variables
    )
    terminal.wait_for("reading")
    terminal.type("hello\r")
    terminal.wait_for("read hello")
    assert terminal.end() == 0


def test_idle_pid_1_takes_no_processor_time(container: Start) -> None:
    tool = started(container, "echo ready; exec sleep 1000")

    def switches() -> list[str]:
        """How often it ran: see proc_pid_status(5)."""
        lines = docker("exec", tool, "cat", "/proc/1/status").splitlines()
        return [line for line in lines if "ctxt_switches" in line]

    def idle() -> bool:
        before = switches()
        for _ in range(5):
            docker("exec", tool, "true")
        return switches() == before

    assert switches()
    wait_for(idle, "PID 1 to have nothing to do: it runs again and again")
