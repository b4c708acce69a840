"""A git repository that an agent may have made, asked by a git that runs nothing else.

It is asked in the sandbox, as the agent. Still, what its settings name (a filter, a monitor, a hook, a fetch)
must not run once the session is over, when the workspace guard looks: so git may start no process at all.
"""

from __future__ import annotations

import os
import resource
import stat
import time

from init import signals
from init.session.differences import MOST_COMMITS, SHORT, UNKNOWN, Commits, Look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import NoReturn

    from init.session.differences import Count, Stat

_GIT = "/usr/bin/git"
_OPTIONS = (
    "--git-dir=.git", "--work-tree=.", "--no-pager", "--literal-pathspecs", "--no-replace-objects",
    # Each of these would start a process, or a thread.
    "-c", "core.fsmonitor=false", "-c", "core.preloadIndex=false", "-c", "index.threads=1",
    "-c", "core.untrackedCache=false",
)  # fmt: skip
# What the agent wrote at home is no setting of the user's.
_ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1", "HOME": "/", "LC_ALL": "C",
}  # fmt: skip
_RAW = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-renames")
# Of what the user's machine wrote into the index a container may see other inodes, owners and fractions.
_AS_ELSEWHERE = ("-c", "core.checkStat=minimal", "-c", "core.trustctime=false")

# Files of a repository, and bytes of an answer. More is too much to tell.
MOST_FILES, _MOST_BYTES = 200_000, 64 << 20
# Files that git is asked for by name, or new ones whose lines are counted; and bytes that are read of one.
_MOST_COUNTED, _MOST_READ = 500, 1 << 20
# Where git looks for a NUL, too, to tell that a file is binary.
_HEAD = 8000
# Seconds until git is ended: its index may be a pipe that nobody writes to.
_PATIENCE = 4
# A file's time may be behind the clock by as much, in nanoseconds: clock_getres(2), CLOCK_REALTIME_COARSE.
_COARSE = 10_000_000
# An answer is read in pieces of so many bytes.
_PIECE = 1 << 16


class NotToldError(Exception):
    """Git does not answer, or there is too much; the text says which, of a repository."""


def look() -> Look:
    """Look at the repository of the current folder.

    Raises:
        NotToldError: git cannot read it, or it has too many files.
    """
    began = time.time_ns() - _COARSE
    commit = _commit()
    files, untracked = {}, set()
    for path, is_tracked in _listed():
        if not is_tracked:
            untracked.add(path)
        known = _stat(path)
        if known is not None or not is_tracked:
            files[path] = known or UNKNOWN
    ended = time.time_ns()
    # The tool may already be at work.
    for path, known in files.items():
        if began <= known[4] <= ended:
            files[path] = UNKNOWN
    differ = _git(*_AS_ELSEWHERE, "diff-index", *_RAW, "--name-only", "-z", commit, "--") if commit else b""
    loose = untracked.union(filter(None, differ.split(b"\0"))) if commit else files
    return Look(commit, files, frozenset(loose))


def look_again(before: Look) -> dict[bytes, Stat]:
    """Return what there is now of the files of then, and of those that have come.

    Raises:
        NotToldError: as look() does.
    """
    listed = still_there(path for path, _ in _listed())
    # Those too that are ignored now.
    return listed | still_there(path for path in before.files if path not in listed)


def still_there(paths: Iterable[bytes]) -> dict[bytes, Stat]:
    """Return what there is now of some files."""
    return {path: known for path in paths if (known := _stat(path)) is not None}


def counts(before: Look, paths: Collection[bytes]) -> dict[bytes, Count]:
    """Return the lines that were added to files that the commit had as they were, and removed.

    Raises:
        NotToldError: git does not answer.
    """
    if not paths:
        return {}
    named = paths if len(paths) <= _MOST_COUNTED else ()
    answer = _git("diff-index", *_RAW, "--numstat", "-z", before.commit, "--", *named)
    found = dict(map(_count, answer.split(b"\0")[:-1]))
    return {path: found[path] for path in paths if path in found}


def _count(line: bytes) -> tuple[bytes, Count]:
    added, removed, path = line.split(b"\t", 2)
    # A binary file has dashes.
    return path, (int(added), int(removed)) if added.isdigit() and removed.isdigit() else None


def lines(paths: Collection[bytes]) -> dict[bytes, Count]:
    """Return the lines of new files, unless there are many."""
    return {path: _lines(path) for path in paths} if len(paths) <= _MOST_COUNTED else {}


def commits(before: Look) -> Commits:
    """Return what became of the history since.

    Raises:
        NotToldError: git does not answer.
    """
    now = _commit()
    if not now or now == before.commit:
        return Commits()
    if not before.commit:
        return Commits(int(_git("rev-list", "--count", now, "--")), 0, _subjects(now))
    dropped, made = _git("rev-list", "--left-right", "--count", f"{before.commit}...{now}", "--").split()
    return Commits(int(made), int(dropped), _subjects(now, f"^{before.commit}"))


def _subjects(*range_: str) -> tuple[str, ...]:
    words = (f"--max-count={MOST_COMMITS}", "--no-commit-header", f"--abbrev={SHORT}", "--format=%h %s")
    return tuple(_git("rev-list", *words, *range_, "--").decode(errors="replace").split("\n")[:-1])


def _commit() -> str:
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}").decode().strip()
    except NotToldError:
        return ""


def _listed() -> Iterator[tuple[bytes, bool]]:
    """Yield what git tracks, or would, and whether it does."""
    words = ("ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard")
    seen = b""
    for line in _git(*words, most_entries=MOST_FILES).split(b"\0")[:-1]:
        tag, _, path = line.partition(b" ")
        # Of one that is not merged there are several.
        if path != seen:
            yield path, tag != b"?"
        seen = path


def _stat(path: bytes) -> Stat | None:
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(status.st_mode):
        # Another repository: what is in it is its own.
        return status.st_mode, status.st_ino, 0, 0, 0
    return status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _lines(path: bytes) -> Count:
    """Return how many lines a new file has."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(_MOST_READ + 1)
    if len(data) > _MOST_READ or b"\0" in data[:_HEAD]:
        return None
    return data.count(b"\n") + (data[-1:] not in (b"", b"\n")), 0


def _git(*words: str | bytes, most_entries: int = _MOST_BYTES) -> bytes:
    """Return what git answers.

    Raises:
        NotToldError: it fails, or says too much.
    """
    answer, inlet = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _become((_GIT, *_OPTIONS, *words), inlet)
    os.close(inlet)
    pieces, entries, size = [], 0, 0
    while size <= _MOST_BYTES and entries <= most_entries and (piece := os.read(answer, _PIECE)):
        pieces.append(piece)
        size += len(piece)
        entries += piece.count(b"\0")
    os.close(answer)
    is_too_much = size > _MOST_BYTES or entries > most_entries
    if is_too_much:
        signals.send(pid, signals.SIGKILL)
    failed = os.waitpid(pid, 0)[1]
    if is_too_much:
        raise NotToldError(f"has more than {MOST_FILES} files")
    if failed:
        raise NotToldError("cannot be read by git")
    return b"".join(pieces)


def _become(words: tuple[str | bytes, ...], inlet: int) -> NoReturn:
    try:
        os.dup2(inlet, 1)
        signals.reset()
        signals.end_after(_PATIENCE)
        # Nothing can be started: setrlimit(2), RLIMIT_NPROC.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        os.execve(_GIT, words, _ENVIRON)  # noqa: S606 - exec without a shell is the point
    finally:
        os._exit(1)
