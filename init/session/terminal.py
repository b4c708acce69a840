"""The controlling terminal: whose foreground it is, and its settings; tcsetpgrp(3), termios(3)."""

from __future__ import annotations

import os
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GONE = (OSError, termios.error)


class Terminal:
    """The session's terminal, with the settings it had at first.

    Nothing here raises once the other end is gone: then there is nothing left to give or restore. A call
    from the background raises SIGTTOU, which init/signals.py keeps blocked.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.initial = termios.tcgetattr(descriptor)

    def give(self, group: int, settings: list[Any] | None = None) -> None:
        """Make a process group the foreground, with settings of its own."""
        try:
            if settings is not None:
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, settings)
            os.tcsetpgrp(self.descriptor, group)
        except _GONE:
            return

    def take(self) -> list[Any]:
        """Make ourselves the foreground with the initial settings; return those there were."""
        settings = self.initial
        try:
            settings = termios.tcgetattr(self.descriptor)
            os.tcsetpgrp(self.descriptor, os.getpgrp())
            termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self.initial)
        except _GONE:
            pass
        return settings


def controlling() -> Terminal | None:
    """Return the controlling terminal, if any of the standard descriptors is it."""
    for descriptor in (0, 1, 2):
        try:
            os.tcgetpgrp(descriptor)
            return Terminal(descriptor)
        except _GONE:
            continue
    return None
