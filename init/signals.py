"""Signals are blocked from the first statement of the process, and waited for or looked at when it suits.

A blocked signal stays pending, even for PID 1, and even if its default action is to be ignored; the mask
survives exec. So none is lost, and there is no race between a handler and a wait: signal(7), execve(2).
"""

import contextlib
import signal
from typing import TYPE_CHECKING, NoReturn

from init.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

# Faults of the process itself: blocking them makes no sense, sigprocmask(2).
_SYNCHRONOUS = {
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT,
    signal.SIGSYS,
}  # fmt: skip
WAITED = frozenset(signal.valid_signals() - _SYNCHRONOUS - {signal.SIGKILL, signal.SIGSTOP})

# Those that ask a program to end.
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def block() -> None:
    """Keep every signal pending until it is waited for; the mask survives exec."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED)


def stop_if_asked() -> None:
    """Look for a pending signal that asks us to end.

    Raises:
        Interrupted: there is one.
    """
    for signum in signal.sigpending().intersection(ENDING):
        raise Interrupted(signum)


@contextlib.contextmanager
def interruptible() -> "Iterator[None]":
    """While waiting for a person: let a signal that asks us to end interrupt any system call.

    Raises:
        Interrupted: such a signal arrived, now or before.
    """

    def interrupt(signum: int, _frame: object) -> NoReturn:
        raise Interrupted(signum)

    before = {signum: signal.signal(signum, interrupt) for signum in ENDING}
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        yield
    finally:
        block()
        for signum, disposition in before.items():
            signal.signal(signum, disposition)
