"""The repositories that a workspace leads to: a worktree's, a submodule's (gitrepository-layout(5), gitfile).

Each is mounted at the path that its pointer names, where git in the container looks for it. A pointer may be
an agent's: it counts only where the repository knows the folder as its own, which nobody can write from the
workspace.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import posixpath
import re
import shlex
import subprocess
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Callable, NamedTuple

from host.errors import HostError
from host.interpolation import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WORKSPACE = "/home/agent/workspace"
PREFIX = "gitdir: "
LARGEST = 1 << 16
# Seconds for git to read a file, which may be a pipe of an agent's.
PATIENCE = 5.0
# Folders below the workspace that are looked into, as the sandbox does that tells of pointers.
MAX_DEPTH = 2
# The container's own: a mount there would hide what it needs, or what keeps it closed.
RESERVED = re.compile(
    r"/(?:(?:bin|boot|dev|etc|lib[^/]*|proc|run|sbin|sys|usr)(?:/.*)?"
    r"|opt/(?:sandbox|tools|python|rust)(?:/.*)?|home/agent/(?:workspace|data)(?:/.*)?|home|home/agent|opt|tmp)?"
)
LOCKED = "agentic-sandbox: mounted in a session, which cannot see whether this worktree is there\n"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Folders that are looked into.
_MOST_FOLDERS = 10_000


class Mount(NamedTuple):
    """A folder of this machine, and where it is in the container."""

    source: Path
    target: str


class Repository(NamedTuple):
    """What a pointer leads to.

    Attributes:
        pointer: the file ``.git``.
        folder: the repository's own folder, which is mounted.
        target: where it is in the container.
        tree: where git looks for the submodule's files in the container; "" where it goes by the pointer.
    """

    pointer: Path
    folder: Path
    target: str
    tree: str

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What is mounted for it."""
        tree = (Mount(self.pointer.parent, self.tree),) if self.tree else ()
        return (Mount(self.folder, self.target), *tree)


def find(workspace: Path) -> list[Repository]:
    """Return the repositories that a workspace's pointers lead out to, each once.

    Raises:
        HostError: one leads to what is no repository, does not know the folder, or may not be mounted.
    """
    found = {}
    for pointer in pointers(workspace):
        repository = follow(pointer, workspace)
        if repository is not None:
            found[repository.mounts] = repository
    return list(found.values())


def pointers(workspace: Path) -> Iterator[Path]:
    """Yield the files named ``.git`` of a workspace and of the folders near its top."""
    folders = collections.deque([(workspace, 0)])
    for _ in range(_MOST_FOLDERS):
        if not folders:
            return
        folder, depth = folders.popleft()
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == ".git" and entry.is_file(follow_symlinks=False):
                    yield folder / ".git"
                elif depth < MAX_DEPTH and entry.name != ".git" and entry.is_dir(follow_symlinks=False):
                    folders.append((folder / entry.name, depth + 1))


def follow(pointer: Path, workspace: Path) -> Repository | None:
    """Return what a pointer leads to; None where that is in the container already.

    Raises:
        HostError: as `find`.
    """
    named = _read(pointer)
    if not named.startswith(PREFIX):
        return None
    named = named[len(PREFIX) :]
    inside = posixpath.join(WORKSPACE, *pointer.parent.relative_to(workspace).parts)
    gitdir, git_target = _real(pointer.parent / named), posixpath.normpath(posixpath.join(inside, named))
    if git_target.startswith(f"{WORKSPACE}/"):
        return None
    common = _read(gitdir / "commondir")
    folder, target = _real(gitdir / common), posixpath.normpath(posixpath.join(git_target, common))
    _require_known(pointer, gitdir, folder, is_worktree=bool(common))
    tree = "" if common else posixpath.normpath(posixpath.join(git_target, _work_tree(gitdir)))
    repository = Repository(pointer, folder, target, "" if tree == inside else tree)
    for mount in repository.mounts:
        if RESERVED.fullmatch(mount.target) or ":" in mount.target:
            raise HostError(
                f"{pointer} names {named}: nothing can be mounted at {mount.target}, "
                "which is the container's own.",
                "Move the repository or submodule to another folder, then mend its pointers: "
                "git worktree repair, or git submodule update",
            )
    return repository


def _require_known(pointer: Path, gitdir: Path, folder: Path, *, is_worktree: bool) -> None:
    """Refuse a repository that does not say itself that the folder is of its own.

    Raises:
        HostError: it is such a one.
    """
    if not all((folder / name).exists() for name in ("HEAD", "objects", "refs")):
        raise HostError(
            f"{pointer} leads to {gitdir}, which is no repository, or not there.",
            "Mend it in the repository: git worktree repair, or git submodule update",
        )
    if is_worktree:
        known = gitdir.parent == folder / "worktrees" and _real(gitdir / _read(gitdir / "gitdir"))
    else:
        known = _real(gitdir / _work_tree(gitdir)) / ".git"
    if known != _real(pointer):
        raise HostError(
            f"{pointer} leads to the repository {folder}, which does not know this folder: not mounted.",
            "If it is yours, mend it there: git worktree repair, or git submodule update.",
            "If not, an agent may have written it: remove it.",
        )


