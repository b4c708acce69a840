"""The controlling terminal: whose foreground it is, its settings, and its modes; tcsetpgrp(3), termios(3).

A program may leave it in any state, on purpose, too: nothing here waits for what never comes.
"""

from __future__ import annotations

import fcntl
import os
import sys
import termios

from init import output
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GONE = (OSError, termios.error)

# The number of the usual line discipline, an int: ioctl_tty(2), TIOCSETD.
N_TTY = bytes(4)

# Modes of a terminal emulator that a program may leave on, by the numbers of DEC and xterm (ctlseqs): cursor
# keys, reverse video, the mouse (9 to 1016), focus events (1004), bracketed paste, held output, reports of
# colours and of sizes, margins at the sides, the keypad.
_OFF = (1, 5, 9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2031, 2048, 69, 66)
# A line that is full goes on in the next; the cursor shows.
_ON = (7, 25)

# Each is without effect where there is nothing to undo.
RESET = "".join((
    # End what was begun: Tektronix mode, a control string, another encoding than UTF-8 (which takes bytes of
    # a letter for control characters), VT52 mode, printing, a link, writing into the status line.
    "\x1b\x03", "\x18\x1b\\", "\x1b%G", "\x1b<", "\x1b[4i", "\x1b]8;;\x1b\\", "\x1b[0$}",
    # The main screen. It also moves the cursor to where it was saved, so that it is saved just before.
    "\x1b7\x1b[?1049l",
    # All lines scroll, which moves the cursor as well.
    "\x1b7\x1b[r\x1b8",
    *(f"\x1b[?{mode}l" for mode in _OFF), *(f"\x1b[?{mode}h" for mode in _ON),
    # The keyboard is not locked; no insertion; the line feed is one; the keypad has digits, the keys their
    # usual codes (xterm's, kitty's); the cursor has its shape.
    "\x1b[2l", "\x1b[4l", "\x1b[20l", "\x1b>", "\x1b[>4m", "\x1b[<99u", "\x1b[0 q",
    # The first two character sets are ASCII (Linux's console has no more), and the first is in use.
    "\x1b(B", "\x1b)B", "\x0f",
    # Neither colour, nor hidden text, nor colours redefined.
    "\x1b[0m",
    *(f"\x1b]{colours}\x1b\\" for colours in (104, 110, 111, 112)),
)).encode()  # fmt: skip


# Lines and columns of a terminal that nobody is at: struct winsize, four short numbers.
SIZE = b"".join(number.to_bytes(2, sys.byteorder) for number in (24, 80, 0, 0))


class State(Record):
    """What a program made of the terminal.

    Attributes:
        settings: as tcgetattr(3) has them.
        blocking: of each standard descriptor that is open, whether it blocks; those share it who share it.
    """

    settings: list[Any]
    blocking: dict[int, bool]


class Terminal:
    """The session's terminal, with the settings it had at first.

    Nothing here raises once the other end is gone: then there is nothing left to give or restore. A call
    from the background raises SIGTTOU, which init/signals.py keeps blocked.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.initial = termios.tcgetattr(descriptor)

    def give(self, group: int, state: State | None = None) -> None:
        """Make a process group the foreground, with a state of its own."""
        try:
            if state is not None:
                termios.tcsetattr(self.descriptor, termios.TCSANOW, state.settings)
                for descriptor, blocks in state.blocking.items():
                    os.set_blocking(descriptor, blocks)
            os.tcsetpgrp(self.descriptor, group)
        except _GONE:
            return

    def take(self) -> State:
        """Make ourselves the foreground with the initial settings; return the state there was."""
        blocking = _take_descriptors()
        settings = self.initial
        try:
            os.tcsetpgrp(self.descriptor, os.getpgrp())
            self._use_the_usual_discipline()
            settings = termios.tcgetattr(self.descriptor)
            self._let_flow()
            termios.tcsetattr(self.descriptor, termios.TCSANOW, self.initial)
        except _GONE:
            pass
        return State(settings, blocking)

    def _use_the_usual_discipline(self) -> None:
        """Undo what the session's filter refuses, and its lack allows: N_NULL swallows all output."""
        if fcntl.ioctl(self.descriptor, termios.TIOCGETD, bytes(4)) != N_TTY:
            fcntl.ioctl(self.descriptor, termios.TIOCSETD, N_TTY)

    def _let_flow(self) -> None:
        """Start output that was stopped: by tcflow(3), or by Ctrl-S, while that is no key for it."""
        termios.tcflow(self.descriptor, termios.TCOON)
        unstoppable = [self.initial[0] & ~termios.IXON, *self.initial[1:]]
        termios.tcsetattr(self.descriptor, termios.TCSANOW, unstoppable)


def _take_descriptors() -> dict[int, bool]:
    """Have the standard descriptors block; return whether they did."""
    before = {}
    for descriptor in (0, 1, 2):
        try:
            before[descriptor] = os.get_blocking(descriptor)
            os.set_blocking(descriptor, True)
        except OSError:
            continue
    return before


def controlling() -> Terminal | None:
    """Return the controlling terminal, if any of the standard descriptors is it."""
    for descriptor in (0, 1, 2):
        try:
            os.tcgetpgrp(descriptor)
            return Terminal(descriptor)
        except _GONE:
            continue
    return None


def give_size() -> None:
    """Give the controlling terminal a size where it has none, since nobody is at it yet: ioctl_tty(2).

    A tool that finds no lines and columns draws nothing, and some wait for seconds after they have come.
    """
    for descriptor in (0, 1, 2):
        try:
            os.tcgetpgrp(descriptor)
            if not any(fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8))[:4]):
                fcntl.ioctl(descriptor, termios.TIOCSWINSZ, SIZE)
        except OSError:
            continue
        return


def clear() -> None:
    """Undo what the controlling terminal's emulator was told and still does, if we write there."""
    for descriptor in (2, 1):
        try:
            os.tcgetpgrp(descriptor)
        except OSError:
            continue
        output.write(descriptor, RESET)
        return
