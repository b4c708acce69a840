"""What changed in the workspace's repositories while the session ran, told at its end.

A copy is not there to be compared, only what lstat(2) and git say: so a session costs nothing that a person
feels. It is news for the user, no wall: the workspace guard looks for what would do harm.

Two processes of our own look, one beside the start and one after the end. Like PID 1 they show nobody their
memory: prctl(2), PR_SET_DUMPABLE. What the first one saw lies in a file without a name, open to us alone.
"""

from __future__ import annotations

import gc
import marshal
import os
import time
from itertools import islice

from init import log, paths, signals
from init.mounts import find
from init.session import stragglers, supervise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    from init.mounts import Mount
    from init.session.plan import Needs
    from init.settings import Settings

    # A level, an event, its details and what to do about it.
    Event: TypeAlias = tuple[str, str, str, str]

# Repositories that are looked at where the workspace is none itself, and entries among which they are found.
_MOST, _MOST_ENTRIES = 20, 1000
# Seconds that the session waits for the first look, and that this may take.
_START, _FIRST = 0.05, 30
# Seconds for the second one, and where somebody waits for our end: compose.yml, stop_grace_period.
_END, _END_IF_ASKED = 5.0, 1.0
_LOOK_AGAIN = 0.1
# How far the first look stands behind us for a processor: farther than the tool.
_BEHIND = supervise.NICE + 5
# Bytes of a report.
_MOST_TOLD = 1 << 20


def begin(settings: Settings, needs: Needs, table: Iterable[Mount]) -> Changes:
    """Begin to look, beside what else there is to do before the tool starts."""
    mount = find(table, paths.WORKSPACE)
    wanted = settings.changes == "stat" and needs.files and mount is not None and not mount.read_only
    # A tool loads for longer than the look takes; a shell may delete at once.
    changes = Changes(may_wait=settings.session in ("shell", "plain"))
    if wanted and next(_repositories(paths.WORKSPACE), None) is not None:
        changes.begin()
    return changes


class Changes:
    """The two looks, and what they say.

    Args:
        may_wait: whether the session waits a moment for the first one, and does not go before it.
    """

    def __init__(self, *, may_wait: bool) -> None:
        self._may_wait = may_wait
        # What the first one saw, and what ends with it; -1 where there is none.
        self._seen, self._done = -1, -1
        self._began = time.monotonic()
        self._events: list[Event] = []

    def begin(self) -> None:
        """Start the first look."""
        try:
            self._seen = os.memfd_create("seen")
            self._done, inlet = os.pipe2(os.O_CLOEXEC)
            _fork(lambda: _write_looks(self._seen), 0 if self._may_wait else _BEHIND)
            os.close(inlet)
        except OSError:
            # As many processes as there may be, or no such files.
            self._seen = -1

    def wait(self) -> None:
        """Let the first look be over, if that is a matter of moments: what runs in the session starts now."""
        if self._seen >= 0 and self._may_wait:
            _is_over(self._done, time.monotonic() + _START)

    def look_again(self, grace: float) -> None:
        """Look a second time: the session is over, and nobody has looked at the workspace yet.

        Args:
            grace: seconds that stragglers.stop() takes.
        """
        if self._seen < 0:
            return
        answer, inlet = os.pipe2(os.O_CLOEXEC)
        try:
            late = time.monotonic() - self._began > _FIRST
            pid = _fork(lambda: _write_events(self._seen, inlet, late=late), 0)
        except OSError:
            return
        finally:
            os.close(inlet)
        told = _read(answer)
        os.close(answer)
        # It is done, or takes too long; and git with it, which the guard has to find gone.
        signals.send_group(pid, signals.SIGKILL)
        stragglers.stop(grace)
        self._events = _parts(told)
        if self._events[-1:] == [_LAST]:
            self._events.pop()
        else:
            self._events.append(_NOT_ALL)

    def tell(self) -> None:
        """Say what there is to say."""
        for level, event, details, fix in self._events:
            fields = {"details": details, "fix": fix}
            getattr(log, level)(event, **{name: text for name, text in fields.items() if text})


# The end of a report, and what is said where it did not come.
_LAST: Event = ("debug", "", "", "")
_NOT_ALL: Event = (
    "info", "what changed in the workspace while this session ran is too much to tell in time", "",
    "Look yourself: git status",
)  # fmt: skip


def _repositories(root: str) -> Iterator[str]:
    """Yield the workspace, if it is a repository, or else those of its folders that are."""
    if os.path.lexists(f"{root}/.git"):
        yield root
        return
    try:
        with os.scandir(root) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                if entry.is_dir(follow_symlinks=False) and os.path.lexists(f"{entry.path}/.git"):
                    yield entry.path
    except OSError:
        # It is locked, which others tell.
        return


def _write_looks(seen: int) -> None:
    """Write down all repositories, and what is in each."""
    signals.end_after(_FIRST)
    with open(seen, "wb") as file:
        folders = sorted(islice(_repositories(paths.WORKSPACE), _MOST))
        marshal.dump(folders, file)
        for folder in folders:
            file.flush()
            marshal.dump(_look(folder), file)


def _look(folder: str) -> tuple[Any, ...] | str:
    from init.session import repository

    try:
        os.chdir(folder)
        return tuple(repository.look())
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except repository.NotToldError as error:
        return str(error)


def _write_events(seen: int, inlet: int, *, late: bool) -> None:
    """Compare all repositories with what was seen, and write down what there is to say.

    Args:
        seen: where that is.
        inlet: where to write.
        late: whether the first look had its time. A session may be shorter, and has nothing told then.
    """
    from init.session import report

    os.lseek(seen, 0, os.SEEK_SET)
    with open(seen, "rb") as file:
        folders, *looks = _parts(file.read()) or [[]]
    with open(inlet, "wb") as file:
        looks += ["could not be read in time"] * (len(folders) - len(looks) if late else 0)
        for folder, look in zip(folders, looks, strict=False):
            for event in report.events(folder, look):
                marshal.dump(event, file)
            file.flush()
        marshal.dump(_LAST, file)


def _fork(work: Callable[[], None], behind: int) -> int:
    """Do something in a process of its own, so far behind us for a processor; return its PID."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.nice(behind)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            signals.reset()
            # Nothing that is made here leads back to itself: to look for it costs a quarter of the time.
            gc.disable()
            work()
        finally:
            os._exit(0)
    return pid


def _read(answer: int) -> bytes:
    """Return what comes in time; less, where somebody waits for our end."""
    now = time.monotonic()
    deadline, hasty = now + _END, now + _END_IF_ASKED
    data = b""
    while len(data) < _MOST_TOLD and (until := hasty if signals.asked() else deadline) > time.monotonic():
        if _is_over(answer, min(until, time.monotonic() + _LOOK_AGAIN)):
            piece = os.read(answer, _MOST_TOLD)
            if not piece:
                break
            data += piece
    return data


def _is_over(pipe: int, deadline: float) -> bool:
    """Wait until there is something to read, or nobody left to write it; tell whether that is so."""
    import select  # as init/output.py does

    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


def _parts(data: bytes) -> list[Any]:
    """Return what one of our own processes wrote, as far as it came."""
    import io

    file, parts = io.BytesIO(data), []
    while True:
        try:
            parts.append(marshal.load(file))  # noqa: S302 - nobody else can write there
        except (EOFError, ValueError, TypeError):
            return parts
