"""Sessions at a time in one folder: what each of them may take as given.

A session takes what it finds at its start as the user's. While another agent is at work that is not so: it
can put a file there for this moment, and take it back before its own end. So each session lists what it took
as given, and one that starts meanwhile takes as given no more than that.

The list is in data/, where any agent can write. Its digest is where none can change it: it is the place of a
lock on the workspace's folder, which lasts as long as PID 1; fcntl_locking(2), open file description locks.
An agent can add locks and remove lists. Each takes trust away, and none gives any.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import time

# hashlib loads OpenSSL: 4 ms, half an interpreter's start.
from _blake2 import blake2b

from init import folders, log, signals
from init.errors import SandboxError
from init.guard.snapshot import Snapshot
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from init.guard.snapshot import Item

# Seconds to wait for the start of others, each of which searches; an agent can make it last for ever.
PATIENCE = 30.0
LOOK_AGAIN = 0.02
# Sessions beside this one; an agent can take any number of locks.
MAX_SESSIONS = 64
# Names in the folder of the lists, above what so many sessions and those that were killed leave.
MAX_NAMES = 1000
# Bytes: lines of 65 for 5,000 files and 50,000 places that are barred.
MAX_LIST = 8 << 20

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# struct flock of 64-bit Linux: type, whence, start, length, process.
_FLOCK = "@hhqqi4x"
# A lock is at most here: off_t is signed, and its length is 1.
_BITS = 62
_END = 1 << _BITS


class NoLocksError(Exception):
    """The file system has no such locks."""


class Given(Record):
    """What a session may take as given.

    Attributes:
        before: what a search found, without what another agent may have put there.
        doubtful: how many files it found and does not take as given.
        forsaken: whether an earlier session of this folder left its list: it never looked.
        lock: what says that this session runs, until it is closed.
        path: this session's list, which goes once it has looked.
    """

    before: Snapshot
    doubtful: int
    forsaken: bool
    lock: int
    path: str


def look(root: str, lists: str, search: Callable[[], Snapshot]) -> Given:
    """Search a workspace while no other session starts, and list for later ones what may be taken as given.

    Args:
        root: the workspace.
        lists: the folder of the lists; it is made.
        search: what searches the workspace.

    Raises:
        Interrupted: a signal arrived that asks the container to stop.
        NoLocksError: the file system has no such locks.
        SandboxError: another sandbox is in the way.
    """
    top = os.open(root, _FOLDER)
    own = f"{os.fstat(top).st_ino:x}."
    try:
        _wait_for_the_start(top)
        others = tuple(_published(top))
        found = search()
        before = _trusted(found, others, lists, own) if others else found
        data = _listed(before)
        place = _digest(data)
        _lock(top, fcntl.F_OFD_SETLK, fcntl.F_RDLCK, place, 1)
        path = f"{lists}/{own}{place:x}"
        forsaken = _keep(path, data, None if others else own)
        fcntl.flock(top, fcntl.LOCK_UN)
    except BaseException:
        os.close(top)
        raise
    return Given(before, len(found.items) - len(before.items), forsaken, top, path)


def end(given: Given) -> None:
    """Say that this session has looked: what it took as given counts for nobody any more."""
    if given.lock < 0:
        return
    _forget(given.path)
    os.close(given.lock)


def _wait_for_the_start(top: int) -> None:
    """Have no other session start meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            signals.stop_if_asked()
        except OSError as error:
            raise NoLocksError(error.strerror) from error
        else:
            return
        if time.monotonic() > deadline:
            raise SandboxError(
                "another sandbox of this workspace keeps this one from starting: something in it holds "
                "a lock on the folder",
                "End the other one first (docker ps shows it), or use another workspace.",
            )
        time.sleep(LOOK_AGAIN)


