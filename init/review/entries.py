"""Folders and what is in them, reached name by name from a folder that is held open, by way of no link."""

from __future__ import annotations

import contextlib
import os
import stat

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# No pipe is waited for.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# Bytes that are read at a time.
BLOCK = 1 << 20
# What is taken of a mode: no program of the user's gets the rights of another user.
PERMISSIONS = 0o777


def raise_limit(wanted: int) -> None:
    """Let this process have as many files open, as far as it may: setrlimit(2), RLIMIT_NOFILE."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))


class Entry(Record):
    """What lies under a name.

    Attributes:
        mode: type and permissions.
        size: in bytes.
        modified: when its content was changed, in nanoseconds since 1970. Its owner can set it.
        changed: when anything of it was changed. Nobody can set it.
        inode: its number.
    """

    mode: int
    size: int
    modified: int
    changed: int
    inode: int

    @property
    def is_file(self) -> bool:
        """Whether it is an ordinary file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def is_other(self) -> bool:
        """Whether it is a device, a pipe or a socket."""
        return not (self.is_file or self.is_folder or self.is_link)

    @property
    def is_whiteout(self) -> bool:
        """Whether an overlay says by it that there is nothing: a device is not told from another."""
        return stat.S_ISCHR(self.mode)


def of(status: os.stat_result) -> Entry:
    """Return what the system tells of an entry."""
    return Entry(status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def look(folder: int, name: str) -> Entry | None:
    """Return what lies under a name of a folder, None where nothing does.

    Raises:
        OSError: it cannot be told.
    """
    try:
        return of(os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def same_content(one: int, other: int, name: str) -> bool:
    """Tell whether two files of a name have the same bytes.

    Raises:
        OSError: one of them cannot be read, or is no file.
    """
    with reading(one, name) as here, reading(other, name) as there:
        if os.fstat(here).st_size != os.fstat(there).st_size:
            return False
        while True:
            block = os.read(here, BLOCK)
            if block != read_as_much(there, len(block) or 1):
                return False
            if not block:
                return True


@contextlib.contextmanager
def reading(folder: int, name: str) -> Iterator[int]:
    """Have a file open to be read.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    descriptor = os.open(name, READ, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no file any more")
        yield descriptor
    finally:
        os.close(descriptor)


def content(folder: int, name: str, limit: int) -> bytes | None:
    """Return what is in a file, None where it has more bytes than the limit.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    with reading(folder, name) as descriptor:
        if os.fstat(descriptor).st_size > limit:
            return None
        data = read_as_much(descriptor, limit + 1)
        return data if len(data) <= limit else None


def target(folder: int, name: str) -> bytes:
    """Return where a symbolic link leads.

    Raises:
        OSError: it is none.
    """
    return os.fsencode(os.readlink(name, dir_fd=folder))


class Folders:
    """Folders of one tree, opened by their paths. The last one stays open: what follows is often in it.

    Args:
        top: the tree's own folder, which stays the caller's.
    """

    def __init__(self, top: int) -> None:
        self.top = top
        self._path, self._last = "", -1

    def open(self, path: str) -> int:
        """Return a folder, which stays open until another is asked for.

        Raises:
            OSError: there is none, or one on the way is no folder but a link.
        """
        if not path:
            return self.top
        if self._last >= 0 and path == self._path:
            return self._last
        # From the last one, where it is on the way.
        known = self._last >= 0 and path.startswith(f"{self._path}/")
        here = os.dup(self._last if known else self.top)
        self.close()
        for name in (path[len(self._path) + 1 :] if known else path).split("/"):
            try:
                below = os.open(name, FOLDER, dir_fd=here)
            finally:
                os.close(here)
            here = below
        self._path, self._last = path, here
        return here

    def close(self) -> None:
        """Let go of the last one: what lies under its name may be another now."""
        if self._last >= 0:
            os.close(self._last)
        self._last = -1


def read_as_much(descriptor: int, wanted: int) -> bytes:
    """Return so many bytes of what is open, or all that there are."""
    blocks, left = [], wanted
    while left > 0 and (block := os.read(descriptor, min(left, BLOCK))):
        blocks.append(block)
        left -= len(block)
    return b"".join(blocks)
