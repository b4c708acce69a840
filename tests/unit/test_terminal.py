"""init/session/terminal.py: what an emulator is written to forget what it was told; xterm's ctlseqs."""

import re

import pytest

from init.session.terminal import RESET

UNDONE = {
    "another encoding than UTF-8": b"\x1b%G",
    "a link that goes on": b"\x1b]8;;\x1b\\",
    "keys of kitty's protocol": b"\x1b[<99u",
    "a locked keyboard": b"\x1b[2l",
    "writing into the status line": b"\x1b[0$}",
    "Tektronix mode": b"\x1b\x03",
    "a cursor of another shape": b"\x1b[0 q",
    "the second character set": b"\x1b)B",
}


@pytest.mark.parametrize("what", UNDONE)
def test_it_undoes(what: str) -> None:
    assert UNDONE[what] in RESET


def test_it_clears_nothing() -> None:
    assert not re.search(rb"\x1bc|\x1b\[[0-9;]*J|\x1b\[!p", RESET)
