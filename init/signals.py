"""Signals are blocked before Python starts, and waited for or looked at when it suits.

A blocked signal stays pending, even for PID 1, and even if its default action is to be ignored. So there is
no race between a handler and a wait: signal(7).

The mask survives exec, execve(2), but gosu does not keep it: it is a Go program, whose runtime unblocks TERM,
INT, HUP and QUIT when it starts (runtime/signal_unix.go, blockableSig). What is pending then is lost, for the
kernel drops what PID 1 does not handle. So we look at what is pending just before gosu, and block again right
behind it (privileges.become); benchmarks/README.md tells how long the gap between is.
"""

from __future__ import annotations

from init.errors import Interrupted

__all__ = ["ENDING", "WAITED", "block", "interruptible", "signal", "stop_if_asked"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import TracebackType
    from typing import NoReturn, Self
else:
    # The module `signal` only adds enums to this one, and takes half as long to load as the interpreter to
    # start; there are two starts.
    import _signal as signal

# Faults of the process itself: blocking them makes no sense, sigprocmask(2).
_SYNCHRONOUS = {
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT,
    signal.SIGSYS,
}  # fmt: skip
WAITED = frozenset(signal.valid_signals() - _SYNCHRONOUS - {signal.SIGKILL, signal.SIGSTOP})

# Those that ask a program to end.
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def block() -> None:
    """Keep every signal pending until it is waited for, but for the faults of the process itself."""
    signal.pthread_sigmask(signal.SIG_SETMASK, WAITED)


def stop_if_asked() -> None:
    """Look for a pending signal that asks us to end.

    Raises:
        Interrupted: there is one.
    """
    for signum in signal.sigpending().intersection(ENDING):
        raise Interrupted(signum)


class interruptible:  # noqa: N801 - used as a statement: with interruptible()
    """While waiting for a person: let a signal that asks us to end interrupt any system call.

    Raises:
        Interrupted: such a signal arrived, now or before.
    """

    def __enter__(self) -> Self:
        self.before = {signum: signal.signal(signum, _interrupt) for signum in ENDING}
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        except Interrupted:
            self._restore()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def _restore(self) -> None:
        block()
        for signum, disposition in self.before.items():
            signal.signal(signum, disposition)


def _interrupt(signum: int, _frame: object) -> NoReturn:
    raise Interrupted(signum)
