"""The folders on the way to the one that is compared: each is open in every tree that has it."""

from __future__ import annotations

import os

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.review.changes import Change


class Trees(Record):
    """The folders that are compared, held open.

    Attributes:
        mine: the user's.
        theirs: the copy.
        upper: what of the copy is new, None for a plain one.
    """

    mine: int
    theirs: int
    upper: int | None = None


class Step(Record):
    """A folder to go into."""

    name: str
    mine: bool
    theirs: bool
    sure: bool = False
    last: Change | None = None


class Level(Record):
    """A folder that is compared; -1 where it is not there.

    Attributes:
        path: below the project's folder.
        mine: the user's.
        theirs: the copy's.
        upper: the overlay's.
        depth: folders above it.
        replaced: whether the user has put another folder in its place.
        recent: whether the user's folder changed, so that something may have been taken away.
        touched: whether the agent may have moved it here, with files in it that look as they were.
        sure: whether the agent took it away for sure, with all that is in it.
        waiting: names of the folders in it that are still to be compared.
        last: what is added once all that is in it was.
    """

    path: str
    mine: int
    theirs: int
    upper: int
    depth: int
    replaced: bool
    recent: bool
    touched: bool
    sure: bool
    waiting: list[Step]
    last: Change | None

    @property
    def opened(self) -> tuple[int, int, int]:
        """What of it is open."""
        return self.mine, self.theirs, self.upper


class Wanted:
    """The paths that are asked for.

    Args:
        paths: each stands for all that is below it; none for everything.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(paths)

    def has(self, path: str) -> bool:
        """Tell whether a path is asked for, or is below what is."""
        return not self.paths or any(path == one or path.startswith(f"{one}/") for one in self.paths)

    def leads_to(self, path: str) -> bool:
        """Tell whether a path is asked for, or on the way to what is."""
        return self.has(path) or any(one.startswith(f"{path}/") for one in self.paths)


def join(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def close(*descriptors: int) -> None:
    """Close those that are open."""
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)
