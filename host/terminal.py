"""The user's terminal: put right where the sandbox's PID 1, which does so at each end, was killed."""

from __future__ import annotations

import contextlib
import os

# As in init/session/terminal.py, which says what each is for; a test compares them.
_OFF = (1, 5, 9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2031, 2048, 69, 66)
_ON = (7, 25)
RESET = "".join((
    "\x1b\x03", "\x18\x1b\\", "\x1b%G", "\x1b<", "\x1b[4i", "\x1b]8;;\x1b\\", "\x1b[0$}",
    "\x1b7\x1b[?1049l", "\x1b7\x1b[r\x1b8",
    *(f"\x1b[?{mode}l" for mode in _OFF), *(f"\x1b[?{mode}h" for mode in _ON),
    "\x1b[2l", "\x1b[4l", "\x1b[20l", "\x1b>", "\x1b[>4m", "\x1b[<99u", "\x1b[0 q",
    "\x1b(B", "\x1b)B", "\x0f", "\x1b[0m", *(f"\x1b]{colours}\x1b\\" for colours in (104, 110, 111, 112)),
)).encode()  # fmt: skip


# The terminal of our session, tty(4).
CONTROLLING = "/dev/tty"


def is_terminal() -> bool:
    """Tell whether somebody is there: both what is read and what is written is a terminal."""
    return os.isatty(0) and os.isatty(1)


def can_ask() -> bool:
    """Tell whether a program can ask for a password: at the terminal that we belong to, whatever stdin is."""
    try:
        os.close(os.open(CONTROLLING, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def put_right() -> None:
    """Undo what the terminal's emulator was told: mouse, alternate screen, pasting, a hidden cursor."""
    with contextlib.suppress(OSError):  # it is gone
        os.write(1, RESET)
