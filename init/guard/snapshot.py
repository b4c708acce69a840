"""What the workspace guard records of a workspace, and how it reads: by way of no link."""

from __future__ import annotations

import os
import stat

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.guard.rules.rule import Rule
    from init.guard.views import FileSettings

# To change what is in a folder.
TO_WRITE = 0o700

_PATH = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Item(Record):
    """One risky file as it was found.

    Attributes:
        rule: what runs it.
        mode: type and permissions.
        stamp: size and times, which stand for a content that was not read. The agent cannot set the last one.
        content: a file's content or a link's target; None if it was not read.
        settings: those that are compared; None if the whole content is.
        via: the risky files that lead here; "" if it is one by its own name.
    """

    rule: Rule
    mode: int
    stamp: tuple[int, int, int]
    content: bytes | None
    settings: FileSettings | None
    via: frozenset[str]


class Snapshot(Record):
    """What a search found.

    Attributes:
        items: the risky files of a workspace by path.
        unseen: the first places that were not searched.
        barred: those of them that are another user's and closed to us, and to the agent.
        withheld: paths of risky files that were there, but may be another agent's work of the moment.
    """

    items: dict[str, Item]
    unseen: tuple[str, ...]
    barred: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()


class Change(Record):
    """Something that would run and did not before.

    Attributes:
        path: where, relative to the root.
        what: "added" or "changed".
        reason: what runs it, and when.
        lines: what would run: settings, or lines that are new; only the first, with a note of how many more.
        by_itself: whether it runs without being asked for.
        former: what was there before.
        names: the settings that changed, if only settings were compared; of a git configuration if ``view``
            is "git".
        via: the risky files that lead here; "" if it is one by its own name.
    """

    path: str
    what: str
    reason: str
    lines: tuple[str, ...]
    by_itself: bool = True
    former: Item | None = None
    names: tuple[str, ...] = ()
    view: str = "text"
    via: frozenset[str] = frozenset(("",))


class Comparison(Record):
    """How a workspace differs from what it was.

    Attributes:
        changes: what would run and did not before; what runs by itself comes first.
        unseen: places that were not searched; only the first, with a note of how many more.
        may_hide: whether the session may hide in one of them: what was barred before is out of its reach.
    """

    changes: tuple[Change, ...]
    unseen: tuple[str, ...]
    may_hide: bool = False


def parents(path: str) -> Iterator[str]:
    """Yield the folders above a path, but for the topmost."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def enter(top: int, folder: str, rights: int = 0) -> int:
    """Open a folder below another one, by way of no link, and let ourselves into each on the way.

    The agent may have locked them; they are the agent's, and so are we. Another user's stay as they are.

    Args:
        top: the folder above.
        folder: the path below it.
        rights: what the owner needs in each, and gets; 0 leaves them as they are.

    Raises:
        OSError: there is none, or one on the way is a link.
    """
    here = os.dup(top)
    _let_in(here, rights)
    for name in folder.split("/") if folder else ():
        try:
            below = os.open(name, _PATH, dir_fd=here)
        finally:
            os.close(here)
        here = below
        _let_in(here, rights)
    return here


def _let_in(folder: int, rights: int) -> None:
    if not rights:
        return
    status = os.fstat(folder)
    if status.st_uid == os.geteuid() and status.st_mode & rights != rights:
        # Not os.fchmod(): it is open as a place only, open(2), O_PATH.
        os.chmod(f"/proc/self/fd/{folder}", stat.S_IMODE(status.st_mode) | rights)


def content(folder: int, name: str, limit: int) -> bytes | None:
    """Read a file or a link's target; None if it is neither, larger than the limit, or not readable."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            return os.fsencode(os.readlink(name, dir_fd=folder))
        if not stat.S_ISREG(mode):
            return None
        with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb") as file:
            data = file.read(limit + 1) if os.fstat(file.fileno()).st_size <= limit else None
    except OSError:
        return None
    return data if data is not None and len(data) <= limit else None
