"""Runs one program to its end: spawn, forward, reap, stop what stays behind, tell its exit code.

Signals are blocked from the first statement of the process and waited for synchronously, so there is no
handler, no race between a handler and a wait, and nothing to poll: signal(7), sigwaitinfo(2).
"""

from __future__ import annotations

import errno
import os
import time

from init import log
from init.errors import EX_NOT_EXECUTABLE, EX_NOT_FOUND, EX_SIGNALLED, Interrupted
from init.record import Record
from init.session.terminal import Terminal, controlling
from init.signals import WAITED, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Literal, NoReturn, TypeAlias

    import psutil

    Answer: TypeAlias = Literal["resume", "quit"] | "Command"

# About ourselves, not for the tool: its own news, and job control, which the kernel sends to its group.
_OURS = {signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU}

# A flood of other signals delays neither these nor a deadline.
_FIRST = {signal.SIGTERM, signal.SIGCHLD}

# Seconds after which we look for what tells us nothing by its end.
LOOK_AGAIN = 0.05


class Command(Record):
    """What to run: argv[0] is an absolute path."""

    argv: Sequence[str]
    environ: Mapping[str, str]
    directory: str


def run(command: Command, grace: float, ask: Callable[[], Answer]) -> int:
    """Run the command until it ends; then end what it left behind.

    Args:
        command: what to run.
        grace: seconds between SIGTERM and SIGKILL.
        ask: called when the command was stopped at a terminal (Ctrl-Z), which is ours meanwhile. A Command
            as the answer is run first, then it is called again. It may raise Interrupted.

    Returns:
        The command's exit code, 128 + n where signal n ended it, 126 or 127 where it could not be run.
    """
    terminal = controlling()
    code = _Job(command, terminal, grace, ask).wait()
    _stop_stragglers(grace)
    if terminal is not None:
        terminal.take()
    return code


def step(command: Command, grace: float) -> int:
    """Run a command that prepares the session, as run() does; what else runs is left alone."""
    terminal = controlling()
    code = _Job(command, terminal, grace, None).wait()
    if terminal is not None:
        terminal.take()
    return code


# Exit codes of the jobs there are, None while one runs: whoever reaps may reap another's.
_codes: dict[int, int | None] = {}


class _Job:
    """A program in a process group of its own and in the terminal's foreground, as a shell's job is."""

    def __init__(
        self, command: Command, terminal: Terminal | None, grace: float, ask: Callable[[], Answer] | None
    ) -> None:
        self.command, self.terminal, self.grace, self.ask = command, terminal, grace, ask
        self.ending = False
        self.deadline: float | None = None
        # Closed by a successful exec. Not waited for: meanwhile signals are.
        self.news, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _become(command, terminal, writer)
        _codes[self.pid] = None
        os.close(writer)
        _lead_group(self.pid)

    def wait(self) -> int:
        """Forward signals and reap until the program has ended; return its exit code."""
        while _codes[self.pid] is None:
            info = _next_signal(self.deadline)
            if info is None:
                self.kill()
            elif info.si_signo == signal.SIGCHLD:
                self.reap()
            elif info.si_signo not in _OURS and not (
                info.si_signo == signal.SIGPIPE and info.si_pid == os.getpid()
            ):
                self.forward(info.si_signo)
        failure = os.read(self.news, 16)
        os.close(self.news)
        code = _codes.pop(self.pid)
        return _not_run(self.command, int(failure)) if failure else code or 0

    def forward(self, signum: int) -> None:
        """Pass a signal on; the one that asks for the end starts the grace period."""
        _send_group(self.pid, signum)
        if signum == signal.SIGTERM and not self.ending:
            # Stopped, it would not even see it.
            _send_group(self.pid, signal.SIGCONT)
            self.ending, self.deadline = True, time.monotonic() + self.grace

    def kill(self) -> None:
        _send_group(self.pid, signal.SIGKILL)
        self.deadline = None
        log.warning("the tool did not end when asked to, so it is killed", grace_seconds=self.grace)

    def reap(self) -> None:
        """Reap all that ended, and see to the program if it was stopped."""
        stopped = None
        # SIGCHLD coalesces: one may stand for any number of children.
        for pid, status in _changed_children():
            if os.WIFSTOPPED(status):
                stopped = os.WSTOPSIG(status) if pid == self.pid else stopped
            elif pid in _codes:
                _codes[pid] = _exit_code(status)
        if stopped is not None and _codes[self.pid] is None and self.terminal is not None:
            self.handle_stop(stopped, self.terminal)

    def handle_stop(self, signum: int, terminal: Terminal) -> None:
        """Ask the person what to do with the stopped program, and do it."""
        if self.ask is None or self.ending or signum in (signal.SIGTTIN, signal.SIGTTOU):
            # The last two: who had the foreground took it and went without giving it back. Only continued,
            # the program would be stopped again at once, and so for ever.
            terminal.give(self.pid)
            _send_group(self.pid, signal.SIGCONT)
            return
        settings = terminal.take()
        answer: Answer
        try:
            while isinstance(answer := self.ask(), Command):
                other = _Job(answer, terminal, self.grace, None)
                other.wait()
                terminal.take()
                if _codes[self.pid] is not None:
                    return
                if other.ending:
                    answer = "quit"
                    break
        except Interrupted as stop:
            self.forward(stop.signum)
            answer = "quit"
        terminal.give(self.pid, settings)
        _send_group(self.pid, signal.SIGCONT)
        if answer == "quit":
            self.forward(signal.SIGTERM)


