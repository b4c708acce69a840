"""Signals are blocked before Python starts, and waited for or looked at when it suits.

A blocked signal stays pending, even for PID 1, and even if its default action is to be ignored. So there is
no race between a handler and a wait: signal(7).

The mask survives exec, execve(2), but gosu does not keep it: it is a Go program, whose runtime unblocks TERM,
INT, HUP and QUIT when it starts (runtime/signal_unix.go, blockableSig). What is pending then is lost, for the
kernel drops what PID 1 does not handle. So image/block-signals.c looks at what is pending right before gosu,
and blocks again right behind it; benchmarks/README.md tells how long the gap between is.
"""

from __future__ import annotations

import os
import time

from init.errors import Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from types import TracebackType
    from typing import Self, TypeAlias

    Info: TypeAlias = _signal.struct_siginfo
else:
    # The module `signal` only adds enums to this one, and takes half as long to load as the interpreter to
    # start; there are two starts.
    import _signal

SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL = (
    _signal.SIGCHLD, _signal.SIGCONT, _signal.SIGHUP, _signal.SIGINT, _signal.SIGKILL,
)  # fmt: skip
SIGPIPE, SIGQUIT, SIGSTOP, SIGTERM, SIGTTIN, SIGTTOU = (
    _signal.SIGPIPE, _signal.SIGQUIT, _signal.SIGSTOP, _signal.SIGTERM, _signal.SIGTTIN, _signal.SIGTTOU,
)  # fmt: skip

# Faults of the process itself: blocking them makes no sense, sigprocmask(2).
_SYNCHRONOUS = {
    _signal.SIGSEGV, _signal.SIGBUS, _signal.SIGFPE, _signal.SIGILL, _signal.SIGTRAP, _signal.SIGABRT,
    _signal.SIGSYS,
}  # fmt: skip
WAITED = frozenset(_signal.valid_signals() - _SYNCHRONOUS - {SIGKILL, SIGSTOP})

# Those that ask a program to end.
ENDING = (SIGTERM, SIGINT, SIGHUP, SIGQUIT)
# What is kept from all that runs: see keep_hangups().
_kept: set[int] = set()
# A flood of other signals delays neither these nor a deadline.
_FIRST = {SIGTERM, SIGCHLD}


def block() -> None:
    """Keep every signal pending until it is waited for, but for the faults of the process itself."""
    _signal.pthread_sigmask(_signal.SIG_SETMASK, WAITED - _kept)


def keep_hangups() -> None:
    """Have a hang-up end nothing: the session outlives the terminal that its client is at.

    The client passes it on when it is hung up itself. One that is ignored and not blocked is dropped where it
    arrives, and what is pending by now as well; and it stays ignored through an exec: signal(7).
    """
    _kept.add(SIGHUP)
    _signal.signal(SIGHUP, _signal.SIG_IGN)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _kept)


def reset() -> None:
    """Leave to a program that is about to be executed no mask and no signal that Python ignores."""
    for signum in WAITED:
        _signal.signal(signum, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def wait(deadline: float | None) -> Info | None:
    """Wait for a signal.

    Args:
        deadline: until when, in the time of time.monotonic(); None for ever.

    Returns:
        What sigwaitinfo(2) tells, None when the deadline has passed.
    """
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        return None
    return _signal.sigtimedwait(_FIRST, 0) or (
        _signal.sigwaitinfo(WAITED) if left is None else _signal.sigtimedwait(WAITED, left)
    )


def end_after(seconds: int) -> None:
    """Have the kernel end this process, or the program that it becomes, after so long: alarm(2)."""
    _signal.alarm(seconds)


def stop_if_asked() -> None:
    """Look for a pending signal that asks us to end.

    Raises:
        Interrupted: there is one.
    """
    for signum in asked():
        raise Interrupted(signum)


def asked() -> set[int]:
    """Return the pending signals that ask us to end."""
    return {signum for signum in _signal.sigpending() if signum in ENDING and signum not in _kept}


def send_group(leader: int, signum: int) -> None:
    """Send a signal to a process group, and to its leader, which may have left it to others; setpgid(2)."""
    try:
        os.killpg(leader, signum)
        left = signum == SIGKILL or os.getpgid(leader) != leader
    except (ProcessLookupError, PermissionError):
        left = True
    if left:
        send(leader, signum)


def send(target: int, signum: int) -> None:
    """Send a signal to a process, if it is there and ours; kill(2)."""
    # Reaped a moment ago, or another user's, who came in through `docker exec`.
    try:
        os.kill(target, signum)
    except (ProcessLookupError, PermissionError):
        return


class interruptible:  # noqa: N801 - used as a statement: with interruptible()
    """While waiting for a person: let a signal that asks us to end interrupt any system call.

    Who means harm may send any number at once. One is raised, wherever Python is just then, in here, too: so
    what raises it blocks the others first, which stay pending. The handlers stay as well: without any, Python
    would raise, or complain of, what came before it was blocked.

    Raises:
        Interrupted: such a signal arrived, now or before.
    """

    def __init__(self) -> None:
        self.raised = False

    def __enter__(self) -> Self:
        ending = set(ENDING) - _kept
        for signum in ending:
            _signal.signal(signum, self._interrupt)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, ending)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        block()

    def _interrupt(self, signum: int, _frame: object) -> None:
        first, self.raised = not self.raised, True
        block()
        if first:
            raise Interrupted(signum)
        send(os.getpid(), signum)
