"""What is taken of a repository: what the agent committed, without what the user committed being lost.

Objects are only added. Where the user named other commits since (committed, reset, staged), all names stay
the user's, and the agent's branches get names of their own beside them.
"""

from __future__ import annotations

from init.review import changes, entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from init.review.changes import Change
    from init.review.entries import Folders
    from init.review.merge import Base

TAKE, KEEP, TELL, BESIDE = "take", "keep", "tell", "beside"

# What names commits, and what goes with it.
_TIPS = ("HEAD", "packed-refs")
_WITH_THEM = (*_TIPS, "index", "shallow")
_PASSING = ("_HEAD", "_EDITMSG", "_MSG")
# Bytes of a file that names one commit.
_NAME = 200


class Repositories:
    """Those in which something changed.

    Args:
        found: all changes.
        base: what is known of the user's own.
        mine: the same, opened.
    """

    def __init__(self, found: Iterable[Change], base: Base, mine: Folders) -> None:
        self.base, self.mine = base, mine
        # Where all names stay the user's.
        self.standing = frozenset(self._standing(found))

    def decide(self, change: Change) -> str:
        """Tell what is done with a change.

        Returns:
            TAKE; KEEP the user's, or keep it and TELL that; have the agent's BESIDE it; "" for what is in no
            repository.
        """
        inside = changes.in_repository(change.path)
        if inside is None or not inside[1]:
            return "" if inside is None else TAKE
        folder, names = inside
        what = TAKE
        if changes.is_lock(change.path):
            what = KEEP
        elif not changes.is_object(change.path):
            stands = folder in self.standing
            if "refs" in names and "logs" not in names:
                if self._moved(change, folder) or (stands and change.mine is not None):
                    what = BESIDE if "heads" in names and change.theirs is not None else TELL
            elif stands and (_goes_with_names(names) or change.theirs is None):
                what = TELL if names[-1] == "HEAD" and "logs" not in names else KEEP
            elif change.moved and change.mine is not None and names[-1] != "index":
                # Of what git notes in passing the last word is anybody's; all else is settings of the user's.
                what = KEEP if _goes_with_names(names) else TELL
        return what

    def told(self, change: Change, theirs: Folders) -> str:
        """Return what is told of a branch that names another commit now; "" if nothing is."""
        inside = changes.in_repository(change.path)
        if inside is None or "heads" not in inside[1] or change.mine is None:
            return ""
        was, now = self._commit(change, self.mine), self._commit(change, theirs)
        return f"{change.path}: was {was}, is {now}" if was and now else ""

    def _commit(self, change: Change, tree: Folders) -> str:
        folder, _, name = change.path.rpartition("/")
        try:
            data = entries.content(tree.open(folder), name, _NAME)
        except OSError:
            return ""
        return (data or b"").decode("ascii", "replace").strip()[:12]

    def _moved(self, change: Change, folder: str) -> bool:
        """Tell whether the user may have given this name to another commit."""
        if change.mine is not None or not change.moved:
            return change.moved
        # It may be with all the others in one file by now.
        try:
            packed = entries.look(self.mine.open(folder), "packed-refs")
        except OSError:
            return False
        return packed is not None and self.base.origin.is_users(f"{folder}/packed-refs", packed)

    def _standing(self, found: Iterable[Change]) -> Iterator[str]:
        for change in found:
            inside = changes.in_repository(change.path)
            if inside is None or not inside[1]:
                continue
            folder, names = inside
            if names[-1] == "HEAD" and "logs" not in names and "refs" not in names and change.theirs is None:
                # The agent took all of it away.
                yield folder
            elif not change.moved or changes.is_object(change.path) or "logs" in names:
                continue
            elif names[-1] == "index":
                if not (change.path == f"{changes.GIT}/index" and self.base.has_nothing_staged()):
                    yield folder
            elif names[-1] in _TIPS or ("refs" in names and self._moved(change, folder)):
                yield folder


def _goes_with_names(names: tuple[str, ...]) -> bool:
    return names[-1] in _WITH_THEM or "logs" in names or names[-1].endswith(_PASSING)
