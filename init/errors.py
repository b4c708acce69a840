"""What can go wrong in a way that a user can mend."""

from __future__ import annotations

# sysexits.h: something was found in an unconfigured or misconfigured state.
EX_CONFIG = 78


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


class Interrupted(Exception):  # noqa: N818 - not an error: the container was asked to stop
    """A signal that ends the start-up.

    Args:
        signum: the signal's number; the exit code is 128 + signum, as a shell has it.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
