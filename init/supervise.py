"""Runs one program to its end: spawn, forward, reap, stop what stays behind, tell its exit code.

Signals are blocked from the first statement of the process and waited for synchronously, so there is no
handler, no race between a handler and a wait, and nothing to poll: signal(7), sigwaitinfo(2).
"""

import contextlib
import errno
import os
import signal
import termios
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from init import log
from init.signals import WAITED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psutil

# Job control of our own terminal use, and the children's news: about us, not for the tool.
_OURS = {signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP, signal.SIGPIPE}

EX_NOT_EXECUTABLE, EX_NOT_FOUND = 126, 127


class Command(NamedTuple):
    """What to run: argv[0] is an absolute path."""

    argv: "Sequence[str]"
    environ: "Mapping[str, str]"
    directory: str


def run(command: Command, grace: float) -> int:
    """Run the command until it ends; then end what it left behind.

    Args:
        command: what to run.
        grace: seconds between SIGTERM and SIGKILL.

    Returns:
        The command's exit code, 128 + n where signal n ended it, 126 or 127 where it could not be run.
    """
    with _restored_terminal() as terminal:
        child, news = _spawn(command, terminal)
        code = _supervise(child, terminal, grace)
        _stop_stragglers(grace)
    failure = os.read(news, 16)
    if failure:
        log.error(f"cannot run {command.argv[0]}: {os.strerror(int(failure))}")
        return EX_NOT_FOUND if int(failure) in (errno.ENOENT, errno.ENOTDIR) else EX_NOT_EXECUTABLE
    return code


@contextlib.contextmanager
def _restored_terminal() -> "Iterator[int | None]":
    """Yield the descriptor of our controlling terminal, and leave it as it was found."""
    terminal = next((fd for fd in (0, 1, 2) if _controls(fd)), None)
    if terminal is None:
        yield None
        return
    settings = termios.tcgetattr(terminal)
    try:
        yield terminal
    finally:
        # The other end may be gone: then there is nothing left to restore.
        with contextlib.suppress(OSError, termios.error):
            os.tcsetpgrp(terminal, os.getpgrp())
            termios.tcsetattr(terminal, termios.TCSADRAIN, settings)


def _controls(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) >= 0
    except OSError:
        return False


def _spawn(command: Command, terminal: int | None) -> tuple[int, int]:
    """Fork and exec; return the child's PID and a pipe that holds the errno if exec failed."""
    reader, writer = os.pipe()  # closed by a successful exec; not waited for, so that signals are
    child = os.fork()
    if child == 0:
        _become(command, terminal, writer)
    os.close(writer)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    return child, reader


def _become(command: Command, terminal: int | None, writer: int) -> NoReturn:
    try:
        os.setpgid(0, 0)
        if terminal is not None:
            # Still in the background here, where this call raises SIGTTOU; it is blocked.
            os.tcsetpgrp(terminal, os.getpid())
        for signum in WAITED:
            signal.signal(signum, signal.SIG_DFL)
        _close_inherited(keep=writer)
        os.chdir(command.directory)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execve(command.argv[0], list(command.argv), dict(command.environ))  # noqa: S606 - exec without a shell is the point
    except (OSError, ValueError) as error:
        os.write(writer, str(getattr(error, "errno", None) or errno.EINVAL).encode())
    finally:
        os._exit(EX_NOT_FOUND)


def _close_inherited(keep: int) -> None:
    # What Python opens closes itself at exec; this is for what the engine may have left open.
    os.closerange(3, keep)
    os.closerange(keep + 1, 1024)


def _supervise(child: int, terminal: int | None, grace: float) -> int:
    deadline = None
    while True:
        info = _wait(deadline)
        if info is None:
            _send_group(child, signal.SIGKILL)
            deadline = None
            log.warning("the tool did not end when asked to, so it is killed", grace_seconds=grace)
        elif info.si_signo == signal.SIGCHLD:
            status = _reap(child, terminal)
            if status is not None:
                return status
        elif info.si_signo not in _OURS:
            _send_group(child, info.si_signo)
            if info.si_signo == signal.SIGTERM and deadline is None:
                deadline = time.monotonic() + grace


def _wait(deadline: float | None) -> "signal.struct_siginfo | None":
    """Wait for a signal; None when the deadline has passed."""
    if deadline is None:
        return signal.sigwaitinfo(WAITED)
    return signal.sigtimedwait(WAITED, max(0.0, deadline - time.monotonic()))


def _reap(child: int, terminal: int | None) -> int | None:
    """Reap all that ended; return the exit code of the child once it is among them."""
    code = None
    while True:
        # SIGCHLD coalesces: one may stand for any number of children.
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if os.WIFSTOPPED(status):
            if pid == child:
                _resume(child, os.WSTOPSIG(status), terminal)
        elif pid == child:
            code = _exit_code(status)


def _resume(child: int, signum: int, terminal: int | None) -> None:
    # Stopped for using the terminal from the background: who had it took it and went without giving it
    # back. Only continued, the tool would stop again at once, and so for ever.
    if terminal is not None and signum in (signal.SIGTTIN, signal.SIGTTOU):
        with contextlib.suppress(OSError):
            os.tcsetpgrp(terminal, child)
    _send_group(child, signal.SIGCONT)


def _exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _stop_stragglers(grace: float) -> None:
    if not _any_child():
        return
    for signum in (signal.SIGTERM, signal.SIGKILL):
        _signal_stragglers(signum)
        deadline = time.monotonic() + grace
        while _any_child():
            info = signal.sigtimedwait(WAITED, max(0.0, deadline - time.monotonic()))
            if info is None:
                break
        else:
            return


def _signal_stragglers(signum: int) -> None:
    import psutil

    left = psutil.Process().children(recursive=True)
    if signum == signal.SIGKILL:
        log.warning("killing what the tool left behind", processes=", ".join(_name(p) for p in left))
    if os.getpid() == 1:
        _send(-1, signum)
    else:
        for process in left:
            _send(process.pid, signum)


def _name(process: "psutil.Process") -> str:
    import psutil

    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.NoSuchProcess:
        return f"pid {process.pid}"


def _any_child() -> bool:
    """Reap what ended and tell whether anything is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _send_group(leader: int, signum: int) -> None:
    try:
        os.killpg(leader, signum)
    except ProcessLookupError:
        # It has moved to a group of its own making.
        _send(leader, signum)
    except PermissionError:
        return


def _send(target: int, signum: int) -> None:
    # Reaped a moment ago, or another user's, who came in through `docker exec`.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(target, signum)
