"""What a task changed in a cluster, put into a copy of the project on the user's machine.

The archive is what an agent made: it may hold anything. Each name is reached folder by folder and by way of
no link, what is not as payload.py writes it ends it, and the copy is looked at like any other: diff, apply.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import itertools
import json
import os
import stat
import tarfile

from init.errors import SandboxError
from init.pod.payload import FILES, MANIFEST, VERSION
from init.record import Record
from init.review import entries
from init.review.changes import in_repository
from init.review.compare import MAX_CHANGES, MAX_DEPTH, MAX_PATH, PART
from init.review.entries import PERMISSIONS
from init.review.writing import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

# Bytes of the archive once it is not compressed any more, and of the list of what was deleted.
MOST, MOST_MANIFEST = 2 << 30, 64 << 20
_PART = f"{PART}unpack"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20
_DAMAGED = "The result is damaged, or something else than a result: have the task done again."


class Manifest(Record):
    """What a payload says of itself.

    Attributes:
        deleted: paths, what is in a folder before the folder.
        notes: what the result does not have, and why.
    """

    deleted: tuple[str, ...]
    notes: tuple[str, ...]


class _Bounded(io.RawIOBase):
    """A stream of so many bytes, of which more is an error."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        super().__init__()
        self._stream, self._left = stream, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise SandboxError(f"the result has more than {MOST} bytes", _DAMAGED)
        return data


def unpack(stream: IO[bytes], top: int) -> tuple[Manifest, list[str]]:
    """Put the changes of a payload into a folder.

    Args:
        stream: the payload, compressed.
        top: the folder, open.

    Returns:
        What the payload says of itself, and the paths that could not be put in their place.

    Raises:
        SandboxError: it is no payload, or too large a one.
    """
    plain = _Bounded(gzip.GzipFile(fileobj=stream), MOST)
    tree = _Tree(top)
    try:
        with tarfile.open(fileobj=plain, mode="r|", errors="surrogateescape") as archive:
            manifest = _manifest(archive)
            for path in manifest.deleted:
                tree.delete(path)
            for count in itertools.count():
                # It would keep all that it has read.
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile has it, typeshed not
                member = archive.next()
                if member is None:
                    break
                if count >= MAX_CHANGES:
                    raise SandboxError(f"the result has more than {MAX_CHANGES} files", _DAMAGED)
                tree.put(_path(member), member, archive)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, ValueError, KeyError) as error:
        raise SandboxError(f"the result cannot be read: {error}", _DAMAGED) from error
    tree.finish()
    return manifest, tree.missed


def _manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    file = archive.extractfile(first) if first and first.name == MANIFEST and first.isreg() else None
    if first is None or file is None or first.size > MOST_MANIFEST:
        raise SandboxError("the result does not begin with its manifest", _DAMAGED)
    match json.loads(file.read()):
        case {"version": int(version), "deleted": list(deleted), "notes": list(notes)}:
            if version == VERSION and all(isinstance(one, str) for one in (*deleted, *notes)):
                return Manifest(tuple(map(_checked, deleted)), tuple(notes))
    raise SandboxError("the manifest of the result is none", _DAMAGED)


def _path(member: tarfile.TarInfo) -> str:
    if not member.name.startswith(FILES) or not (member.isreg() or member.isdir() or member.issym()):
        raise SandboxError(f"the result holds what is no file of the project: {member.name!r}", _DAMAGED)
    return _checked(member.name.removeprefix(FILES))


def _checked(path: str) -> str:
    """Return a path below the project.

    Raises:
        SandboxError: it is none, or is git's own.
    """
    names = path.split("/")
    is_odd = "\0" in path or not {"", ".", ".."}.isdisjoint(names) or len(path) > MAX_PATH
    if is_odd or len(names) > MAX_DEPTH or in_repository(path) is not None or names[-1].startswith(PART):
        raise SandboxError(
            f"the result holds a path that is no path of the project: {path[:200]!r}", _DAMAGED
        )
    return path


class _Tree:
    """The folder that is changed.

    Attributes:
        missed: paths that could not be put in their place, and why.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._folders: dict[str, tuple[int, int]] = {}
        self.missed: list[str] = []

    def delete(self, path: str) -> None:
        """Remove a file, or a folder in which nothing is left; what is gone already is."""
        above, _, name = path.rpartition("/")
        try:
            with self._entered(above) as here:
                entry = entries.look(here, name)
                if entry is not None and entry.is_folder:
                    os.rmdir(name, dir_fd=here)
                elif entry is not None:
                    os.unlink(name, dir_fd=here)
        except FileNotFoundError:
            pass
        except OSError as error:
            # The user has put something into it since; or what it was in is a folder no more.
            if error.errno not in (errno.ENOTEMPTY, errno.ENOTDIR, errno.ELOOP):
                self._miss(path, error)

    def put(self, path: str, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        """Put a file, a link or a folder in its place."""
        above, _, name = path.rpartition("/")
        try:
            with self._entered(above, make=True) as here:
                if member.isdir():
                    self._make(here, name)
                    self._folders[path] = (member.mode & PERMISSIONS, int(member.mtime))
                    return
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(_PART, dir_fd=here)
                if member.issym():
                    os.symlink(member.linkname, _PART, dir_fd=here)
                else:
                    _write(here, member, archive)
                try:
                    os.rename(_PART, name, src_dir_fd=here, dst_dir_fd=here)
                except OSError:
                    os.unlink(_PART, dir_fd=here)
                    raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise SandboxError(
                    f"there is no room for the result: {error.strerror}", "Make room, and call it again."
                ) from error
            self._miss(path, error)

    def finish(self) -> None:
        """Give the folders their modes and times, those within others first."""
        for path in sorted(self._folders, key=lambda path: -path.count("/")):
            mode, time = self._folders[path]
            with contextlib.suppress(OSError), self._entered(path) as here:
                os.fchmod(here, mode)
                os.utime(here, (time, time))

    def _make(self, here: int, name: str) -> None:
        entry = entries.look(here, name)
        if entry is not None and not entry.is_folder:
            os.unlink(name, dir_fd=here)
            entry = None
        if entry is None:
            os.mkdir(name, 0o755, dir_fd=here)

    @contextlib.contextmanager
    def _entered(self, path: str, *, make: bool = False) -> Iterator[int]:
        """Open a folder, name by name and by way of no link; make what is missing, if that is wanted."""
        here = os.dup(self._top)
        try:
            for name in path.split("/") if path else ():
                try:
                    below = os.open(name, entries.FOLDER, dir_fd=here)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(name, 0o755, dir_fd=here)
                    below = os.open(name, entries.FOLDER, dir_fd=here)
                os.close(here)
                here = below
            if make and stat.S_IMODE(os.fstat(here).st_mode) & 0o300 != 0o300:
                # Its owner closed it; what the result says of it comes in the end.
                os.fchmod(here, stat.S_IMODE(os.fstat(here).st_mode) | 0o300)
            yield here
        finally:
            os.close(here)

    def _miss(self, path: str, error: OSError) -> None:
        self.missed.append(f"{path}: {error.strerror}")


def _write(here: int, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
    source = archive.extractfile(member)
    target = os.open(_PART, _NEW, 0o600, dir_fd=here)
    try:
        while source is not None and (block := source.read(_BLOCK)):
            write_all(target, block)
        os.fchmod(target, member.mode & PERMISSIONS)
        os.utime(target, (member.mtime, member.mtime))
    finally:
        os.close(target)