def _next_signal(deadline: float | None) -> signal.struct_siginfo | None:
    """Wait for a signal; None when the deadline has passed."""
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        return None
    return signal.sigtimedwait(_FIRST, 0) or (
        signal.sigwaitinfo(WAITED) if left is None else signal.sigtimedwait(WAITED, left)
    )


def _changed_children() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _not_run(command: Command, failure: int) -> int:
    log.error(f"cannot run {command.argv[0]}: {os.strerror(failure)}")
    return EX_NOT_FOUND if failure in (errno.ENOENT, errno.ENOTDIR) else EX_NOT_EXECUTABLE


def _lead_group(pid: int) -> None:
    # Done by parent and child, since either may be the first to need it.
    try:
        os.setpgid(pid, pid)
    except OSError:
        return


def _become(command: Command, terminal: Terminal | None, writer: int) -> NoReturn:
    try:
        os.setpgid(0, 0)
        if terminal is not None:
            terminal.give(os.getpid())
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


def _exit_code(status: int) -> int:
    return EX_SIGNALLED + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _stop_stragglers(grace: float) -> None:
    if not _any_left():
        return
    for signum in (signal.SIGTERM, signal.SIGKILL):
        if signum == signal.SIGKILL:
            names = ", ".join(_name(process) for process in _left())
            log.warning("killing what the tool left behind", processes=names)
        _signal_stragglers(signum)
        deadline = time.monotonic() + grace
        while _any_left():
            if time.monotonic() > deadline:
                break
            # Not only until a child ends: who came in through `docker exec` is none of ours.
            _next_signal(min(deadline, time.monotonic() + LOOK_AGAIN))
            if signum == signal.SIGKILL:
                _signal_stragglers(signum)
        else:
            return


def _signal_stragglers(signum: int) -> None:
    if os.getpid() == 1:
        _send(-1, signum)
        return
    for process in _left():
        _send(process.pid, signum)


def _any_left() -> bool:
    """Reap what ended and tell whether anything of the agent's still runs."""
    if _any_child():
        return True
    if os.getpid() != 1:
        return False
    try:
        os.kill(-1, 0)
    except ProcessLookupError:
        return False
    return bool(_left())


def _left() -> list[psutil.Process]:
    """Return what runs besides us, but for another user's, who came in through a bare `docker exec`."""
    import psutil

    if os.getpid() != 1:
        return psutil.Process().children(recursive=True)
    return [process for process in psutil.process_iter() if process.pid != 1 and _is_agents(process)]


def _is_agents(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.uids().real == os.getuid() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _name(process: psutil.Process) -> str:
    import psutil

    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
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
    try:
        os.kill(target, signum)
    except (ProcessLookupError, PermissionError):
        return
