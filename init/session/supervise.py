"""Runs one program to its end: spawn, forward, reap, stop what stays behind, tell its exit code.

Signals are blocked from the first statement of the process and waited for synchronously, so there is no
handler, no race between a handler and a wait, and nothing to poll: signal(7), sigwaitinfo(2).
"""

from __future__ import annotations

import errno
import os
import time

from init import errors, log, signals
from init.errors import Interrupted, SandboxError
from init.record import Record
from init.session import stragglers
from init.session.terminal import Terminal, controlling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Literal, NoReturn, TypeAlias

    from init.session.link import Link

    Answer: TypeAlias = Literal["resume", "quit"] | "Command"

# About ourselves, not for the tool: its own news, and job control, which the kernel sends to its group.
_OURS = {signals.SIGCHLD, signals.SIGTTIN, signals.SIGTTOU}

# How far behind us the session's programs stand for a processor, and none can go back: setpriority(2).
# As many as the container may have, at our own priority, leave us a millisecond of each second. It costs them
# nothing: with the machine outside the container as a whole shares the processors, cgroups(7).
NICE = 10


class Command(Record):
    """What to run: argv[0] is an absolute path."""

    argv: Sequence[str]
    environ: Mapping[str, str]
    directory: str


def run(
    command: Command, grace: float, ask: Callable[[], Answer], link: Link | None = None, limit: float = 0.0
) -> int:
    """Run the command until it ends; then end what it left behind.

    Args:
        command: what to run.
        grace: seconds between SIGTERM and SIGKILL.
        ask: called when the command was stopped at a terminal (Ctrl-Z), which is ours meanwhile. A Command
            as the answer is run first, then it is called again. It may raise Interrupted.
        link: the session's way out, which is started again where it ends, and ends with the command.
        limit: seconds after which the command is asked to end; 0 lets it run.

    Returns:
        The command's exit code, 128 + n where signal n ended it, 126 or 127 where it could not be run, 124
        where it took too long, as timeout(1) has it.
    """
    terminal = controlling()
    job = _Job(command, terminal, grace, ask, _Family(link))
    if limit:
        job.deadline = time.monotonic() + limit
    code = job.wait()
    if link is not None:
        link.stop()
    left = stragglers.stop(grace)
    if terminal is not None:
        terminal.take()
    # Only now: before, somebody could stop what is written, or leave no processor for it.
    job.tell()
    for event, fields in left:
        log.warning(event, **fields)
    if job.asked:
        # For who comes after us, and looks at what is pending.
        signals.send(os.getpid(), signals.SIGTERM)
    if job.timed_out:
        log.warning(f"the tool took more than {limit:g} s, so it was ended")
        return errors.EX_TIMED_OUT
    return code


def step(command: Command, grace: float) -> int:
    """Run a command that prepares the session, as run() does; what else runs is left alone."""
    terminal = controlling()
    job = _Job(command, terminal, grace, None, _Family())
    code = job.wait()
    if terminal is not None:
        terminal.take()
    job.tell()
    return code


class _Family:
    """The children that are no orphans: whoever reaps may reap another's.

    Attributes:
        codes: exit codes of the jobs there are, by PID; None while one runs.
        link: the session's way out, which is started again where it ends.
    """

    def __init__(self, link: Link | None = None) -> None:
        self.codes: dict[int, int | None] = {}
        self.link = link

    def ended(self, pid: int, status: int) -> None:
        if pid in self.codes:
            self.codes[pid] = _exit_code(status)
        elif self.link is not None:
            self.link.ended(pid)


