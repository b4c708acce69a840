"""A tool that leaves the terminal so that the user would see nothing of what PID 1 has to tell."""

from collections.abc import Callable, Iterator

import pytest

from tests.harness.engine import docker
from tests.harness.sandbox import Sandbox
from tests.harness.terminal import Terminal

Open = Callable[..., Terminal]
EX_QUARANTINED = 79
EVIL = (
    "mkdir -p p/.git/objects p/.git/refs; echo 'ref: refs/heads/main' >p/.git/HEAD; "
    "printf '[core]\\n\\tfsmonitor = evil\\n' >p/.git/config; "
)


def python(*lines: str) -> str:
    return "/usr/bin/python3 -c '" + "\n".join(("import fcntl, os, sys, termios, time", *lines)) + "'"


# N_NULL takes all output and shows none of it: tty_ldisc.h.
DISCIPLINE = "fcntl.ioctl(0, 0x5423, (27).to_bytes(4, sys.byteorder))"
WAYS = {
    "another line discipline": python(DISCIPLINE),
    "output stopped": python("termios.tcflow(0, termios.TCOOFF)"),
    "no echo, raw": "stty raw -echo",
    "descriptors that do not block": python("for fd in (0, 1, 2): os.set_blocking(fd, False)"),
    "a descriptor that does not block, and much to tell": python("os.set_blocking(2, False)")
    + "; for n in {1..300}; do mkdir -p q$n/.vscode; echo '{}' >q$n/.vscode/tasks.json; done",
    "a control string without an end": r"printf '\e]0;'",
}


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def start(script: str, guard: str = "block", **env: str) -> Terminal:
        given = {"SANDBOX_SHELL": "1", "SANDBOX_GUARD": guard, "SANDBOX_GRACE": "1", **env}
        command = sandbox.command("-c", script, env=given, options=("--name", sandbox.name))
        terminals.append(Terminal(command, sandbox.variables))
        return terminals[-1]

    yield start
    docker("rm", "--force", sandbox.name, check=False)
    for terminal in terminals:
        terminal.child.close(force=True)


@pytest.mark.parametrize("way", WAYS)
def test_the_report_is_read_at_a_terminal_left_with(opened: Open, way: str) -> None:
    terminal = opened(f"{EVIL}{WAYS[way]}; exit 0")
    assert terminal.end() == EX_QUARANTINED, terminal.text
    assert "./start.sh accept" in terminal.text
    cells = [terminal.screen.buffer[y][x] for y in range(40) for x in range(120)]
    assert not any(cell.reverse or cell.blink for cell in cells if cell.data.strip())


def test_modes_of_the_emulator_are_off_again(opened: Open) -> None:
    """As the emulator of the test knows them: pyte.modes, private ones are shifted."""
    modes = "".join(rf"\e[?{mode}h" for mode in (5, 6, 1000, 1002, 1003, 1004, 1006, 2004))
    terminal = opened(rf"printf '{modes}\e[?25l\e[4h\e[20h\e[7m\e[3;4r'; exit 0")
    clean = terminal.screen.mode.copy()
    assert terminal.end() == 0, terminal.text
    # Origin mode shows nothing where all lines scroll.
    assert terminal.screen.mode - {6 << 5} == clean
    assert not terminal.screen.cursor.hidden
    assert not terminal.screen.cursor.attrs.reverse
    assert terminal.screen.margins is None


def test_a_plain_terminal_is_left_as_it_is(opened: Open) -> None:
    terminal = opened("echo first; printf last; exit 0", guard="off")
    assert terminal.end() == 0
    assert terminal.text.splitlines()[-2:] == ["first", "last"]
    assert (terminal.screen.cursor.x, terminal.screen.display[terminal.screen.cursor.y].strip()) == (
        4,
        "last",
    )


@pytest.mark.parametrize(
    "way",
    [
        r"printf '\e]0;T\a\e[2J\n%s' {1..100000} >$U",
        "mkfifo $U",
        "ln -s /proc/1/environ $U",
        "mkdir $U; : >$U/x",
        "head -c 300000000 /dev/zero >$U",
    ],
)
def test_what_a_session_puts_in_the_reports_place_does_no_harm(sandbox: Sandbox, way: str) -> None:
    sandbox.run("-c", f"U=~/data/untold-report; {way}; exit 0", env={"SANDBOX_SHELL": "1"})
    result = sandbox.run("-c", "exit 0", env={"SANDBOX_SHELL": "1"})
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stderr
    assert len(result.stderr) < 1 << 20


def test_a_line_discipline_is_put_back_where_no_filter_refuses_it(opened: Open) -> None:
    terminal = opened(f"{EVIL}{WAYS['another line discipline']}; exit 0", SANDBOX_SECCOMP="off")
    assert terminal.end() == EX_QUARANTINED, terminal.text
    assert "./start.sh accept" in terminal.text
