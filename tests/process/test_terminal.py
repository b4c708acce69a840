"""A person at PID 1's terminal: Ctrl-C, Ctrl-Z, a shell, a program that leaves the terminal in a mess."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness.namespace import AGENT, PID_1
from tests.harness.pid1 import DRIVER
from tests.harness.repository import ROOT
from tests.harness.terminal import Terminal
from tests.harness.waiting import wait_for

Open = Callable[..., Terminal]
SHELL = ("/bin/sh", "-c")
STOPPED = "is stopped. Enter resumes it, s opens a shell, q quits it:"
# Says what it reads, and is stopped and ended as programs are that do nothing about it.
READER = "echo ready; while read line; do echo got $line; done; echo end"


@pytest.fixture
def opened() -> Iterator[Open]:
    """Run programs at a terminal that is PID 1's, as a container's is."""
    terminals: list[Terminal] = []
    leave = (sys.executable, "-I", str(Path(__file__).parent / "leave_terminal.py"))

    def start(*words: str, way: str = "run", **env: str) -> Terminal:
        command = [*leave, *AGENT, *PID_1, "setsid", "--ctty", sys.executable, *DRIVER, way, *words]
        terminals.append(Terminal(command, {**os.environ, "PS1": "in the shell> ", **env}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.child.close(force=True)


def stopped_reader(opened: Open, **env: str) -> Terminal:
    terminal = opened(*SHELL, READER, **env)
    terminal.wait_for("ready")
    terminal.type("\x1a")
    terminal.wait_for(STOPPED)
    return terminal


def pid_1(terminal: Terminal) -> psutil.Process:
    """As it is seen from outside, below unshare, which the terminal's child became."""
    return psutil.Process(terminal.child.pid).children()[0]


def ends(terminal: Terminal, *codes: int) -> None:
    """Expect one of the exit codes, and the terminal as it was at first, and PID 1's."""
    assert terminal.end() in codes, terminal.text
    told = json.loads(terminal.text.splitlines()[-1])
    assert told == {"echo": True, "foreground": True}, terminal.text


def test_a_program_has_the_foreground(opened: Open) -> None:
    ends(opened(*SHELL, 'read -r _ _ _ _ group _ _ front _ </proc/self/stat; [ "$group" = "$front" ]'), 0)


def test_a_stopped_program_is_resumed(opened: Open) -> None:
    terminal = stopped_reader(opened)
    terminal.type("\r")
    terminal.type("hello\r")
    terminal.wait_for("got hello")
    terminal.type("\x04")
    terminal.wait_for("end")
    ends(terminal, 0)


def test_a_stopped_program_is_quit(opened: Open) -> None:
    terminal = stopped_reader(opened)
    terminal.type("x\r")
    wait_for(lambda: terminal.read() and terminal.text.count(STOPPED) == 2, "the question to come again")
    terminal.type("q\r")
    ends(terminal, 143)


def test_a_stopped_program_gives_way_to_a_shell_and_is_resumed(opened: Open) -> None:
    terminal = stopped_reader(opened)
    terminal.type("s\r")
    terminal.wait_for("in the shell>")
    terminal.type("echo in-$((40+2)); stty -echo; exit\r")
    terminal.wait_for("in-42")
    wait_for(lambda: terminal.read() and terminal.text.count(STOPPED) == 2, "the question to come again")
    terminal.type("\r")
    terminal.type("back\r")
    terminal.wait_for("got back")
    terminal.type("\x04")
    ends(terminal, 0)


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT"])
def test_a_signal_at_the_question_ends_the_program(opened: Open, name: str) -> None:
    terminal = stopped_reader(opened)
    number = getattr(signal, f"SIG{name}")
    pid_1(terminal).send_signal(number)
    # Continued, it is asked to end by SIGTERM too; which of both it is that ends it is the kernel's affair.
    ends(terminal, 128 + number, 143)


def test_any_number_of_signals_at_the_question_end_the_program_alone(opened: Open) -> None:
    flood = "while :; do kill -INT 1; kill -HUP 1; kill -QUIT 1; done"
    script = f"trap '' INT HUP QUIT; setsid sh -c '{flood}' & sleep 0.5; kill -STOP $$; sleep 1000"
    for _ in range(5):
        # What is told behind it shows that PID 1 went on: the guard comes then.
        ends(opened(*SHELL, script), 143)


def test_sigterm_in_the_shell_ends_both(opened: Open) -> None:
    terminal = stopped_reader(opened, SANDBOX_GRACE="0.5")
    terminal.type("s\r")
    terminal.wait_for("in the shell>")
    pid_1(terminal).send_signal(signal.SIGTERM)
    ends(terminal, 143)


