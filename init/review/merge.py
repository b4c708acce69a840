"""What both sides changed, put together where git knows what it was before."""

from __future__ import annotations

import os
import re

from init.review import changes
from init.review.git import GitError, Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.review.origin import Origin

# Bytes of a file that is merged.
MAX_MERGED = 8 << 20
# Bytes of what names commits.
_MOST = 64 << 20
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


class Base:
    """The files of the commit that a copy was made on. Only the user's own repository is asked.

    Args:
        workspace: the user's folder.
        origin: which commit it was.
        scratch: a folder of our own.
    """

    def __init__(self, workspace: str, origin: Origin, scratch: str) -> None:
        self.workspace, self.origin, self.scratch = workspace, origin, scratch
        self.objects = f"{workspace}/{changes.GIT}/objects"
        self._repository: Repository | None = None
        self._names: frozenset[bytes] | None = None
        # A worktree's objects are elsewhere, and a link may lead anywhere.
        self.is_known = bool(origin.commit) and all(
            os.path.isdir(path) and not os.path.islink(path)
            for path in (f"{workspace}/{changes.GIT}", self.objects)
        )

    def content(self, path: str) -> bytes | None:
        """Return what was in a file, None where that is not known, or it is too large."""
        git = self.repository() if self.is_known and changes.in_repository(path) is None else None
        if git is None:
            return None
        name = f"{self.origin.commit}:{path}"
        try:
            code, size = git.run("cat-file", "-s", name)
            if code or not size.strip().isdigit() or int(size) > MAX_MERGED:
                return None
            code, data = git.run("cat-file", "blob", name)
        except (GitError, OSError, ValueError):
            return None
        return None if code else data

    def has(self, path: str) -> bool:
        """Tell whether a file or a link was there."""
        if self._names is None:
            self._names = frozenset(self._listed())
        return os.fsencode(path) in self._names

    def _listed(self) -> list[bytes]:
        """Return the paths of all files of the commit: one question, whatever is asked."""
        git = self.repository() if self.is_known else None
        try:
            code, names = (
                git.run("ls-tree", "-r", "-z", "--name-only", self.origin.commit) if git else (1, b"")
            )
        except (GitError, OSError):
            return []
        return [] if code else names.split(b"\0")

    def has_nothing_staged(self) -> bool:
        """Tell whether the user's index has what the user's HEAD has: git also writes it to look faster."""
        git = self.repository() if self.is_known else None
        more = {"GIT_INDEX_FILE": f"{self.workspace}/{changes.GIT}/index"}
        try:
            commit = self.head()
            return (
                git is not None
                and commit != ""
                and git.run("diff-index", "--cached", "--quiet", commit, more=more)[0] == 0
            )
        except (GitError, OSError):
            return False

    def head(self) -> str:
        """Return the commit that the user's HEAD names, "" where that cannot be told.

        Raises:
            OSError: it cannot be read.
        """
        folder = f"{self.workspace}/{changes.GIT}"
        name = _first(f"{folder}/HEAD").removeprefix("ref: ")
        if _COMMIT.fullmatch(name):
            return name
        if ".." in name or not name.startswith("refs/"):
            return ""
        if os.path.lexists(f"{folder}/{name}"):
            commit = _first(f"{folder}/{name}")
            return commit if _COMMIT.fullmatch(commit) else ""
        with open(f"{folder}/packed-refs", encoding="utf-8", errors="surrogateescape") as file:
            pairs = (line.rstrip("\n").split(" ", 1) for line in file.read(_MOST).split("\n"))
            return next((pair[0] for pair in pairs if pair[1:] == [name] and _COMMIT.fullmatch(pair[0])), "")

    def merge(self, path: str, mine: bytes, theirs: bytes) -> bytes | None:
        """Put two versions of a text together; None where the base is not known, or they contradict."""
        base = self.content(path)
        if base is None:
            return None
        if base in (mine, theirs):
            return theirs if mine == base else mine
        git = self.repository()
        names = [f"{self.scratch}/{name}" for name in ("mine", "base", "theirs")]
        for name, data in zip(names, (mine, base, theirs), strict=True):
            with open(name, "wb") as file:
                file.write(data)
        try:
            code, merged = git.run("merge-file", "-p", *names)
        except GitError:
            return None
        return None if code else merged

    def repository(self) -> Repository:
        """Return a repository that has the user's objects and nothing else of the user's."""
        if self._repository is None:
            sha256 = len(self.origin.commit) == 64
            self._repository = Repository(f"{self.scratch}/git", self.objects, sha256=sha256)
        return self._repository


def _first(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read(_MOST).split("\n", 1)[0]
