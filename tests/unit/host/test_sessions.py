"""What start.sh makes of its sessions: names, who is there, what is listed, told and drawn anew."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import attendance, detached, names, remains, roster, screen
from host.errors import HostError, UsageError
from host.roster import Known
from host.terminal import RESET

PLACE = "/home/me/project"
ONE = Known(
    "1" * 64, "p-one", "running", "Up 2 hours", "2026-11-27 12:08:42 +0000 UTC", "p", "sandbox", "/checkout",
    "7.ab", "", "one", "tool", "omp", PLACE, "",
)  # fmt: skip
TWO = ONE._replace(
    id="2" * 64, container="p-two", name="two", session="8.cd", workspace="/elsewhere", tool=""
)
ENDED = ONE._replace(id="3" * 64, name="ended", state="exited", status="Exited (137) 2 minutes ago")
BY_HAND = ONE._replace(id="4" * 64, name="", session="", kind="", tool="", workspace="")
DOCTOR = ONE._replace(id="5" * 64, name="")
GATEWAY = ONE._replace(id="6" * 64, service="gateway", session="", gateway="7.ab")
ALL = [TWO, ONE, ENDED, BY_HAND, DOCTOR, GATEWAY]


@pytest.mark.parametrize("name", ["a", "calm-otter", "0", "a.b_c-1", "x" * 41])
def test_a_name(name: str) -> None:
    assert names.checked(name) == name


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "a b", "a/b", "ä", "x" * 42, "a\n", "a$", "../a"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a session"):
        names.checked(name)


def test_a_made_up_name_is_one() -> None:
    assert {names.checked(names.made_up()) for _ in range(99)}


def test_what_the_engine_lists_is_read_line_by_line() -> None:
    odd = "\n".join(['["too", "few"]', "no json", "{}", json.dumps([*ONE, "more"])])
    assert roster.parse(f"{json.dumps(list(ONE))}\n{odd}\n{json.dumps(list(TWO))}\n") == [ONE, TWO]


@given(st.text(max_size=99))
def test_whatever_the_engine_lists_is_read(output: str) -> None:
    assert isinstance(roster.parse(output), list)


def test_what_is_told_of_one() -> None:
    assert ONE.since is not None
    assert ONE.since.isoformat() == "2026-11-27T12:08:42+00:00"
    assert ONE._replace(made="today").since is None
    assert (ONE.exit_code, ENDED.exit_code) == (None, 137)
    assert (ONE.runs_what, TWO.runs_what) == ("omp", "menu")


def test_sessions_of_the_folder_come_first_and_only_what_can_be_entered_has_no_name() -> None:
    assert roster.sessions(ALL, Path(PLACE, "src")) == [ONE, TWO]
    assert roster.sessions(ALL, Path("/elsewhere")) == [TWO, ONE]
    assert roster.enterable(ALL, Path(PLACE)) == [ONE, TWO, BY_HAND]
    assert roster.gateways(ALL, ONE.session) == [GATEWAY.id]
    assert roster.gateways(ALL, "") == []


def test_the_one_that_is_meant() -> None:
    assert roster.chosen([ONE], "", "attach NAME") is ONE
    assert roster.chosen([TWO, ONE], "one", "attach NAME") is ONE
    assert roster.chosen([BY_HAND, ONE], BY_HAND.id[:12], "exec --name NAME") is BY_HAND


@pytest.mark.parametrize(
    ("running", "name", "what", "todo"),
    [
        ([], "", "no sandbox of this folder is running", "Start one: ./start.sh"),
        ([], "one", "there is no session one", "Start one: ./start.sh"),
        ([ONE, TWO], "", "2 sandboxes of this folder run", f"one  omp  {PLACE}"),
        ([ONE, TWO], "three", "there is no session three. These run:", "two  menu  /elsewhere"),
    ],
)
def test_who_is_not_plainly_meant_is_an_error(running: list[Known], name: str, what: str, todo: str) -> None:
    with pytest.raises(HostError, match=what) as raised:
        roster.chosen(running, name, "attach NAME")
    assert todo in raised.value.todo


def test_somebody_is_there_while_he_is(tmp_path: Path) -> None:
    assert attendance.is_held(tmp_path, "one") is None
    with attendance.held(tmp_path, "one", lambda: True):
        with attendance.held(tmp_path, "one", lambda: True):
            assert attendance.is_held(tmp_path, "one") is True
        assert attendance.is_held(tmp_path, "one") is True
        assert attendance.is_any_held(tmp_path)
    assert attendance.is_held(tmp_path, "one") is False
    assert not attendance.is_any_held(tmp_path)
    with attendance.held(tmp_path, "one", lambda: False):
        pass
    assert attendance.is_held(tmp_path, "one") is None


def test_a_state_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("")
    with attendance.held(tmp_path, "one", lambda: False):
        pass
    assert attendance.is_held(tmp_path, "one") is None


def test_who_made_it_counts_where_no_lock_tells(tmp_path: Path) -> None:
    assert remains.is_attended(tmp_path, f"{os.getpid()}.ab")
    assert not remains.is_attended(tmp_path, "99999999.ab")
    assert not remains.is_attended(tmp_path, "odd")


REPORT = "sandbox: warning: the session changed this:\r\n  .git/hooks/x  added\r\n"
LINES = ["sandbox: warning: the session changed this:", "  .git/hooks/x  added"]


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("", []),
        ("hello\r\n", []),
        (f"drawn{RESET.decode()}{REPORT}", LINES),
        (f"old\n{REPORT}", LINES),
        (f"{REPORT}work\r\n", []),
        ("sandbox: info: model x at y\r\nsandbox: error: no\r\n", ["sandbox: error: no"]),
        (f"{RESET.decode()}a\x1b[2Jb", ["a\\x1b[2Jb"]),
    ],
)  # fmt: skip
def test_what_pid_1_said_at_the_end(log: str, told: list[str]) -> None:
    assert remains.words(log) == told


@given(st.text(max_size=200))
def test_whatever_a_log_says_does_not_steer_the_terminal(log: str) -> None:
    assert all(line.isprintable() for line in remains.words(log))


MODES = {
    b"": b"",
    b"plain \x1b[1;31mred\x1b[0m": b"",
    b"\x1b[?1049h\x1b[?1000;1006h\x1b[?25l": b"\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?25l",
    b"\x1b[?1049h\x1b[?25l\x1b[?25h\x1b[?1049l": b"\x1b[?25h",
    b"\x1b[?2026h drawn": b"",
    b"\x1b[>1u\x1b[>5u\x1b[<u": b"\x1b[>1u",
    b"\x1b[>1u\x1b[<9u": b"",
    b"\x1b[>4;1m\x1b=\x1b[5 q": b"\x1b[>4;1m\x1b=\x1b[5 q",
}


@pytest.mark.parametrize(("log", "modes"), MODES.items())
def test_another_terminal_gets_the_modes_that_a_tool_asked_for(log: bytes, modes: bytes) -> None:
    assert screen.modes(log) == modes


@given(st.binary(max_size=300))
def test_whatever_a_tool_wrote_gives_modes_and_nothing_else(log: bytes) -> None:
    made = screen.modes(log)
    assert screen.modes(made) == made
    assert not screen._SEQUENCE.sub(b"", made)


HEAD = "PID PPID COMMAND\n"
PID1 = "10 9 /usr/bin/python3 -I -S /opt/sandbox/__main__.py\n"


@pytest.mark.parametrize(
    ("listed", "begun"),
    [
        ("", False),
        (HEAD + PID1, False),
        (f"{HEAD}{PID1}11 10 /usr/bin/python3 -I /usr/local/bin/sandbox-link 3=model\n", False),
        (f"{HEAD}{PID1}11 10 /usr/bin/python3 -I -S /opt/sandbox/__main__.py\n", False),
        (f"{HEAD}{PID1}12 10 opencode\n", True),
        (f"{HEAD}{PID1}11 10 python3 /usr/local/bin/sandbox-connect\n12 11 opencode\n", False),
    ],
)
def test_a_tool_runs_or_not_yet(listed: str, begun: bool) -> None:
    assert detached.begun(listed) is begun