def _work_tree(gitdir: Path) -> str:
    """Return core.worktree of a submodule's repository; "." where it has none."""
    command = ["git", "config", "--file", str(gitdir / "config"), "--no-includes", "core.worktree"]
    try:
        told = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
            timeout=PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "."
    return os.fsdecode(told.stdout).rstrip("\n") or "."


def _read(file: Path) -> str:
    """Return what such a file names; empty where it cannot be read, is a pipe, or names nothing."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            named = os.fsdecode(opened.read(LARGEST) or b"").rstrip("\r\n")
    except OSError:
        return ""
    return "" if "\0" in named else named


def _real(path: Path) -> Path:
    """Return a path without links; pathlib raises where they lead in a circle, before Python 3.13."""
    return Path(os.path.realpath(path))


def dubious(workspace: Path, uid: int) -> str:
    """Return what root is told before its workspace becomes the agent's; empty where nothing changes for git.

    Args:
        workspace: the folder.
        uid: the effective one of who starts the sandbox.
    """
    try:
        if uid != 0 or workspace.stat().st_uid != 0:
            return ""
        found = [folder for folder in (workspace, *workspace.iterdir()) if (folder / ".git").exists()]
    except OSError:
        return ""
    if not found:
        return ""
    return (
        f"what root owns in {workspace} becomes the agent's. If your git then tells of dubious ownership:\n"
        f"  git config --global --add safe.directory {shlex.quote(str(found[0].resolve()))}"
    )


def override(repositories: Iterable[Repository], service: str) -> dict[str, object]:
    """Return a compose file that mounts repositories, and tells the sandbox where the guard looks as well."""
    mounts = dict.fromkeys(mount for repository in repositories for mount in repository.mounts)
    volumes: list[dict[str, object]] = [
        {"type": "bind", "source": literal(str(mount.source)), "target": literal(mount.target),
         "bind": {"create_host_path": False}}
        for mount in mounts
    ]  # fmt: skip
    # Root's home is closed to the agent, and what is mounted there with it.
    if any(PurePosixPath(mount.target).parts[1] == "root" for mount in mounts):
        volumes.append({"type": "tmpfs", "target": "/root", "tmpfs": {"size": 1 << 20, "mode": 0o755}})
    guarded = ":".join(dict.fromkeys(repository.target for repository in repositories))
    return {"services": {service: {
        "volumes": volumes, "environment": {"SANDBOX_REPOSITORIES": literal(guarded)},
    }}}  # fmt: skip


@contextlib.contextmanager
def kept(repositories: Iterable[Repository], stays: Callable[[], bool]) -> Iterator[None]:
    """Have every worktree's entry locked: `git worktree prune` in the container sees none of their folders.

    Each session holds the file with flock(2): the last one that ends removes it, and what a start that was
    killed has left is taken over. The agent can write there, so nothing is reached by way of a link. Where a
    session stays when we go, the file does.
    """
    with contextlib.ExitStack() as opened:
        ours = []
        for folder in {repository.folder for repository in repositories}:
            for entry in _entries(folder, opened):
                with contextlib.suppress(OSError):  # the user's own lock, or a share that is read-only
                    ours.append((entry, _opened(_lock(entry), opened)))
        try:
            yield
        finally:
            for entry, held in () if stays() else ours:
                with contextlib.suppress(OSError):  # held by another session, too
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove_ours(entry)


def _entries(folder: Path, opened: contextlib.ExitStack) -> Iterator[int]:
    """Yield a descriptor of each worktree's entry."""
    try:
        top = _opened(os.open(folder / "worktrees", _FOLDER), opened)
        names = os.listdir(top)  # noqa: PTH208  # pathlib knows no descriptors
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield _opened(os.open(name, _FOLDER, dir_fd=top), opened)


def _opened(descriptor: int, opened: contextlib.ExitStack) -> int:
    opened.callback(os.close, descriptor)
    return descriptor


def _lock(entry: int) -> int:
    """Return a descriptor of an entry's lock, made where there is none.

    Raises:
        OSError: it cannot be made, or is the user's.
    """
    try:
        lock = os.open("locked", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=entry)
        os.write(lock, LOCKED.encode())
    except FileExistsError:
        lock = os.open("locked", _LOCK, dir_fd=entry)
        if not _is_ours(lock):
            os.close(lock)
            raise
    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return lock


def _remove_ours(entry: int) -> None:
    found = os.open("locked", _LOCK, dir_fd=entry)
    try:
        if _is_ours(found):
            os.unlink("locked", dir_fd=entry)
    finally:
        os.close(found)


def _is_ours(lock: int) -> bool:
    return os.pread(lock, len(LOCKED) + 1, 0) == LOCKED.encode()
