"""The manifest of a quarantine: what is kept in it, and where it was.

A line is added before each file is taken away, so that it holds when the session is killed meanwhile; of two
lines for one path the later counts. The agent can write there, so nothing that is read is believed: no path
of it leads out of the workspace.
"""

from __future__ import annotations

import json
import os
import re

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.guard.snapshot import Change

NAME = "manifest.json"
# Beside it, until everything is taken away.
UNFINISHED = "unfinished"
# Bytes: what 5,000 paths take that are as long and odd as may be; a search finds no more.
MAX = 128 << 20
# Bytes of an entry beside its path, and some more.
_ENTRY = 256
_KEPT = re.compile(r"[0-9]+|\.quarantined-[0-9a-f]+")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Kept(Record):
    """What is kept of one path: a line of the manifest.

    Attributes:
        path: where it was, and is put back when it is accepted.
        kept: its name now. One of digits is in the quarantine's folder, another at the top of the workspace.
        mode: its type and permissions.
        left: the digest of what was left in its place; empty if nothing was.
    """

    path: str
    kept: str
    mode: int
    left: str


class Journal:
    """A manifest that is being written.

    Args:
        aside: the folder of the quarantine; None if there is none, and nothing is written.
        changes: what is going to be put there: room is kept for it, since the disk may be full later.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, aside: int | None, changes: Iterable[Change] = ()) -> None:
        self.aside, self._file, self._end = aside, -1, 0
        # What could not be written.
        self.lost: list[Kept] = []
        if aside is None:
            return
        os.close(os.open(UNFINISHED, _NEW, 0o600, dir_fd=aside))
        self._file = os.open(NAME, _NEW, 0o600, dir_fd=aside)
        # A default ACL may have closed it, acl(5).
        os.fchmod(self._file, 0o600)
        try:
            self._write(bytes(sum(len(json.dumps(change.path)) + _ENTRY for change in changes)))
        except OSError:
            os.close(self._file)
            raise

    def note(self, entry: Kept) -> None:
        """Write down what is going to be kept, or what became of it."""
        if self.aside is None:
            return
        line = text([entry])
        try:
            self._write(line)
        except OSError:
            self.lost.append(entry)
        else:
            self._end += len(line)

    def finish(self) -> None:
        """Say that everything is taken away.

        Raises:
            OSError: that cannot be said.
        """
        if self.aside is None:
            return
        try:
            os.ftruncate(self._file, self._end)
            os.unlink(UNFINISHED, dir_fd=self.aside)
        finally:
            os.close(self._file)

    def _write(self, data: bytes) -> None:
        at = self._end
        while data:
            done = os.pwrite(self._file, data, at)
            data, at = data[done:], at + done


def text(entries: Iterable[Kept]) -> bytes:
    """Return the file's content."""
    # JSON escapes what is no text in a path, and reads it again.
    return b"".join(json.dumps(entry._asdict()).encode() + b"\n" for entry in entries)


def parse(data: bytes) -> list[Kept]:
    """Read the file's content.

    Raises:
        ValueError: it is none that we wrote.
    """
    try:
        # Before 0.3.0 it was one list. A session that was killed leaves zeros behind the last line.
        lines = [data] if data.startswith(b"[") else data.rstrip(b"\0").splitlines()
        read = [json.loads(line) for line in lines]
        entries = [Kept(**entry) for entry in (read[0] if data.startswith(b"[") else read)]
        if not all(map(_plausible, entries)):
            raise ValueError("a path leads out")  # noqa: TRY301 - told like any other fault
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{NAME} is none of ours: {error}") from error
    return list({entry.path: entry for entry in entries}.values())


def _plausible(entry: Kept) -> bool:
    path, kept, mode, left = entry
    return (
        isinstance(path, str)
        and all(name not in ("", ".", "..") and "\0" not in name for name in path.split("/"))
        and isinstance(kept, str)
        and _KEPT.fullmatch(kept) is not None
        and isinstance(mode, int)
        and isinstance(left, str)
    )
