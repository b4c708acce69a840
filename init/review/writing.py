"""The user's folder is changed: a name has either its old content or all of the new one.

A folder is reached name by name, and no link is followed. What is written has another name until it is
whole, always the same in a folder: what a killed apply left of it is written anew by the next.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from init.review import entries
from init.review.compare import PART
from init.review.entries import PERMISSIONS, Folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from init.review.entries import Entry
    from init.review.ledger import Ledger

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
# What an owner needs in a folder to change what is in it.
_TO_WRITE = 0o700


class Meanwhile(Exception):  # noqa: N818 - not a fault of ours: somebody else is at work there
    """Something else is there now than was looked at."""


class Writer:
    """Changes one tree.

    Args:
        top: the user's folder, open.
        theirs: the copy, open.
        name: of the copy, for names that are not whole.
        ledger: is told of what is written.
    """

    def __init__(self, top: int, theirs: int, name: str, ledger: Ledger) -> None:
        self.mine, self.theirs, self.ledger = Folders(top), Folders(theirs), ledger
        self.part = f"{PART}{name}"
        # Folders that we let ourselves into, and the modes they shall have in the end.
        self.modes: dict[str, int] = {}
        # Folders that were made, and when what is in them was last changed in the copy.
        self.times: dict[str, int] = {}

    def file(self, path: str, seen: Entry | None, into: str = "") -> None:
        """Write a file of the copy in the place of what was seen there, or in another place.

        Raises:
            Meanwhile: something else is there now, or the file is being written.
            OSError: it cannot be read, or written.
        """
        folder, _, name = path.rpartition("/")
        there = self.theirs.open(folder)
        with entries.reading(there, name) as source:
            status = os.fstat(source)
            self.put(into or path, seen, lambda part: _copy(source, part), status.st_mode, status.st_mtime_ns,
                     still=lambda: _is_same(os.fstat(source), status))  # fmt: skip

    def data(self, path: str, seen: Entry | None, data: bytes, mode: int) -> None:
        """Write a file of this content in the place of what was seen there.

        Raises:
            Meanwhile: something else is there now.
            OSError: it cannot be written.
        """
        self.put(path, seen, lambda part: write_all(part, data), mode, None)

    def put(  # noqa: PLR0913 - what is written, where, and as what
        self,
        path: str,
        seen: Entry | None,
        fill: Callable[[int], None],
        mode: int,
        modified: int | None,
        *,
        still: Callable[[], bool] = lambda: True,
    ) -> None:
        """Write a file under another name, and move it into its place."""
        folder, _, name = path.rpartition("/")
        here = self.enter(folder)
        part = self.open_part(here)
        with self.nothing_left(here):
            try:
                fill(part)
                os.fchmod(part, mode & PERMISSIONS)
                if modified is not None:
                    os.utime(part, ns=(modified, modified))
                if seen is not None:
                    # What it replaces is lost otherwise, if the machine stops now.
                    os.fsync(part)
            finally:
                os.close(part)
            if not still():
                raise Meanwhile("it is being written in the copy")
            require_same(here, name, seen)
            os.rename(self.part, name, src_dir_fd=here, dst_dir_fd=here)
        self.remember(here, name, path)

    def link(self, path: str, seen: Entry | None, into: str = "") -> None:
        """Make a symbolic link as the copy has it, in its place or in another."""
        folder, _, name = path.rpartition("/")
        there = self.theirs.open(folder)
        to, entry = entries.target(there, name), entries.look(there, name)
        path = into or path
        folder, _, name = path.rpartition("/")
        here = self.enter(folder)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.part, dir_fd=here)
        os.symlink(to, self.part, dir_fd=here)
        with self.nothing_left(here):
            if entry is not None:
                times = (entry.modified, entry.modified)
                os.utime(self.part, ns=times, dir_fd=here, follow_symlinks=False)
            require_same(here, name, seen)
            os.rename(self.part, name, src_dir_fd=here, dst_dir_fd=here)
        self.remember(here, name, path)

    @contextlib.contextmanager
    def nothing_left(self, here: int) -> Iterator[None]:
        """Remove what is not whole where it cannot be moved into its place."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(self.part, dir_fd=here)
            raise

    def folder(self, path: str, seen: Entry | None) -> None:
        """Make a folder, in the place of a file if one was seen there."""
        above, _, name = path.rpartition("/")
        here = self.enter(above)
        require_same(here, name, seen)
        if seen is not None:
            os.unlink(name, dir_fd=here)
        self.make(here, name, path)

    def make(self, here: int, name: str, path: str) -> None:
        """Make a folder that is ours alone until the end: there is more to come in it."""
        os.mkdir(name, 0o700, dir_fd=here)
        made, theirs = entries.look(here, name), self.in_copy(path)
        if made is not None:
            self.ledger.work_in(path, made)
        self.modes[path] = 0o755
        if theirs is not None and theirs.is_folder:
            self.modes[path], self.times[path] = theirs.mode & PERMISSIONS, theirs.modified

    def mode(self, path: str, seen: Entry, mode: int) -> None:
        """Give a file its mode, or a folder in the end."""
        above, _, name = path.rpartition("/")
        here = self.enter(above)
        require_same(here, name, seen)
        if seen.is_folder:
            self.ledger.work_in(path, seen)
            self.modes[path] = mode & PERMISSIONS
            return
        place = os.open(name, _PLACE, dir_fd=here)
        try:
            # By no name, which may be a link's by now; nor os.fchmod(): it is open as a place only.
            os.chmod(f"/proc/self/fd/{place}", mode & PERMISSIONS)
        finally:
            os.close(place)
        self.remember(here, name, path)

    def remove(self, path: str, seen: Entry) -> None:
        """Remove a file, or a folder in which nothing is left.

        Raises:
            Meanwhile: something else is there now.
            OSError: it cannot be removed; ENOTEMPTY: something is in it.
        """
        above, _, name = path.rpartition("/")
        here = self.enter(above)
        if seen.is_folder:
            self.mine.close()
            here = self.enter(above)
            os.rmdir(name, dir_fd=here)
            self.modes.pop(path, None)
            return
        require_same(here, name, seen)
        os.unlink(name, dir_fd=here)

    def enter(self, path: str) -> int:
        """Open a folder of the user's to change what is in it; make those on the way that are missing.

        Raises:
            Meanwhile: something that is no folder is on the way.
            OSError: it cannot be entered.
        """
        try:
            here = self.mine.open(path)
        except FileNotFoundError:
            above, _, name = path.rpartition("/")
            self.make(self.enter(above), name, path)
            here = self.mine.open(path)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise Meanwhile(f"what is in the place of {path} is no folder") from error
            raise
        status = os.fstat(here)
        if path:
            self.ledger.work_in(path, entries.of(status))
        if path and status.st_uid == os.geteuid() and status.st_mode & _TO_WRITE != _TO_WRITE:
            # The agent went in as we do, and closed it again.
            self.modes.setdefault(path, stat.S_IMODE(status.st_mode))
            os.fchmod(here, stat.S_IMODE(status.st_mode) | _TO_WRITE)
        return here

    def in_copy(self, path: str) -> Entry | None:
        """Return what the copy has in a place."""
        above, _, name = path.rpartition("/")
        try:
            return entries.look(self.theirs.open(above), name)
        except OSError:
            return None

    def finish(self) -> Iterable[tuple[str, OSError]]:
        """Give the folders their modes, those that were made also their times; yield what failed."""
        for path in sorted(self.modes, key=lambda path: -path.count("/")):
            try:
                here = self.mine.open(path)
                mode, now = self.modes[path], stat.S_IMODE(os.fstat(here).st_mode)
                if mode != now & PERMISSIONS:
                    os.fchmod(here, mode | (now & ~PERMISSIONS))
                if path in self.times:
                    os.utime(here, ns=(self.times[path], self.times[path]))
            except FileNotFoundError:
                continue
            except OSError as error:
                yield path, error
        self.modes.clear()
        self.times.clear()
        self.mine.close()
        self.theirs.close()

    def open_part(self, here: int) -> int:
        """Make a file that is not whole yet."""
        try:
            return os.open(self.part, _NEW, 0o600, dir_fd=here)
        except FileExistsError:
            # Of an apply that was killed.
            os.unlink(self.part, dir_fd=here)
            return os.open(self.part, _NEW, 0o600, dir_fd=here)

    def remember(self, here: int, name: str, path: str) -> None:
        """Have it known later that we wrote this."""
        entry = entries.look(here, name)
        if entry is not None:
            self.ledger.write(path, entry)


def require_same(folder: int, name: str, seen: Entry | None) -> None:
    """Stop where something else lies under a name than was seen there.

    Raises:
        Meanwhile: it does.
    """
    now = entries.look(folder, name)
    if now is None or seen is None:
        same = now is seen
    else:
        same = (now.inode, now.changed) == (seen.inode, seen.changed)
    if not same:
        raise Meanwhile("it has changed just now")


def _copy(source: int, target: int) -> None:
    """Write all that is in a file to another."""
    while block := os.read(source, entries.BLOCK):
        write_all(target, block)


def write_all(target: int, data: bytes) -> None:
    """Write all of it, in as many steps as that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _is_same(now: os.stat_result, before: os.stat_result) -> bool:
    return (now.st_mtime_ns, now.st_ctime_ns, now.st_size) == (
        before.st_mtime_ns,
        before.st_ctime_ns,
        before.st_size,
    )
