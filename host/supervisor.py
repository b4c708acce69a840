"""Runs a child, and sees to it that a signal ends what was started.

Everything about signals, process groups and the terminal is here:

- HUP, INT, TERM and QUIT are caught from the first moment on, even where whoever started us has them ignored
  (nohup, a shell's background). The handlers do nothing: the interpreter writes each number into a pipe
  (signal.set_wakeup_fd), and one loop reads it. So none is lost between two steps, and none interrupts one.
- A child that needs no terminal gets a session of its own: Ctrl-C, which the terminal sends to the whole
  group, comes to us alone, and is passed on once. It goes to the child's whole group, for `docker` runs its
  plugins as processes.
- A child that is the user's terminal stays in our group, in the foreground; while it has the terminal raw,
  Ctrl-C and Ctrl-Z are characters for the container, and no signals.
- What is begun beside the others may be needed by them: if it fails, the child that runs is ended.
- What is done to tear down is not disturbed: signals are noted, and change nothing any more.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING, Callable, NamedTuple, NoReturn, Union

from host import terminal as terminals
from host.errors import SIGNALLED, Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ASKED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
# Seconds that a child has to end once a signal was passed on: a sandbox has 20 itself. And one that only
# answers: what comes while Docker's client starts its plugin reaches neither.
LINGER, ANSWERING = 60.0, 5.0

Log = Union[IO[bytes], None]
File = Union[int, Log]
# What ends a child when a signal came, if it is not the signal itself: given the child and the signal.
End = Callable[["Child", int], None]


class Answer(NamedTuple):
    """What a program said."""

    code: int
    output: str
    errors: str


class Streams(NamedTuple):
    """What a child reads and writes; None is our own, and a number or a file as `subprocess` has it."""

    stdin: File = None
    stdout: File = None
    stderr: File = None
    keep: tuple[int, ...] = ()  # descriptors that stay open in it
    terminal: bool = False  # it is the user's terminal from now on


class Child(NamedTuple):
    """A program that runs."""

    process: subprocess.Popen[bytes]
    terminal: bool  # it shares our process group, and so the terminal

    def ended(self) -> bool:
        """Tell whether it has."""
        return self.process.poll() is not None

    def signal(self, number: int) -> None:
        """Pass a signal on, to all of its processes where they are a group of their own."""
        if number == signal.SIGQUIT:  # Docker's programs would tell all that they are doing
            number = signal.SIGTERM
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.terminal:
                self.process.send_signal(number)
            else:
                os.killpg(self.process.pid, number)


class Beside(NamedTuple):
    """A program that was begun, and answers while others run."""

    child: Child
    output: IO[bytes]
    errors: IO[bytes]

    def failed(self) -> bool:
        """Tell whether it has ended, and not well."""
        return self.child.ended() and self.child.process.returncode != 0


OWN = Streams()


class Supervisor:
    """There is one: signals belong to the whole process."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._beside: list[Beside] = []
        self._tearing_down = False
        self._wakeups, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        # Who has these ignored from the start, for a shell that is, wants Ctrl-Z to have no effect.
        pausing = (signal.SIGTSTP,) if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL else ()
        for number in (*ASKED, *pausing, signal.SIGCHLD):
            signal.signal(number, _noted)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*ASKED, signal.SIGCHLD})

    def check(self) -> None:
        """Go on only if nobody asked for the end.

        Raises:
            Interrupted: somebody did.
        """
        self._read(0)
        if self.received and not self._tearing_down:
            raise Interrupted(self.received[0])

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Have signals change nothing: what was started is being ended."""
        before, self._tearing_down = self._tearing_down, True
        try:
            yield
        finally:
            self._tearing_down = before

    def pause(self, seconds: float) -> None:
        """Wait, but not on after a signal, a child's end included."""
        self._read(seconds)

    def read_line(self) -> bytes:
        """Return the next line of stdin, with its end; empty where there is none.

        Raises:
            Interrupted: somebody asked for the end instead.
        """
        line = b""
        while not line.endswith(b"\n"):
            try:
                select.select([0, self._wakeups], [], [])
                self.check()
                # A byte at a time: what follows the line is not ours.
                more = os.read(0, 1) if select.select([0], [], [], 0)[0] else None
            except OSError:  # stdin is closed
                break
            if more == b"":
                break
            line += more or b""
        return line

    def run(
        self, command: Sequence[str], environ: Mapping[str, str], streams: Streams = OWN, *,
        end: End | None = None, limit: float | None = None,
    ) -> int:  # fmt: skip
        """Run a program to its end and return its exit code, 128 and the number if a signal ended it.

        Args:
            command: the program and its arguments.
            environ: its environment.
            streams: what it reads and writes.
            end: what is done when a signal asks for the end; by default the child gets that signal.
            limit: seconds after which it is killed; by default it may take as long as it takes.

        Raises:
            Interrupted: somebody asked for the end, and the child has ended.
            FileNotFoundError: there is no such program.
        """
        self.check()
        stdin, stdout, stderr, keep, terminal = streams
        with terminals.kept() if terminal else contextlib.nullcontext():
            process = subprocess.Popen(
                command, env=environ, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=keep,
                start_new_session=not terminal,
            )  # fmt: skip
            self._attend(Child(process, terminal), end, None if limit is None else time.monotonic() + limit)
        self.check()
        return _exit_code(process)

    def ask(self, command: Sequence[str], environ: Mapping[str, str], limit: float | None = None) -> Answer:
        """Run a program that only answers, as `run` does, and return what it said.

        Raises:
            Interrupted: as `run`.
            FileNotFoundError: as `run`.
        """
        return self.finish(self.begin(command, environ), limit)

    def begin(
        self, command: Sequence[str], environ: Mapping[str, str], *, needed: bool = True, errors: Log = None
    ) -> Beside:
        """Start a program that only answers, and go on; if one that is needed fails, what runs then is ended.

        Raises:
            Interrupted: somebody asked for the end.
            FileNotFoundError: there is no such program.
        """
        self.check()
        # Files, for a pipe would have to be read meanwhile.
        output = tempfile.TemporaryFile()  # noqa: SIM115 - open beyond this function
        errors = errors or tempfile.TemporaryFile()  # noqa: SIM115 - open beyond this function
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        begun = Beside(Child(process, terminal=False), output, errors)
        if needed:
            self._beside.append(begun)
        return begun

    def finish(self, begun: Beside, limit: float | None = None) -> Answer:
        """Wait for what was begun, and return what it said; after limit seconds it is killed.

        Nothing more is ended for its sake.

        Raises:
            Interrupted: as `run`.
        """
        self._beside = [one for one in self._beside if one is not begun]
        self._attend(begun.child, None, None if limit is None else time.monotonic() + limit, ANSWERING)
        self.check()
        return Answer(_exit_code(begun.child.process), _text(begun.output), _text(begun.errors))

    def become(self, command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
        """Run a program in our own place: from here on there is nothing of ours to end.

        Raises:
            Interrupted: somebody asked for the end before.
            FileNotFoundError: there is no such program.
        """
        self.check()
        # The interpreter ignores these, and that would outlive the exec. What is caught becomes the default.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], list(command), environ)

    def _attend(self, child: Child, end: End | None, deadline: float | None, linger: float = LINGER) -> None:
        """Wait for the child's end, and pass on what arrives meanwhile."""
        told = False
        while not child.ended():
            if not (told or self._tearing_down) and (failed := [one for one in self._beside if one.failed()]):
                told = True
                # Once: what is asked from here on is asked because of it.
                self._beside = [one for one in self._beside if one not in failed]
                self._end(child, signal.SIGTERM, end)
                deadline = time.monotonic() + linger
                continue  # what it ran may have read of the child's end
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if left == 0:
                child.signal(signal.SIGKILL)
                deadline = None
                continue
            for number in self._read(left):
                if number == signal.SIGTSTP:
                    _stop_with(child)
                elif number in ASKED and not (told or self._tearing_down):
                    told = True
                    self._end(child, number, end)
                    deadline = time.monotonic() + linger

    def _end(self, child: Child, number: int, end: End | None) -> None:
        with self.undisturbed():
            (end or Child.signal)(child, number)

    def _read(self, seconds: float | None) -> list[int]:
        """Wait for signals, those that already came included; return them in their order."""
        if not select.select([self._wakeups], [], [], seconds)[0]:
            return []
        numbers = list(os.read(self._wakeups, 4096))
        self.received += [number for number in numbers if number in ASKED]
        return numbers


def _noted(_number: int, _frame: object) -> None:
    """Leave the signal to the pipe."""


def _exit_code(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a process that has ended, 128 and the number if a signal ended it."""
    return process.returncode if process.returncode >= 0 else SIGNALLED - process.returncode


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _stop_with(child: Child) -> None:
    """Ctrl-Z: stop the child, which the terminal did not reach, then ourselves; and go on together."""
    if not child.terminal:
        child.signal(signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
    if not child.terminal:
        child.signal(signal.SIGCONT)
