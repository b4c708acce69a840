"""A signal before the tool runs: each stage of PID 1's start is held still, looked at, and sent a signal.

And the gateway's, which is PID 1 of its own container.

What holds it is a FIFO in the place of a file that the interpreter reads then: it waits for who writes.
"""

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.harness.engine import IMAGE, docker, logs
from tests.harness.sandbox import COMPOSE_OPTIONS, Sandbox
from tests.harness.waiting import wait_for

PROGRAM, GATEWAY = "/opt/sandbox/__main__.py", "/opt/sandbox/gateway/__pycache__/__main__.*.pyc"
AGENT = 1234
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
Hold = Callable[[str], "Held"]


class Held:
    """A container whose PID 1 stops whenever it reads one file of the image."""

    def __init__(self, sandbox: Sandbox, path: str) -> None:
        command = ["docker", "run", "--rm", "--entrypoint=cat", IMAGE, path]
        self.text = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        self.fifo = sandbox.folder / "fifo"
        os.mkfifo(self.fifo)
        self.fifo.chmod(0o644)
        self.writer = -1
        mounts = [word for mount in sandbox.mounts(f"{self.fifo}:{path}:ro") for word in ("-v", mount)]
        self.name = docker("run", "--detach", *mounts, *self.program(path))

    def program(self, path: str) -> tuple[str, ...]:
        """Return the options and words that start what reads this file."""
        if "gateway" in path:
            return ("--entrypoint", "sandbox-gateway", IMAGE)
        return (
            *COMPOSE_OPTIONS, "-e", "TOOLS=shell", "-e", f"PUID={AGENT}", IMAGE, "-c", "exec sleep 1000",
        )  # fmt: skip

    def wait(self, uid: int) -> None:
        """Wait until an interpreter of this user's reads the file."""
        wait_for(lambda: self.status()["Uid"].split()[0] == str(uid), f"PID 1 to be UID {uid}")
        wait_for(self.reads, f"PID 1 to read the file; it is {self.status()['Name']}")
        assert self.status()["Name"].startswith("python")

    def reads(self) -> bool:
        """Open the FIFO, if it is read."""
        try:
            self.writer = os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert error.errno == errno.ENXIO  # noqa: PT017 - any other is a failure
            return False
        return True

    def go_on(self) -> None:
        """Give PID 1 what it waits for."""
        os.write(self.writer, self.text)
        self.close()

    def close(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1

    def status(self) -> dict[str, str]:
        """Return what proc_pid_status(5) describes."""
        lines = docker("exec", self.name, "cat", "/proc/1/status").splitlines()
        return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}

    def blocked(self) -> set[int]:
        mask = int(self.status()["SigBlk"], 16)
        return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}

    def code(self) -> int:
        """Wait for the container's end; return its exit code."""
        state = "--format={{.State.Status}} {{.State.ExitCode}}"
        wait_for(
            lambda: docker("inspect", state, self.name).startswith("exited"),
            lambda: f"the end of a container that was sent a signal: it was lost. Log: {logs(self.name)}",
        )
        return int(docker("inspect", state, self.name).split()[1])


@pytest.fixture
def hold(sandbox: Sandbox) -> Iterator[Hold]:
    held: list[Held] = []

    def start(path: str) -> Held:
        held.append(Held(sandbox, path))
        return held[-1]

    yield start
    for container in held:
        docker("rm", "--force", container.name, check=False)
        container.close()


def found(pattern: str) -> str:
    """Return the file of the image that has such a name."""
    return docker("run", "--rm", "--entrypoint=sh", IMAGE, "-c", f"ls {pattern}")


@pytest.mark.parametrize("uid", [0, AGENT], ids=["root phase", "session phase"])
def test_an_interpreter_starts_with_every_signal_blocked(hold: Hold, uid: int) -> None:
    held = hold(PROGRAM)
    held.wait(0)
    if uid:
        held.go_on()
        held.wait(uid)
    cannot_be = {signal.SIGKILL, signal.SIGSTOP}
    assert set(signal.valid_signals()) - cannot_be - held.blocked() == set()


@pytest.mark.parametrize("signum", ENDING)
def test_a_signal_while_the_first_interpreter_starts_ends_the_container(hold: Hold, signum: int) -> None:
    held = hold(PROGRAM)
    held.wait(0)
    docker("kill", "--signal", str(int(signum)), held.name)
    held.go_on()
    assert held.code() == 128 + signum, logs(held.name)


def test_a_signal_in_the_root_phase_is_not_lost_in_gosu(hold: Hold) -> None:
    # What the root phase loads last, when all of its own modules are there.
    held = hold(found("/opt/sandbox/__pycache__/prctl.*.pyc"))
    held.wait(0)
    docker("kill", "--signal", "TERM", held.name)
    held.go_on()
    assert held.code() == 128 + signal.SIGTERM, logs(held.name)


def test_a_signal_while_the_second_interpreter_starts_ends_the_tool(hold: Hold) -> None:
    held = hold(PROGRAM)
    held.wait(0)
    held.go_on()
    held.wait(AGENT)
    docker("kill", "--signal", "TERM", held.name)
    held.go_on()
    assert held.code() == 128 + signal.SIGTERM, logs(held.name)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_gateway_starts_ends_it(hold: Hold, signum: int) -> None:
    held = hold(found(GATEWAY))
    held.wait(0)
    docker("kill", "--signal", str(int(signum)), held.name)
    held.go_on()
    assert held.code() == 0, logs(held.name)


def test_a_new_list_while_the_gateway_starts_is_taken(hold: Hold) -> None:
    held = hold(found(GATEWAY))
    held.wait(0)
    docker("kill", "--signal", "HUP", held.name)
    held.go_on()
    wait_for(lambda: '"reason": "read"' in logs(held.name), lambda: logs(held.name))
    assert '"ready"' in logs(held.name)
    assert "ended by signal" not in logs(held.name)


def test_what_blocks_the_signals_ends_where_one_is_pending(sandbox: Sandbox) -> None:
    result = sandbox.plain(
        "--entrypoint=/usr/bin/python3",
        arguments=("/probes/pending.py", "/opt/sandbox/block-signals", "/bin/echo", "started"),
    )
    assert (result.returncode, result.stdout) == (128 + signal.SIGTERM, ""), result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 64, "no program is named"),
        (("/nowhere",), 127, "cannot run /nowhere: there is no such program"),
        (("/etc/passwd",), 126, "cannot run /etc/passwd: it is no program that may be executed"),
        (("/bin/sh", "-c", 'echo "$0 $1"; exit 9', "a b", "c"), 9, "a b c"),
    ],
)
def test_what_blocks_the_signals_becomes_the_program_or_says_why_not(
    sandbox: Sandbox, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = sandbox.plain("--entrypoint=/opt/sandbox/block-signals", arguments=arguments)
    assert result.returncode == code
    assert said in result.stdout + result.stderr