def _published(top: int) -> Iterator[int]:
    """Yield where others have locks; as many of them as may be sessions, and one more."""
    gaps = [(0, _END)]
    for _ in range(2 * MAX_SESSIONS + 1):
        if not gaps:
            return
        first, end = gaps.pop()
        kind, start, length = _lock(top, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, first, end - first)
        if kind == fcntl.F_UNLCK:
            continue
        if length != 1:
            # None of ours, and it may hide one.
            break
        yield start
        gaps += [gap for gap in ((first, start), (start + 1, end)) if gap[0] < gap[1]]
    # There is no such list, so nothing is trusted.
    yield -1


def _trusted(found: Snapshot, others: Iterable[int], lists: str, own: str) -> Snapshot:
    """Return what all the others took as given, too."""
    known = [_read(f"{lists}/{own}{place:x}", place) for place in others]
    given = frozenset.intersection(*known)
    items = {path: item for path, item in found.items.items() if _of_item(path, item) in given}
    barred = frozenset(path for path in found.barred if _of_place(path) in given)
    withheld = frozenset(found.items.keys() - items.keys())
    return found._replace(items=items, barred=barred, withheld=withheld)


def _read(path: str, place: int) -> frozenset[bytes]:
    """Read a list; empty if it is not the one that was published."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_LIST + 1) if regular else b""
    except OSError:
        return frozenset()
    return frozenset(data.split()) if len(data) <= MAX_LIST and _digest(data) == place else frozenset()


def _listed(before: Snapshot) -> bytes:
    """Return a list, other than every other one, so that its lock is only its session's."""
    lines = [os.urandom(16).hex().encode()]
    lines += (_of_item(path, item) for path, item in before.items.items())
    lines += map(_of_place, before.barred)
    return b"\n".join(lines)


def _of_item(path: str, item: Item) -> bytes:
    # What decides whether it changed: init/guard/changes.py.
    content = item.stamp if item.content is None else item.content
    return _line(path, stat.S_IFMT(item.mode) | item.mode & 0o111, content)


def _of_place(path: str) -> bytes:
    return _line(path)


def _line(*facts: object) -> bytes:
    return blake2b(repr(facts).encode(), digest_size=32).hexdigest().encode()


def _digest(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") >> (64 - _BITS)


def _lock(top: int, command: int, kind: int, start: int, length: int) -> tuple[int, int, int]:
    """Take a lock, or ask for one that is in the way; return its type, start and length."""
    asked = struct.pack(_FLOCK, kind, os.SEEK_SET, start, length, 0)
    try:
        kind, _, start, length, _ = struct.unpack(_FLOCK, fcntl.fcntl(top, command, asked))
    except OSError as error:
        raise NoLocksError(error.strerror) from error
    return kind, start, length


def _keep(path: str, data: bytes, left: str | None) -> bool:
    """Write a list, and remove those whose names begin as given; return whether a session left any."""
    lists, forsaken = os.path.dirname(path), False
    try:
        # Only an agent locks the folder, or puts something else there: maybe to hide what a session left.
        changed = folders.own(lists)
        forsaken = left is not None and (_clear(lists, left) or changed)
        with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        # A session that starts meanwhile takes nothing as given.
        log.info(f"what the workspace guard takes as given cannot be kept in data/: {error}")
    return forsaken


def _clear(lists: str, left: str) -> bool:
    """Remove the lists that earlier sessions of this folder left; return whether there were any."""
    names: list[str] = []
    with os.scandir(lists) as entries:
        for number, entry in enumerate(entries):
            if number == MAX_NAMES:
                # An agent's: nobody has the time to go through them all.
                folders.move_aside(lists)
                folders.own(lists)
                return True
            names += [entry.name] if entry.name.startswith(left) else []
    for name in names:
        _forget(f"{lists}/{name}")
    return bool(names)


def _forget(path: str) -> None:
    """Remove a list."""
    try:
        os.unlink(path)
    except OSError:
        # Gone, or the agent's: a folder.
        return
