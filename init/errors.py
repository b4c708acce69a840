"""What can go wrong in a way that a user can mend."""

from __future__ import annotations

# The exit codes that are the sandbox's own; any other is the tool's. docs/reference.md tells them to users.
# sysexits.h: an internal error; a setting or the surroundings are not as they must be.
EX_SOFTWARE, EX_CONFIG = 70, 78
# The tool ended well, and what it wrote was taken away by the workspace guard, or could not be.
EX_QUARANTINED, EX_NOT_QUARANTINED = 79, 80
# What the user must know could not be written: the terminal was hung up, or nobody read.
EX_UNTOLD = 81
# timeout(1)'s: the tool took longer than it may.
EX_TIMED_OUT = 124
# apply left something that the user has to look at: a conflict, or what the guard objects to.
EX_LEFT = 82
# A shell's: the tool cannot be executed, is not there, was ended by the signal of this number more.
EX_NOT_EXECUTABLE, EX_NOT_FOUND, EX_SIGNALLED = 126, 127, 128


class SandboxError(Exception):
    """A start that cannot go on.

    Args:
        what: what is wrong, and where it was set.
        fix: what to do about it.
    """

    exit_code = EX_CONFIG

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class Finished(Exception):  # noqa: N818 - not an error: the session is over before it began
    """The session ends here; what there was to tell is told.

    Args:
        code: the exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Interrupted(Exception):  # noqa: N818 - not an error: the container was asked to stop
    """A signal that ends the start-up.

    Args:
        signum: the signal's number; the exit code is EX_SIGNALLED + signum.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
