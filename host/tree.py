"""Counts and removes what is below a folder: never through a link, never onto another filesystem.

A folder is entered by its descriptor and left by its "..", which must be the folder that it was entered from.
So a tree may be of any depth, no name is too long, and nobody who moves folders meanwhile leads us elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK = 512  # st_blocks counts these, stat(2)


@dataclass
class Contents:
    """What is below a folder.

    Attributes:
        entries: how many; what cannot be looked into counts as one.
        size: bytes on the disk; a file with several names counts once.
        failures: what could not be done, in words.
    """

    entries: int = 0
    size: int = 0
    failures: list[str] = field(default_factory=list)


class _Level(NamedTuple):
    """A folder that was entered: its name in the one above, which folder it is, and the names to do in it."""

    name: str
    place: tuple[int, int]
    names: list[str]


def count(folder: Path, keep: Collection[str], check: Callable[[], object]) -> Contents:
    """Count what is below a folder.

    Args:
        folder: a real folder.
        keep: entries of it that do not count.
        check: called again and again; it may raise what ends the walk.
    """
    return _Walk(folder, keep, check, removing=False).go()


def remove(folder: Path, keep: Collection[str], check: Callable[[], object]) -> Contents:
    """Remove what is below a folder; return what is told of it, failures included.

    Package caches are often read-only folders, which not even their owner can empty: those are opened first.

    Args:
        folder: a real folder.
        keep: entries of it that stay.
        check: as for `count`.
    """
    return _Walk(folder, keep, check, removing=True).go()


class _Walk:
    def __init__(
        self, folder: Path, keep: Collection[str], check: Callable[[], object], *, removing: bool
    ) -> None:
        self.folder = folder
        self.keep = keep
        self.check = check
        self.removing = removing
        self.found = Contents()
        self.linked: set[tuple[int, int]] = set()
        self.levels: list[_Level] = []
        self.here = -1
        self.mount: str | None = None

    def go(self) -> Contents:
        """Walk, and return what was found."""
        self.here = os.open(self.folder, OPEN)
        try:
            top = os.fstat(self.here)
            self.mount = _mount(self.here)
            self.levels = [
                _Level("", _place(top), [name for name in self._names("") if name not in self.keep])
            ]
            while self.levels:
                if self.levels[-1].names:
                    self._entry(self.levels[-1].names.pop(), top.st_dev)
                else:
                    self._leave()
        finally:
            os.close(self.here)
        return self.found

    def _entry(self, name: str, device: int) -> None:
        with self._told(name):
            status = os.stat(name, dir_fd=self.here, follow_symlinks=False)
            self.check()
            self._count(status)
            if not stat.S_ISDIR(status.st_mode):
                if self.removing:
                    os.unlink(name, dir_fd=self.here)
            elif status.st_dev == device and not self._mounted(name):
                self._enter(name, status)
            elif self.removing:
                os.rmdir(name, dir_fd=self.here)  # says that it is busy

    def _enter(self, name: str, status: os.stat_result) -> None:
        if self.removing and status.st_mode & 0o700 != 0o700 and status.st_uid == os.geteuid():
            _open_up(name, self.here, stat.S_IMODE(status.st_mode) | 0o700)
        try:
            entered = os.open(name, OPEN, dir_fd=self.here)
        except OSError:
            # It may be empty.
            if self.removing and self._rmdir(name):
                return
            raise
        if _place(os.fstat(entered)) != _place(status):
            os.close(entered)
            raise OSError(0, "somebody replaces it right now")
        try:
            # Without permission to search it there is no way back out of it.
            os.stat("..", dir_fd=entered)
        except OSError:
            os.close(entered)
            raise
        os.close(self.here)
        self.here = entered
        self.levels.append(_Level(name, _place(status), self._names(name)))

    def _leave(self) -> None:
        level = self.levels.pop()
        if not self.levels:
            return
        above = os.open("..", OPEN, dir_fd=self.here)
        os.close(self.here)
        self.here = above
        if _place(os.fstat(above)) != self.levels[-1].place:
            # Somebody moved it elsewhere: nothing there is ours.
            self.found.failures.append(f"{level.name}: somebody moved it")
            self.levels = []
        elif self.removing:
            with self._told(level.name):
                self._rmdir(level.name)

    def _mounted(self, name: str) -> bool:
        """Tell whether a folder is a mount of its own, of the same filesystem as well (a bind mount)."""
        if self.mount is None:
            return False
        entry = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.here)
        try:
            return _mount(entry) != self.mount
        finally:
            os.close(entry)

    def _rmdir(self, name: str) -> bool:
        """Remove a folder; what is left in it has been told."""
        try:
            os.rmdir(name, dir_fd=self.here)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return False
        return True

    def _names(self, name: str) -> list[str]:
        with self._told(name):
            return os.listdir(self.here)  # noqa: PTH208  # pathlib knows no descriptors
        return []

    def _count(self, status: os.stat_result) -> None:
        self.found.entries += 1
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if _place(status) in self.linked:
                return
            self.linked.add(_place(status))
        self.found.size += status.st_blocks * BLOCK

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            names = [level.name for level in self.levels[1:]][-3:]
            self.found.failures.append(f"{'/'.join([self.folder.name, *names, name])!r}: {error.strerror}")


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _mount(descriptor: int) -> str | None:
    """Return the number of the mount that a descriptor is in, proc_pid_fdinfo(5); None without /proc."""
    try:
        lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((line for line in lines if line.startswith("mnt_id:")), None)


def _open_up(name: str, folder: int, mode: int) -> None:
    """Let the owner into a folder; a link that took its place is not followed."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, mode, dir_fd=folder, follow_symlinks=False)
        return
    # Linux: a descriptor that needs no permission, and its name in proc(5).
    entry = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        Path(f"/proc/self/fd/{entry}").chmod(mode)
    finally:
        os.close(entry)
