"""The ownership walk: gives a tree to the agent, and cannot be led out of it."""

from __future__ import annotations

import errno
import os
import stat
import time

from init import log, signals
from init.errors import SandboxError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from init.accounts import Identity
    from init.mounts import Mount
    from init.root.claims import Target

# Often enough that `docker stop` and a progress line are prompt, seldom enough to cost nothing.
CHECK_EVERY = 1024
PROGRESS_SECONDS = 3.0

# limits.h: mount(2) takes no longer path.
PATH_MAX = 4096
_CUT = "/…"

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class Failure(Record):
    """Why some entries kept their owner: the errno, how many, and the first of them."""

    code: int
    entries: int
    example: str


class Claim(Record):
    """What a walk did."""

    seen: int
    changed: int
    failures: tuple[Failure, ...]


def claim_all(targets: Iterable[Target], table: Iterable[Mount], agent: Identity) -> None:
    """Claim each target up to where the next mount begins, and say what could not be claimed.

    Raises:
        Interrupted: a signal arrived that asks the container to stop.
        SandboxError: a target cannot be opened at all.
    """
    points = {mount.path for mount in table}
    for target in targets:
        try:
            result = claim(target, agent, points)
        except (FileNotFoundError, NotADirectoryError):
            # A single file that is mounted stays its owner's; what another mount hides is nobody's.
            continue
        except PermissionError as error:
            # A share that takes root for nobody (NFS, root_squash). The agent may get in: the session looks.
            log.debug("not claimed: it is closed to root", path=target.path, reason=error.strerror)
            continue
        except OSError as error:
            raise SandboxError(
                f"cannot open {target.path}: {error.strerror}",
                "Check what is mounted there: a folder is needed.",
            ) from error
        log.debug("ownership checked", path=target.path, entries=result.seen, changed=result.changed)
        for failure in result.failures:
            log.warning(
                "entries keep their owner, and the agent may not be able to write them",
                path=target.path,
                count=failure.entries,
                reason=os.strerror(failure.code),
                first=failure.example,
            )


def claim(target: Target, agent: Identity, mount_points: Container[str] = ()) -> Claim:
    """Give every entry of the target to the agent.

    An entry is reached only by its name in a directory that is held open, symbolic links are changed and
    never followed, and neither another filesystem nor a path in mount_points is entered. The walk holds one
    descriptor, however deep the tree, and goes back up through ``..`` only if that is still where it came
    from. A directory is changed after all that is in it, so that its owner tells whether it is done.

    Raises:
        Interrupted: a signal arrived that asks the container to stop.
        OSError: the target itself cannot be opened as a directory.
    """
    return _Walk(target, agent, mount_points).run()


class _Level(Record):
    """A directory on the way from the target to the current one."""

    path: str
    inode: int
    pending: list[str]


