"""What was taken of a copy before: by it, what apply wrote is told from what the user did since.

It is a file that no session can reach, of records that end with NUL. What is half written is left out.
"""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.review.entries import Entry

_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
# Bytes: a record for each of half a million files.
_MOST = 128 << 20


class Ledger:
    """What is remembered of the user's folder.

    Args:
        path: of the file; "" to remember nothing for longer than this.

    Raises:
        OSError: it cannot be read or made.
    """

    def __init__(self, path: str = "") -> None:
        self.files: dict[str, tuple[int, int]] = {}
        self.folders: dict[str, int] = {}
        # Those that the user took something out of.
        self.emptied: dict[str, int] = {}
        # What lies beside a file of the user's: in the copy it has another name.
        self.beside: dict[str, tuple[int, int]] = {}
        # When the user's files became the agent's, and all of them changed by that; 0 if they did not.
        self.claimed = 0
        self._file = os.open(path, _OPEN, 0o600) if path else -1
        if path:
            self._read()

    def wrote(self, path: str, entry: Entry | None) -> bool:
        """Tell whether this is as apply left it."""
        return entry is not None and self.files.get(path) == (entry.inode, entry.changed)

    def put_beside(self, path: str, entry: Entry | None) -> bool:
        """Tell whether this is as apply left it beside a file of the user's."""
        return entry is not None and self.beside.get(path) == (entry.inode, entry.changed)

    def worked_in(self, path: str, entry: Entry) -> bool:
        """Tell whether apply made this folder, or changed its mode, or took it away in part."""
        return self.folders.get(path) == entry.inode

    def write(self, path: str, entry: Entry) -> None:
        """Remember what apply wrote."""
        self.files[path] = (entry.inode, entry.changed)
        self._append("F", entry.inode, entry.changed, path)

    def set_beside(self, path: str) -> None:
        """Remember of what was just written that it lies beside a file of the user's."""
        if path in self.files:
            self.beside[path] = self.files[path]
            self._append("B", *self.files[path], path)
            self.forget(path)

    def forget(self, path: str) -> None:
        """Take what was written for the user's."""
        if self.files.pop(path, None) is not None:
            self._append("F", 0, 0, path)

    def work_in(self, path: str, entry: Entry) -> None:
        """Remember a folder that apply changes: before it does, since it may be killed then."""
        if not self.worked_in(path, entry):
            self.folders[path] = entry.inode
            self._append("D", entry.inode, 0, path)

    def empty(self, path: str, entry: Entry) -> None:
        """Remember a folder that the user took something out of."""
        if not self.was_emptied(path, entry):
            self.emptied[path] = entry.inode
            self._append("E", entry.inode, 0, path)

    def was_emptied(self, path: str, entry: Entry) -> bool:
        """Tell whether the user took something out of this folder before apply worked there."""
        return self.emptied.get(path) == entry.inode

    def claim(self, when: int) -> None:
        """Remember that the user's files have become the agent's by now."""
        if not self.claimed:
            self.claimed = when
            self._append("C", 0, when, "")

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _append(self, kind: str, inode: int, changed: int, path: str) -> None:
        if self._file >= 0:
            # Where there is no room: what apply wrote is then taken for the user's, and nothing is lost.
            with contextlib.suppress(OSError):
                os.write(self._file, os.fsencode(f"{kind} {inode} {changed} {path}\0"))

    def _read(self) -> None:
        with open(os.dup(self._file), "rb") as file:
            *records, half = file.read(_MOST).split(b"\0")
        if half:
            # Whatever comes next is a record of its own.
            os.write(self._file, b"\0")
        for record in records:
            with contextlib.suppress(ValueError):
                kind, inode, changed, path = os.fsdecode(record).split(" ", 3)
                if kind == "F":
                    self.files[path] = (int(inode), int(changed))
                elif kind == "B":
                    self.beside[path] = (int(inode), int(changed))
                elif kind == "C":
                    self.claimed = int(changed)
                elif kind == "E":
                    self.emptied[path] = int(inode)
                elif kind == "D":
                    self.folders[path] = int(inode)
