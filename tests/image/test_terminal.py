"""A person at the terminal: Ctrl-C, Ctrl-Z, resizing, a shell, a tool that leaves the terminal in a mess."""

from collections.abc import Callable, Iterator

import pytest

from tests.harness.engine import docker
from tests.harness.sandbox import Sandbox
from tests.harness.terminal import Terminal
from tests.harness.waiting import wait_for

Open = Callable[..., Terminal]
STOPPED = "is stopped. Enter resumes it, s opens a shell, q quits it:"
# Says what it reads, and is stopped and ended as programs are that do nothing about it.
READER = "echo ready; while read line; do echo got $line; done; echo end"


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def start(*arguments: str, tool: str = "shell", **env: str) -> Terminal:
        command = sandbox.command(*arguments, env={"TOOLS": tool, **env}, options=("--name", sandbox.name))
        terminals.append(Terminal(command, sandbox.variables))
        return terminals[-1]

    yield start
    docker("rm", "--force", sandbox.name, check=False)
    for terminal in terminals:
        terminal.child.close(force=True)


def stopped_reader(opened: Open) -> Terminal:
    terminal = opened("-c", READER)
    terminal.wait_for("ready")
    terminal.type("\x1a")
    terminal.wait_for(STOPPED)
    return terminal


def test_a_stopped_tool_is_resumed(opened: Open) -> None:
    terminal = stopped_reader(opened)
    terminal.type("\r")
    terminal.type("hello\r")
    terminal.wait_for("got hello")
    terminal.type("\x04")
    terminal.wait_for("end")
    assert terminal.end() == 0


def test_a_stopped_tool_is_quit(opened: Open) -> None:
    terminal = stopped_reader(opened)
    terminal.type("x\r")
    terminal.type("q\r")
    assert terminal.end() == 143
    assert terminal.text.count(STOPPED) == 2, "asked again after a wrong answer"


def test_a_stopped_tool_gives_way_to_a_shell_and_is_resumed(opened: Open) -> None:
    terminal = stopped_reader(opened)
    terminal.type("s\r")
    terminal.wait_for("agent@")
    terminal.type("echo in-$((40+2)); stty -echo; exit\r")
    terminal.wait_for("in-42")
    wait_for(lambda: terminal.read() and terminal.text.count(STOPPED) == 2, "the question to come again")
    terminal.type("\r")
    terminal.type("back\r")
    terminal.wait_for("got back")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_a_shell_for_which_no_process_is_left_is_told_and_asked_again(opened: Open) -> None:
    crowd = (
        "import os, signal\nwhile True:\n try:\n  if not os.fork(): signal.pause()\n except OSError: break\n"
    )
    terminal = opened(
        "-c",
        f"{crowd}os.kill(os.getpid(), signal.SIGSTOP)\nprint('resumed')",
        tool="python",
        SANDBOX_GRACE="1",
    )
    terminal.wait_for(STOPPED)
    terminal.type("s\r")
    terminal.wait_for("no process can be started for /bin/bash")
    wait_for(lambda: terminal.read() and terminal.text.count(STOPPED) == 2, "the question to come again")
    terminal.type("\r")
    terminal.wait_for("resumed")
    assert terminal.end() == 0, terminal.text


@pytest.mark.parametrize("shell", [False, True])
def test_docker_stop_ends_a_stopped_tool(opened: Open, sandbox: Sandbox, shell: bool) -> None:
    terminal = stopped_reader(opened)
    if shell:
        terminal.type("s\r")
        terminal.wait_for("agent@")
    docker("stop", "--time", "60", sandbox.name)
    assert terminal.end() == 143, terminal.text


def test_the_question_is_readable_after_a_tool_in_raw_mode(opened: Open) -> None:
    script = "stty raw -echo; kill -STOP $$; stty sane; echo sane again"
    terminal = opened("-c", script)
    terminal.wait_for(STOPPED)
    terminal.type("\r")
    terminal.wait_for("sane again")
    assert terminal.end() == 0


def test_ctrl_c_is_the_tools_alone(opened: Open) -> None:
    terminal = opened("-c", "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.1; done")
    terminal.wait_for("ready")
    terminal.type("\x03")
    terminal.wait_for("interrupted")
    assert terminal.end() == 5
    assert terminal.text.count("interrupted") == 1


def test_the_tool_sees_a_resize(opened: Open) -> None:
    terminal = opened("-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done")
    terminal.wait_for("ready")

    def resized() -> bool:
        # Again if the client does not listen for it yet: the same size twice is no change.
        for size in ((29, 100), (30, 100)):
            terminal.child.setwinsize(*size)
            terminal.read()
        return "30 100" in terminal.text

    wait_for(resized, lambda: f"the new size:\n{terminal.text}")
    terminal.type("\x03")
    assert terminal.end() == 130


def test_a_shell_in_the_tools_place(opened: Open) -> None:
    terminal = opened(SANDBOX_SHELL="1")
    terminal.wait_for("agent@")
    # Ctrl-Z is the shell's there, for its own jobs.
    terminal.type("/usr/bin/python3 -c 'import time; print(40 + 2, flush=True); time.sleep(1000)'\r")
    terminal.wait_for("\n42")
    terminal.type("\x1a")
    terminal.wait_for("Stopped")
    terminal.type("kill -9 %1; exit 6; exit 6\r")
    assert terminal.end() == 6