def test_the_question_is_readable_after_a_program_in_raw_mode(opened: Open) -> None:
    terminal = opened(*SHELL, "stty raw -echo; kill -STOP $$; stty -a | grep -o -- -icanon; echo on")
    terminal.wait_for(STOPPED)
    terminal.type("\r")
    terminal.wait_for("-icanon", "on")
    ends(terminal, 0)


def test_settings_that_a_program_left_are_undone(opened: Open) -> None:
    ends(opened(*SHELL, "stty raw -echo; exit 4"), 4)


def test_settings_that_a_step_left_are_undone(opened: Open) -> None:
    script = "stty -a | grep -o -- '-\\?echo '; stty raw -echo"
    terminal = opened(*SHELL, script, way="steps")
    ends(terminal, 0)
    assert terminal.text.splitlines()[:2] == ["echo", "echo"]


def test_ctrl_c_is_the_programs_alone(opened: Open) -> None:
    terminal = opened(*SHELL, "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.1; done")
    terminal.wait_for("ready")
    terminal.type("\x03")
    terminal.wait_for("interrupted")
    ends(terminal, 5)
    assert terminal.text.count("interrupted") == 1


def test_a_resize_is_seen(opened: Open) -> None:
    terminal = opened(*SHELL, "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done")
    terminal.wait_for("ready")
    terminal.child.setwinsize(30, 100)
    terminal.wait_for("30 100")
    ends(terminal, 0)


def test_a_program_that_lost_its_terminal_gets_it_back(opened: Open) -> None:
    """Somebody took the foreground and went; only continued, the program would be stopped again for ever."""
    terminal = opened(sys.executable, "-I", str(ROOT / "tests" / "probes" / "lost_terminal.py"))
    terminal.wait_for("reading")
    terminal.type("hello\r")
    terminal.wait_for("read hello")
    ends(terminal, 0)


def test_a_terminal_that_hangs_up_leaves_the_program_running(opened: Open, tmp_path: Path) -> None:
    script = f"trap '' HUP; echo ready; while read line; do :; done; echo alone >{tmp_path}/said; sleep 1000"
    terminal = opened(*SHELL, script)
    terminal.wait_for("ready")
    init = pid_1(terminal)
    terminal.child.ptyproc.fileobj.close()  # type: ignore[attr-defined] # its types leave it out
    wait_for((tmp_path / "said").exists, "the program to see the end of its input")
    init.send_signal(signal.SIGTERM)
    init.wait(60)


# What it has to tell at the end.

EX_UNTOLD = 81
THING = "a thing to know"


def test_what_nobody_reads_is_kept_and_told_once_by_the_next(opened: Open, tmp_path: Path) -> None:
    """As where the user's own terminal stands still, until PID 1 gives up."""
    kept = tmp_path / "untold-report"
    # Full only when it stays so: the kernel moves on what was written, and there is room again.
    full = "import os, select\nwhile select.select([], [1], [], 1)[1]: os.write(1, b'x' * 9)"
    # Only once it was seen: what fills the terminal moves it off the screen.
    script = f"echo ready; read -r line; {sys.executable} -I -c {shlex.quote(full)} 2>/dev/null; exit 3"
    terminal = opened(str(tmp_path), *SHELL, script, way="told")
    terminal.wait_for("ready")
    terminal.type("\r")
    wait_for(kept.exists, "what could not be written to be kept")
    assert THING in kept.read_text()
    assert terminal.end() == EX_UNTOLD
    again = opened(str(tmp_path), *SHELL, "exit 3", way="told")
    again.wait_for("an earlier session could not tell this", f"> sandbox: warning: {THING}")
    assert again.end() == 3
    assert not kept.exists()


def test_output_that_was_stopped_holds_nobody_up(opened: Open, tmp_path: Path) -> None:
    stop = "import termios; termios.tcflow(0, termios.TCOOFF)"
    terminal = opened(str(tmp_path), *SHELL, f'{sys.executable} -I -c "{stop}"; exit 3', way="told")
    terminal.wait_for("line")
    assert terminal.end() == 3


def test_nor_does_ctrl_s(opened: Open, tmp_path: Path) -> None:
    terminal = opened(str(tmp_path), *SHELL, "echo ready; read -r line; exit 3", way="told")
    terminal.wait_for("ready")
    terminal.type("\x13\r")
    terminal.wait_for("line")
    assert terminal.end() == 3


def test_a_line_discipline_is_put_back(opened: Open, tmp_path: Path) -> None:
    swallow = "import fcntl, sys; fcntl.ioctl(0, 0x5423, (27).to_bytes(4, sys.byteorder))"
    terminal = opened(str(tmp_path), *SHELL, f'{sys.executable} -I -c "{swallow}"; exit 3', way="told")
    terminal.wait_for("line")
    assert terminal.end() == 3
