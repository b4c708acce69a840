"""What differs between the user's folder and a copy of it."""

from __future__ import annotations

from init.guard.names import fold
from init.record import Record
from init.review.entries import PERMISSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.review.entries import Entry

# So many of each kind of note are named.
MAX_NAMED = 20

GIT = ".git"
# What is in it is never changed by git, and named by what is in it.
_OBJECTS = "objects"
# Of a repository what names objects, and what lists all that is in the working tree.
_NAMES = ("HEAD", "packed-refs", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "shallow")
_INDEX = "index"


class Change(Record):
    """A path that the agent changed.

    Attributes:
        path: below the project's folder.
        mine: what lies there in the user's folder, None where nothing does.
        theirs: what lies there in the copy.
        same: whether both are files, or both folders, that differ in their modes alone.
        moved: whether the user may have changed it too since the copy was made.
    """

    path: str
    mine: Entry | None
    theirs: Entry | None
    same: bool = False
    moved: bool = False

    @property
    def is_other_type(self) -> bool:
        """Whether one is a file and the other a folder, or a link."""
        mine, theirs = self.mine, self.theirs
        return mine is not None and theirs is not None and (mine.mode ^ theirs.mode) & ~0o7777 != 0

    @property
    def kind(self) -> str:
        """What happened to it, in one word."""
        if self.mine is None:
            return "added"
        if self.theirs is None:
            return "deleted"
        return "mode" if self.same else "modified"


class Notes:
    """What is told beside the changes: so many places of each kind, and the first of them by name."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, list[str]]] = {}

    def add(self, what: str, path: str) -> None:
        """Note one place."""
        count, named = self.found.get(what, (0, []))
        if len(named) < MAX_NAMED:
            named.append(path)
        self.found[what] = (count + 1, named)


class Found(Record):
    """How a copy differs from the user's folder.

    Attributes:
        changes: what differs.
        notes: what is not taken, or could not be looked at.
        whole: whether all of it was looked at; there may be more than is kept.
    """

    changes: list[Change]
    notes: Notes
    whole: bool = True


def in_repository(path: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the .git that a path is in, and the names below it; None for an ordinary path."""
    if "/.g" not in f"/{path}".lower() and path.isascii():
        return None
    names = path.split("/")
    for place, name in enumerate(names):
        if fold(name) == GIT:
            return "/".join(names[: place + 1]), tuple(names[place + 1 :])
    return None


def is_object(path: str) -> bool:
    """Tell whether it is one of git's objects, which are kept for what names them, or a pack of them."""
    found = in_repository(path)
    if found is None or _OBJECTS not in found[1]:
        return False
    below = found[1][found[1].index(_OBJECTS) + 1 :]
    return len(below) == 2 and (len(below[0]) == 2 or (below[0] == "pack" and below[1].startswith("pack-")))


def is_lock(path: str) -> bool:
    """Tell whether git, which was killed or is at work, holds something by it."""
    found = in_repository(path)
    return found is not None and path.endswith(".lock") and _OBJECTS not in found[1]


def rank(path: str) -> int:
    """Return when it is taken: no name of an object before the object, and the index last.

    A repository need not be in a folder .git; for what is none the order is all the same.
    """
    names = path.split("/")
    if _OBJECTS in names:
        # The index of a pack is what git finds it by.
        return 1 if names[-1].endswith(".idx") else 0
    if "refs" in names or "logs" in names or names[-1] in _NAMES:
        return 3
    return 4 if names[-1] == _INDEX and in_repository(path) else 2


def count(changes: Iterable[Change]) -> dict[str, int]:
    """Return how many changes there are of each kind."""
    counted: dict[str, int] = {}
    for change in changes:
        counted[change.kind] = counted.get(change.kind, 0) + 1
    return counted


def differs_in_mode(mine: Entry, theirs: Entry) -> bool:
    """Tell whether one may be read, written or executed by others than the other."""
    return (mine.mode ^ theirs.mode) & PERMISSIONS != 0