class _Walk:
    def __init__(self, target: Target, agent: Identity, mount_points: Container[str]) -> None:
        self.target, self.agent, self.mount_points = target, agent, mount_points
        self.seen = self.changed = 0
        self.failures: dict[int, Failure] = {}
        self.levels: list[_Level] = []
        self.next_progress = time.monotonic() + PROGRESS_SECONDS

    def run(self) -> Claim:
        self.here = os.open(self.target.path, _DIRECTORY)
        try:
            expected, found = self.target.number, _mount_number(self.here)
            if expected is not None and found is not None and found != expected:
                # Somebody put something else on the way there.
                raise FileNotFoundError(errno.ENOENT, "another mount is there", self.target.path)
            self.device = os.fstat(self.here).st_dev
            self.enter(self.target.path)
            while self.levels:
                if self.levels[-1].pending:
                    self.descend(self.levels[-1].pending.pop())
                else:
                    self.ascend()
        finally:
            os.close(self.here)
        return Claim(self.seen, self.changed, tuple(self.failures.values()))

    def descend(self, name: str) -> None:
        try:
            child = os.open(name, _DIRECTORY, dir_fd=self.here)
        except OSError as error:
            if not self.is_closed_to_root(name, error):
                self.fail(error, name)
            return
        if os.fstat(child).st_dev != self.device:
            os.close(child)
            return
        os.close(self.here)
        self.here = child
        self.enter(self.path_of(name))

    def enter(self, path: str) -> None:
        """Change the files of the current directory, and note its directories."""
        self.levels.append(_Level(path, os.fstat(self.here).st_ino, []))
        try:
            with os.scandir(self.here) as entries:
                for entry in entries:
                    self.tick()
                    if self.path_of(entry.name) not in self.mount_points:
                        self.visit(entry)
        except OSError as error:
            self.fail(error)

    def visit(self, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
            if self.is_spared(status) or status.st_dev != self.device or _is_device(status.st_mode):
                return
            if stat.S_ISDIR(status.st_mode):
                self.levels[-1].pending.append(entry.name)
            elif self.is_wrong(status):
                os.chown(entry.name, *self.agent, dir_fd=self.here, follow_symlinks=False)
                self.changed += 1
        except OSError as error:
            self.fail(error, entry.name)

    def ascend(self) -> None:
        """Change the current directory, and go back to its parent."""
        # In this order: once the directory is the agent's, root may not pass through it any more.
        parent = self.parent()
        status = os.fstat(self.here)
        if self.is_wrong(status) and not self.is_spared(status):
            try:
                os.fchown(self.here, *self.agent)
                self.changed += 1
            except OSError as error:
                self.fail(error)
        self.levels.pop()
        if parent is None:
            self.levels.clear()
            return
        os.close(self.here)
        self.here = parent

    def parent(self) -> int | None:
        """Open the parent directory; None at the top, or where nothing above can be trusted any more."""
        if len(self.levels) == 1:
            return None
        try:
            parent = os.open("..", _DIRECTORY, dir_fd=self.here)
        except OSError as error:
            self.fail(error)
            return None
        status = os.fstat(parent)
        if (status.st_dev, status.st_ino) == (self.device, self.levels[-2].inode):
            return parent
        # Somebody moved the directory while it was walked.
        os.close(parent)
        self.fail(OSError(errno.ESTALE, ""))
        return None

    def is_closed_to_root(self, name: str, error: OSError) -> bool:
        """Tell whether a directory is the agent's, and a share does not let root into it."""
        if error.errno != errno.EACCES:
            return False
        try:
            return not self.is_wrong(os.stat(name, dir_fd=self.here, follow_symlinks=False))
        except OSError:
            return False

    def is_wrong(self, status: os.stat_result) -> bool:
        return (status.st_uid, status.st_gid) != self.agent

    def is_spared(self, status: os.stat_result) -> bool:
        return self.target.only_roots and status.st_uid != 0

    def fail(self, error: OSError, *name: str) -> None:
        code = error.errno or errno.EIO
        path = self.path_of(*name) if name else self.levels[-1].path
        known = self.failures.get(code, Failure(code, 0, path))
        self.failures[code] = known._replace(entries=known.entries + 1)

    def path_of(self, name: str) -> str:
        """Return the path of an entry here, cut short where it is longer than that of any mount point.

        Whoever makes a tree deep enough would otherwise have us put together and log megabytes.
        """
        here = self.levels[-1].path
        if here.endswith(_CUT):
            return here
        return f"{here}/{name}" if len(here) + len(name) < PATH_MAX else here + _CUT

    def tick(self) -> None:
        self.seen += 1
        if self.seen % CHECK_EVERY:
            return
        signals.stop_if_asked()
        if time.monotonic() > self.next_progress:
            self.next_progress = time.monotonic() + PROGRESS_SECONDS
            log.info(
                "giving files to the agent",
                entries=self.seen,
                changed=self.changed,
                now_in=self.levels[-1].path,
            )


def _is_device(mode: int) -> bool:
    # The container may not open it, but whoever owns a disk's node on the host reads the disk there.
    return stat.S_ISBLK(mode) or stat.S_ISCHR(mode)


def _mount_number(descriptor: int) -> int | None:
    """Return the number of the mount that a descriptor is in; proc_pid_fdinfo(5), Linux 3.15."""
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as info:
        # gVisor tells no mount of a descriptor.
        return next((int(line.split()[1]) for line in info if line.startswith("mnt_id:")), None)
