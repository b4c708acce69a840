"""What a task changed, as text that a container's log can hold.

    agentic-sandbox-result: begin {"version": 1, "files": 3, "bytes": 4711, "sha256": "…", "cut": false}
    agentic-sandbox-result: data 0 BASE64
    agentic-sandbox-result: end

The data are a tar archive, compressed by gzip: manifest.json, then files/PATH for all that is new or changed.
Without a volume that outlives it, a log is all that is left of a pod; a kubelet keeps 10 MiB of it.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile

from init.review import entries
from init.review.changes import in_repository
from init.review.entries import PERMISSIONS, Folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from init.review.changes import Change, Found

VERSION = 1
MARK = "agentic-sandbox-result:"
MANIFEST, FILES = "manifest.json", "files/"
# Characters of base64 in all, and in a line: a log is written in pieces of 16 KiB.
MOST, LINE = 6 << 20, 8192
# Bytes of files that are looked at: most of a log of zeros is air.
MOST_CONTENT = 1 << 30


class _TooMuch(Exception):  # noqa: N818 - nothing is wrong: there is only too much of it
    """More than a log can hold."""


class _Bounded(io.RawIOBase):
    """A file that takes so many bytes."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        super().__init__()
        self._file, self._left = file, most

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # what is written to a file
        self._left -= len(view)
        if self._left < 0:
            raise _TooMuch
        return self._file.write(view)


def tell(found: Found, top: int, write: Callable[[str], object]) -> None:
    """Write what a task changed, line by line.

    Args:
        found: what differs; `theirs` is the workspace.
        top: the workspace, open.
        write: takes a line.

    Raises:
        OSError: there is no place for what is to be told.
    """
    changed = [change for change in found.changes if in_repository(change.path) is None]
    with tempfile.TemporaryFile() as spool:
        is_cut = not found.whole
        if not is_cut:
            try:
                _pack(changed, found, top, spool)
            except _TooMuch:
                is_cut = True
        if is_cut:
            spool.truncate(0)
        size = spool.seek(0, io.SEEK_END)
        spool.seek(0)
        digest = hashlib.file_digest(spool, "sha256").hexdigest()
        count = sum(not _is_folder(change) for change in changed)
        head = {"version": VERSION, "files": count, "bytes": size, "sha256": digest, "cut": is_cut}
        write(f"{MARK} begin {json.dumps(head)}\n")
        spool.seek(0)
        for number, block in enumerate(_blocks(spool)):
            write(f"{MARK} data {number} {base64.b64encode(block).decode()}\n")
        write(f"{MARK} end\n")


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    while block := spool.read(LINE // 4 * 3):
        yield block


def _is_folder(change: Change) -> bool:
    entry = change.theirs or change.mine
    return entry is not None and entry.is_folder


def _pack(changed: list[Change], found: Found, top: int, spool: IO[bytes]) -> None:
    """Write the archive.

    Raises:
        _TooMuch: it is larger than a log can hold.
    """
    deleted = [change.path for change in changed if change.theirs is None or change.is_other_type]
    notes = [f"{what}: {path}" for what, (_, named) in found.notes.found.items() for path in named]
    manifest = {"version": VERSION, "deleted": deleted, "notes": notes}
    bounded = _Bounded(spool, MOST // 4 * 3)
    folders = Folders(top)
    with (
        gzip.GzipFile(fileobj=bounded, mode="wb", mtime=0) as packed,
        tarfile.open(
            fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT, errors="surrogateescape"
        ) as archive,
    ):
        data = json.dumps(manifest).encode()
        told = tarfile.TarInfo(MANIFEST)
        told.size = len(data)
        archive.addfile(told, io.BytesIO(data))
        left = MOST_CONTENT
        for change in changed:
            if change.theirs is not None:
                left -= _add(archive, folders, change, left)
                # It would keep all that it has written.
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile has it, typeshed not
    folders.close()


def _add(archive: tarfile.TarFile, folders: Folders, change: Change, left: int) -> int:
    """Add what lies in a place of the workspace; return how many bytes were read.

    Raises:
        _TooMuch: it has more than is left.
    """
    above, _, name = change.path.rpartition("/")
    # What cannot be read any more is left as it was.
    with contextlib.suppress(OSError):
        here = folders.open(above)
        entry = entries.look(here, name)
        if entry is None or entry.is_other:
            return 0
        told = tarfile.TarInfo(f"{FILES}{change.path}")
        told.mode, told.mtime = entry.mode & PERMISSIONS, entry.modified // 10**9
        if entry.is_folder:
            told.type = tarfile.DIRTYPE
            archive.addfile(told)
        elif entry.is_link:
            told.type, told.linkname = tarfile.SYMTYPE, os.fsdecode(entries.target(here, name))
            archive.addfile(told)
        else:
            with entries.reading(here, name) as source:
                told.size = os.fstat(source).st_size
                if told.size > left:
                    raise _TooMuch
                archive.addfile(told, _Whole(source))  # type: ignore[arg-type]  # it is only read
            return told.size
    return 0


class _Whole:
    """A file that has as many bytes as are asked for, even where somebody cuts it off meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int) -> bytes:
        return entries.read_as_much(self._descriptor, size).ljust(size, b"\0")
