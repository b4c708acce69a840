"""List every path that this user can write or make writable, starting at the root of the filesystem.

A path is left out where the folder that holds it is listed already and no mount lies between.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH118, PTH123, PTH208

import json
import os
import re
import stat
from collections.abc import Iterator

NULL = os.makedev(1, 3)


def is_read_only(path: str) -> bool:
    """Ask the mount; what is gone by now cannot be written either."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except FileNotFoundError:
        return True


def can_change(path: str, status: os.stat_result) -> bool:
    """Tell whether a path can be written, or be given that permission by its owner, who is us."""
    if os.access(path, os.W_OK):
        return True
    # Nobody changes permissions in /proc, whosever the folder of a process is.
    return status.st_uid == os.getuid() and not path.startswith("/proc/") and not is_read_only(path)


def mount_points() -> set[str]:
    """Return where something is mounted."""
    with open("/proc/self/mountinfo") as table:
        return {line.split(" ")[4] for line in table}


class Walk:
    """What is found on the way."""

    def __init__(self) -> None:
        self.mounts = mount_points()
        self.writable: set[str] = set()
        self.masked: set[str] = set()
        self.hidden: set[str] = set()
        self.seen = 0

    def visit(self, path: str, *, inside: bool) -> None:
        """Look at a path and all below it; `inside` is whether the folder above is listed."""
        try:
            status = os.lstat(path)
        except OSError:
            return
        self.seen += 1
        if stat.S_ISLNK(status.st_mode):
            return
        listed = False
        if can_change(path, status):
            listed = True
            if stat.S_ISCHR(status.st_mode) and status.st_rdev == NULL and path != "/dev/null":
                self.masked.add(path)
            elif not inside or path in self.mounts:
                self.writable.add(named(path))
        if stat.S_ISDIR(status.st_mode):
            for child in self.children(path):
                self.visit(child, inside=listed)

    def children(self, path: str) -> Iterator[str]:
        """Name what a folder holds; of the processes just PID 1 and ourselves."""
        try:
            names = os.listdir(path)
        except OSError:
            if os.access(path, os.X_OK):
                self.hidden.add(named(path))
            return
        for name in names:
            if path == "/proc" and name.isdigit() and name not in ("1", str(os.getpid())):
                continue
            yield os.path.join(path, name)


def named(path: str) -> str:
    """Write <own> for all that /proc has about this process, and <n> for other numbers that vary."""
    path = re.sub(rf"^/proc/{os.getpid()}/.*", "/proc/<own>", path, flags=re.DOTALL)
    path = re.sub(r"^/proc/1/task/\d+/", "/proc/1/task/<n>/", path)
    return re.sub(r"^/dev/pts/\d+$", "/dev/pts/<n>", path)


def main() -> None:
    """Print an object."""
    walk = Walk()
    walk.visit("/", inside=False)
    found = {name: sorted(getattr(walk, name)) for name in ("writable", "masked", "hidden")}
    print(json.dumps({**found, "seen": walk.seen}))


if __name__ == "__main__":
    main()
