"""The mount table, and which of its mounts shall be the agent's."""

import os
from typing import TYPE_CHECKING, NamedTuple

from init.identity import HOME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.identity import Identity

WORKSPACE = f"{HOME}/workspace"
DATA = f"{HOME}/data"


class Mount(NamedTuple):
    """One line of proc_pid_mountinfo(5): where, and whether it is read-only."""

    path: str
    read_only: bool


class Target(NamedTuple):
    """A folder to claim: all of it, or only what root owns at its top, with everything below that."""

    path: str
    only_roots: bool = False


def parse(mountinfo: str) -> tuple[Mount, ...]:
    """Read the text of /proc/self/mountinfo; of mounts stacked on one path only the last is visible."""
    table = {}
    # Not splitlines(): the kernel escapes no line end but its own.
    for line in filter(None, mountinfo.split("\n")):
        fields = line.split(" ")
        path = _unescape(fields[4])
        table[path] = Mount(path, "ro" in fields[5].split(","))
    return tuple(table.values())


def read_table() -> tuple[Mount, ...]:
    """Return this process's mount table."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        return parse(file.read())


def find(table: "Iterable[Mount]", path: str) -> Mount | None:
    """Return the mount at exactly this path."""
    return next((mount for mount in table if mount.path == path), None)


def owner(table: "Iterable[Mount]", path: str) -> tuple[int, int] | None:
    """Return UID and GID that own the mount at this path, or None where nothing is mounted."""
    if find(table, path) is None:
        return None
    status = os.stat(path)
    return status.st_uid, status.st_gid


def to_claim(table: "Iterable[Mount]", agent: "Identity", *, asked: bool) -> tuple[Target, ...]:
    """Name what shall become the agent's: home, and the writable mounts at and below data/ and workspace/.

    Args:
        table: the mount table.
        agent: who the files shall belong to.
        asked: whether the user set PUID or PGID. If not, the identity was taken from the workspace, whose
            files then stay as they are, but for what root put there and the agent could not change.
    """
    table = tuple(table)
    spare = not asked and owner(table, WORKSPACE) == tuple(agent)
    mounted = (
        Target(mount.path, only_roots=spare and top == WORKSPACE)
        for top in (DATA, WORKSPACE)
        for mount in table
        if not mount.read_only and (mount.path == top or mount.path.startswith(f"{top}/"))
    )
    # Home is part of the image, so its owner tells whether this container has been here before.
    home = os.stat(HOME)
    return (*(() if (home.st_uid, home.st_gid) == agent else (Target(HOME),)), *mounted)


def _unescape(field: str) -> str:
    # The kernel writes space, tab, newline and backslash as three octal digits.
    head, *rest = field.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)
