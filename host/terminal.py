"""The user's terminal: left as it was, also where the sandbox's PID 1, which sees to that, was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
import threading
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator

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


# Seconds until the size is another, from one time to the next, and how long it is.
NUDGES, NUDGED = (0.3, 0.7), 0.2
# Seconds until something may have to be told.
LATE = 1.0
# Lines of which none can be spared.
FEW = 2
# Of a terminal's size: struct winsize.
SIZE = "4H"
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
    write(RESET)


def write(text: bytes) -> None:
    """Tell the terminal's emulator something."""
    with contextlib.suppress(OSError):  # it is gone
        os.write(1, text)


@contextlib.contextmanager
def nudged(late: Callable[[], bytes]) -> Iterator[None]:
    """Have the terminal another size for a moment, so that who has just come to it is drawn anew.

    The client changes the size of a container's terminal for that, too, but so shortly that a tool which
    looks at it afterwards sees none: then nothing is drawn. It may take a while to be attached, so it is done
    twice; and once more where there is something to tell the emulator by then.

    Args:
        late: returns what that is, or nothing.
    """
    done = threading.Event()

    def nudge() -> None:
        for pause in NUDGES:
            if done.wait(pause):
                return
            _nudge(done)
        if not done.wait(LATE) and (text := late()):
            write(text)
            _nudge(done)

    thread = threading.Thread(target=nudge, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _nudge(done: threading.Event) -> None:
    with contextlib.suppress(OSError):  # it is gone
        before = _size()
        lines = before[0]
        _set_size((lines - 1 if lines > FEW else lines + 1, *before[1:]))
        during = _size()
        done.wait(NUDGED)
        # Unless the user has changed it meanwhile.
        if _size() == during:
            _set_size(before)


def _size() -> tuple[int, ...]:
    """Return lines and columns, and the same in pixels: ioctl_tty(2)."""
    return struct.unpack(SIZE, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(struct.calcsize(SIZE))))


def _set_size(size: tuple[int, ...]) -> None:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack(SIZE, *size))


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Leave the terminal as it was: who is killed while it is raw does not."""
    # stdin may be a pipe, and another program the one that asks.
    own = 0 if os.isatty(0) else os.open(CONTROLLING, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    modes = termios.tcgetattr(own)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            # From the background it would stop us; then it is another's by now.
            if os.tcgetpgrp(own) == os.getpgrp() and termios.tcgetattr(own) != modes:
                termios.tcsetattr(own, termios.TCSADRAIN, modes)
        if own:
            os.close(own)
