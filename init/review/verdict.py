"""What the workspace guard says of a copy, and of what was taken of it."""

from __future__ import annotations

from init.guard import changes as guard
from init.guard import search
from init.guard.budget import MORE, OUT_OF_TIME
from init.guard.snapshot import parents
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.guard.snapshot import Change as Risk
    from init.guard.snapshot import Comparison, Snapshot
    from init.review.changes import Change

# Names that stand for every place.
_ALL = (".", OUT_OF_TIME, MORE)


class Verdict(Record):
    """What the guard found.

    Attributes:
        before: the user's folder as it was.
        found: what the user's machine would run.
        paths: those of the changes that it objects to.
        hiding: places that it did not look at, where the agent may have written.
    """

    before: Snapshot
    found: Comparison
    paths: frozenset[str]
    hiding: frozenset[str]

    def objects_to(self, path: str) -> bool:
        """Tell whether the guard found something in a path, or could not look there."""
        return path in self.paths or self.cannot_see(path)

    def cannot_see(self, path: str) -> bool:
        """Tell whether the guard did not look at a path."""
        return bool(self.hiding) and any(place in self.hiding for place in (path, *parents(path), *_ALL))


def judge(mine: str, theirs: str, changed: Iterable[Change], before: Snapshot | None = None) -> Verdict:
    """Return what the guard says of one folder that was made of another.

    Args:
        mine: the user's folder.
        theirs: the copy; or the user's folder again, once something was taken.
        changed: how they differ: nothing else counts.
        before: what a search of the user's folder found, where there was one.

    Raises:
        OSError: one of them cannot be read.
        Interrupted: a signal arrived that asks for the end.
    """
    known = search.search(mine) if before is None else before
    after = search.search(theirs, known)
    compared = guard.compare(known, after)
    # A folder is none of the risky files that are in it.
    paths = frozenset(
        change.path for change in changed if change.theirs is not None and not change.theirs.is_folder
    )
    guilty = [(change, _guilty(change, paths)) for change in compared.changes]
    barred = known.barred & after.barred
    return Verdict(
        known,
        compared._replace(changes=tuple(change for change, by in guilty if by)),
        frozenset(path for _, by in guilty for path in by),
        frozenset(place for place in after.unseen if place not in barred),
    )


def _guilty(change: Risk, paths: frozenset[str]) -> frozenset[str]:
    """Return by which of these paths something would run."""
    if change.path in paths:
        return frozenset((change.path,))
    return paths & (change.via | {*parents(change.path)})
