"""What goes wrong, and every exit code of start.sh that is not the tool's own."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 64  # sysexits(3)
# The sandbox's own, when the tool ended well: the workspace guard moved changes away, or could not move all.
GUARD_MOVED = 79
GUARD_LEFT = 80
# apply left something to look at: a conflict, or what the guard objects to.
LEFT = 82
SIGNALLED = 128  # and the signal's number, as shells have it


class HostError(Exception):
    """What ends the command, in words for the user.

    Args:
        what: what is wrong, and where it was set.
        todo: lines that say what to do about it.
    """

    code = FAILED

    def __init__(self, what: str, *todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo


class UsageError(HostError):
    """The command line is not one that there is."""

    code = USAGE


class Interrupted(Exception):  # noqa: N818 - not an error: somebody asked for the end
    """A signal asked for the end.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = SIGNALLED + number
