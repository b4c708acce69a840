"""The mount table, and the ownership walk over the mounts that the agent writes to."""

import errno
import os
import signal
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from init import log
from init.errors import Interrupted, SandboxError
from init.identity import HOME

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from init.identity import Identity

WORKSPACE = f"{HOME}/workspace"
DATA = f"{HOME}/data"

# Often enough that `docker stop` and a progress line are prompt, seldom enough to cost nothing.
CHECK_EVERY = 1024
PROGRESS_SECONDS = 3.0


class Mount(NamedTuple):
    """One line of proc_pid_mountinfo(5): where, and whether it is read-only."""

    path: str
    read_only: bool


class Failure(NamedTuple):
    """Why some entries kept their owner: the errno, how many, and the first of them."""

    code: int
    count: int
    example: str


class Claim(NamedTuple):
    """What an ownership walk did."""

    seen: int
    changed: int
    failures: tuple[Failure, ...]


def parse(mountinfo: str) -> tuple[Mount, ...]:
    """Read the text of /proc/self/mountinfo; of mounts stacked on one path only the last is visible."""
    table = {}
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        path = _unescape(fields[4])
        table[path] = Mount(path, "ro" in fields[5].split(","))
    return tuple(table.values())


def read_table() -> tuple[Mount, ...]:
    """Return this process's mount table."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib costs 10 ms
        return parse(file.read())


def find(table: "Iterable[Mount]", path: str) -> Mount | None:
    """Return the mount at exactly this path."""
    return next((mount for mount in table if mount.path == path), None)


def owner(table: "Iterable[Mount]", path: str) -> tuple[int, int] | None:
    """Return UID and GID that own the mount at this path, or None where nothing is mounted."""
    if find(table, path) is None:
        return None
    status = os.stat(path)  # noqa: PTH116 - pathlib costs 10 ms
    return status.st_uid, status.st_gid


def to_claim(table: "Iterable[Mount]", agent: "Identity", *, asked: bool) -> tuple[str, ...]:
    """Name the mounts whose files shall become the agent's: writable ones in data/ and workspace/.

    Args:
        table: the mount table.
        agent: who the files shall belong to.
        asked: whether the user set PUID or PGID. If not, the identity was taken from the workspace, so its
            files are left as they are unless the workspace itself is not the agent's (it was root's).
    """
    table = tuple(table)
    chosen = [DATA, *([WORKSPACE] if asked or owner(table, WORKSPACE) != tuple(agent) else [])]
    return tuple(
        mount.path
        for mount in table
        if not mount.read_only and any(mount.path == top or mount.path.startswith(f"{top}/") for top in chosen)
    )


def claim(root: str, agent: "Identity", mount_points: "Container[str]" = ()) -> Claim:
    """Give every entry below root, and last root itself, to the agent.

    An entry is reached only by its name in a directory that is held open, symbolic links are changed and
    never followed, and neither another filesystem nor a path in mount_points is entered. The walk holds one
    descriptor, however deep the tree, and goes back up through ``..`` only if that is still where it came
    from. As root is changed last, its owner tells whether an earlier walk was interrupted.

    Raises:
        Interrupted: a signal arrived that asks the container to stop.
        OSError: root itself cannot be opened.
    """
    return _Walk(root, agent, mount_points).run()


def claim_all(table: "Iterable[Mount]", agent: "Identity", *, asked: bool) -> None:
    """Claim the home directory, and the mounts that to_claim() names, and say what could not be claimed.

    Raises:
        Interrupted: a signal arrived that asks the container to stop.
        SandboxError: a mount cannot be opened at all.
    """
    table = tuple(table)
    points = {mount.path for mount in table}
    # Home is part of the image, so its owner tells whether this container has been here before.
    status = os.stat(HOME)  # noqa: PTH116 - pathlib costs 10 ms
    at_home = [HOME] if (status.st_uid, status.st_gid) != agent else []
    for root in (*at_home, *to_claim(table, agent, asked=asked)):
        try:
            report(root, claim(root, agent, points - {root}))
        except OSError as error:
            raise SandboxError(f"cannot open {root}: {error.strerror}", "Check what is mounted there.") from error


def report(root: str, result: Claim) -> None:
    """Say what could not be claimed, and why."""
    log.debug("ownership checked", path=root, entries=result.seen, changed=result.changed)
    for failure in result.failures:
        log.warning(
            "entries keep their owner, and the agent may not be able to write them",
            path=root,
            count=failure.count,
            reason=os.strerror(failure.code),
            first=failure.example,
        )


class _Level(NamedTuple):
    """A directory on the way from root to the current one."""

    name: str
    device: int
    inode: int
    pending: list[str]


class _Walk:
    def __init__(self, root: str, agent: "Identity", mount_points: "Container[str]") -> None:
        self.root, self.agent, self.mount_points = root, agent, mount_points
        self.seen = self.changed = 0
        self.failures: dict[int, Failure] = {}
        self.next_progress = time.monotonic() + PROGRESS_SECONDS

    def run(self) -> Claim:
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            descriptor = self.descend(descriptor)
            top = os.fstat(descriptor)
            if self.is_wrong(top):
                self.change(descriptor, self.root)
        finally:
            os.close(descriptor)
        return Claim(self.seen, self.changed, tuple(self.failures.values()))

    def descend(self, descriptor: int) -> int:
        """Visit everything below; return an open descriptor of the directory where the walk ended."""
        status = os.fstat(descriptor)
        device = status.st_dev
        path = [_Level(self.root, device, status.st_ino, self.visit(descriptor, self.root, device))]
        while True:
            level = path[-1]
            if level.pending:
                name = level.pending.pop()
                try:
                    child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                except OSError as error:
                    self.fail(error, self.where(path, name))
                    continue
                status = os.fstat(child)
                if status.st_dev != device:
                    os.close(child)
                    continue
                os.close(descriptor)
                descriptor = child
                inside = self.visit(descriptor, self.where(path, name), device)
                path.append(_Level(name, status.st_dev, status.st_ino, inside))
            elif len(path) == 1:
                return descriptor
            else:
                path.pop()
                parent = os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = parent
                status = os.fstat(descriptor)
                if (status.st_dev, status.st_ino) != (path[-1].device, path[-1].inode):
                    # Somebody moved the directory while it was walked: nothing above it can be trusted.
                    self.fail(OSError(errno.ESTALE, ""), self.where(path, level.name))
                    os.close(descriptor)
                    return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)

    def visit(self, descriptor: int, where: str, device: int) -> list[str]:
        """Change the entries of one directory; return the names of the directories to enter."""
        inside = []
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    self.tick(where)
                    path = f"{where}/{entry.name}"
                    if path in self.mount_points:
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                        if status.st_dev != device:
                            continue
                        if self.is_wrong(status):
                            self.change(entry.name, path, descriptor)
                        if stat.S_ISDIR(status.st_mode):
                            inside.append(entry.name)
                    except OSError as error:
                        self.fail(error, path)
        except OSError as error:
            self.fail(error, where)
        return inside

    def is_wrong(self, status: os.stat_result) -> bool:
        return (status.st_uid, status.st_gid) != self.agent

    def change(self, target: str | int, path: str, directory: int | None = None) -> None:
        try:
            if isinstance(target, int):
                os.fchown(target, *self.agent)
            else:
                os.chown(target, *self.agent, dir_fd=directory, follow_symlinks=False)
            self.changed += 1
        except OSError as error:
            self.fail(error, path)

    def fail(self, error: OSError, path: str) -> None:
        code = error.errno or errno.EIO
        known = self.failures.get(code, Failure(code, 0, path))
        self.failures[code] = known._replace(count=known.count + 1)

    def tick(self, where: str) -> None:
        self.seen += 1
        if self.seen % CHECK_EVERY:
            return
        for signum in signal.sigpending() & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}:
            raise Interrupted(signum)
        if time.monotonic() > self.next_progress:
            self.next_progress = time.monotonic() + PROGRESS_SECONDS
            log.info("giving files to the agent", entries=self.seen, changed=self.changed, now_in=where)

    @staticmethod
    def where(path: list[_Level], name: str) -> str:
        return "/".join([*(level.name for level in path), name])


def _unescape(field: str) -> str:
    # The kernel writes space, tab, newline and backslash as three octal digits.
    if "\\" not in field:
        return field
    head, *rest = field.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)