class _Job:
    """A program in a process group of its own and in the terminal's foreground, as a shell's job is."""

    def __init__(
        self,
        command: Command,
        terminal: Terminal | None,
        grace: float,
        ask: Callable[[], Answer] | None,
        family: _Family,
    ) -> None:
        self.command, self.terminal, self.grace, self.ask = command, terminal, grace, ask
        self.family, self.codes = family, family.codes
        # Whether we were asked to end, the program was, and did not; whether it took too long.
        self.asked, self.ending, self.killed, self.timed_out = False, False, False, False
        # When it is asked to end, and when it is killed.
        self.deadline: float | None = None
        # Closed by a successful exec. Not waited for: meanwhile signals are.
        self.news, writer = os.pipe()
        try:
            self.pid = os.fork()
        except OSError as error:
            os.close(self.news)
            os.close(writer)
            raise _no_process(command, error) from error
        if self.pid == 0:
            _become(command, terminal, writer)
        self.codes[self.pid] = None
        os.close(writer)
        _lead_group(self.pid)

    def wait(self) -> int:
        """Forward signals and reap until the program has ended; return its exit code."""
        while self.codes[self.pid] is None:
            info = signals.wait(self.deadline)
            if info is None and not self.ending:
                self.timed_out = True
                self.end()
            elif info is None:
                self.kill()
            elif info.si_signo == signals.SIGCHLD:
                self.reap()
            elif info.si_signo not in _OURS and not (
                info.si_signo == signals.SIGPIPE and info.si_pid == os.getpid()
            ):
                self.forward(info.si_signo)
        failure = os.read(self.news, 16)
        os.close(self.news)
        code = self.codes.pop(self.pid)
        return _not_run(self.command, int(failure)) if failure else code or 0

    def forward(self, signum: int) -> None:
        """Pass a signal on; the one that asks for the end starts the grace period."""
        if signum == signals.SIGTERM:
            self.asked = True
            self.end()
        else:
            signals.send_group(self.pid, signum)

    def end(self) -> None:
        """Ask the program to end."""
        signals.send_group(self.pid, signals.SIGTERM)
        if not self.ending:
            # Stopped, it would not even see it.
            signals.send_group(self.pid, signals.SIGCONT)
            self.ending, self.deadline = True, time.monotonic() + self.grace

    def kill(self) -> None:
        """Kill the program; all that runs, if that did not help: a dead one is its tracer's, ptrace(2)."""
        signals.send_group(self.pid, signals.SIGKILL)
        # To die takes a processor, too, of which others may leave none. They go on when asked to end.
        stragglers.signal(signals.SIGKILL if self.killed else signals.SIGSTOP)
        self.killed, self.deadline = True, time.monotonic() + self.grace

    def tell(self) -> None:
        """Say what became of it, if that is not what the user expects."""
        if self.killed:
            log.warning("the tool did not end when asked to, so it is killed", grace_seconds=self.grace)

    def reap(self) -> None:
        """Reap what ended, and see to the program if it was stopped."""
        stopped = None
        for pid, status in _changed_children():
            if os.WIFSTOPPED(status):
                stopped = os.WSTOPSIG(status) if pid == self.pid else stopped
            else:
                self.family.ended(pid, status)
        if stopped is not None and self.codes[self.pid] is None and self.terminal is not None:
            self.handle_stop(stopped, self.terminal)

    def handle_stop(self, signum: int, terminal: Terminal) -> None:
        """Ask the person what to do with the stopped program, and do it."""
        if self.ask is None or self.ending or signum in (signals.SIGTTIN, signals.SIGTTOU):
            # The last two: who had the foreground took it and went without giving it back. Only continued,
            # the program would be stopped again at once, and so for ever.
            terminal.give(self.pid)
            signals.send_group(self.pid, signals.SIGCONT)
            return
        state = terminal.take()
        answer: Answer
        try:
            while isinstance(answer := self.ask(), Command):
                try:
                    other = _Job(answer, terminal, self.grace, None, self.family)
                except SandboxError as error:
                    log.error(error.what, fix=error.fix)
                    continue
                other.wait()
                terminal.take()
                other.tell()
                if self.codes[self.pid] is not None:
                    return
                if other.asked:
                    self.asked, answer = True, "quit"
                    break
        except Interrupted as stop:
            self.forward(stop.signum)
            answer = "quit"
        except OSError:
            # Nobody can be asked: the terminal has hung up.
            answer = "quit"
        terminal.give(self.pid, state)
        signals.send_group(self.pid, signals.SIGCONT)
        if answer == "quit":
            self.end()


def _changed_children() -> Iterator[tuple[int, int]]:
    # SIGCHLD coalesces: one may stand for any number of children.
    for _ in range(stragglers.MOST_REAPED):
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status
    # There may be more, and more each moment: it comes again, behind what asks us to end.
    signals.send(os.getpid(), signals.SIGCHLD)


def _no_process(command: Command, error: OSError) -> SandboxError:
    return SandboxError(
        f"no process can be started for {command.argv[0]}: {error.strerror}",
        "All that the container may have may be in use: SANDBOX_PIDS, or its memory.",
    )


def _not_run(command: Command, failure: int) -> int:
    log.error(f"cannot run {command.argv[0]}: {os.strerror(failure)}")
    return errors.EX_NOT_FOUND if failure in (errno.ENOENT, errno.ENOTDIR) else errors.EX_NOT_EXECUTABLE


def _lead_group(pid: int) -> None:
    # Done by parent and child, since either may be the first to need it.
    try:
        os.setpgid(pid, pid)
    except OSError:
        return


def _become(command: Command, terminal: Terminal | None, writer: int) -> NoReturn:
    try:
        os.setpgid(0, 0)
        os.nice(NICE)
        if terminal is not None:
            terminal.give(os.getpid())
        _close_inherited(keep=writer)
        os.chdir(command.directory)
        signals.reset()
        os.execve(command.argv[0], list(command.argv), dict(command.environ))  # noqa: S606 - exec without a shell is the point
    except (OSError, ValueError) as error:
        os.write(writer, str(getattr(error, "errno", None) or errno.EINVAL).encode())
    finally:
        os._exit(errors.EX_NOT_FOUND)


def _close_inherited(keep: int) -> None:
    # What Python opens closes itself at exec; this is for what the engine may have left open.
    os.closerange(3, keep)
    os.closerange(keep + 1, 1024)


def _exit_code(status: int) -> int:
    return errors.EX_SIGNALLED + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
