"""The mount table: proc_pid_mountinfo(5)."""

from __future__ import annotations

import os

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Mount(Record):
    """One line of proc_pid_mountinfo(5).

    Attributes:
        path: where it is mounted.
        read_only: whether nothing can be written there.
        number: its number.
        kind: the type of its filesystem.
        root: which folder or file of that filesystem it is.
    """

    path: str
    read_only: bool
    number: int = 0
    kind: str = ""
    root: str = "/"


def parse(mountinfo: str) -> tuple[Mount, ...]:
    """Read the text of /proc/self/mountinfo; of mounts stacked on one path only the last is visible."""
    table = {}
    # Not splitlines(): the kernel escapes no line end but its own.
    for line in filter(None, mountinfo.split("\n")):
        fields = line.split(" ")
        path = _unescape(fields[4])
        # The mount's own options, and after the separator those of the filesystem.
        options = [*fields[5].split(","), *fields[-1].split(",")]
        # As many fields as the kernel likes, then a dash, and behind it three.
        kind = fields[fields.index("-", 6) + 1]
        table[path] = Mount(path, "ro" in options, int(fields[0]), kind, _unescape(fields[3]))
    return tuple(table.values())


def read_table() -> tuple[Mount, ...]:
    """Return this process's mount table."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        return parse(file.read())


def find(table: Iterable[Mount], path: str) -> Mount | None:
    """Return the mount at exactly this path."""
    return next((mount for mount in table if mount.path == path), None)


def owner(table: Iterable[Mount], path: str) -> tuple[int, int] | None:
    """Return UID and GID that own the mount at this path, or None where nothing is mounted."""
    if find(table, path) is None:
        return None
    status = os.stat(path)
    return status.st_uid, status.st_gid


def _unescape(field: str) -> str:
    # The kernel writes space, tab, newline and backslash as three octal digits.
    head, *rest = field.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)
