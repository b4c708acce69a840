"""The changes of a copy are taken into the user's folder, but for what the guard or the user is against.

Order: what names an object of git's comes after it, what is taken away goes last. Killed at any moment, it
can be repeated: what was taken is no change any more.
"""

from __future__ import annotations

import errno
import os

from init import signals
from init.record import Record
from init.review import changes, entries, repositories
from init.review.merge import MAX_MERGED
from init.review.repositories import Repositories
from init.review.writing import Meanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from init.review.changes import Change
    from init.review.entries import Entry, Folders
    from init.review.merge import Base
    from init.review.writing import Writer

# What ends it: nothing more can be written.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
BOTH = "you committed or staged something in this repository, too: yours stays"


class Outcome(Record):
    """What became of a change.

    "taken"; "merged"; "conflict", and where the agent's version is; "refused" by the guard; "kept" as the
    user has it, since nothing is lost by that; or "failed".
    """

    path: str
    what: str
    why: str = ""
    beside: str = ""


class FullError(Exception):
    """There is no more room.

    Args:
        outcomes: what was done before.
        why: in the system's words.
    """

    def __init__(self, outcomes: list[Outcome], why: str) -> None:
        super().__init__(why)
        self.outcomes = outcomes


class Taking:
    """Takes changes.

    Args:
        writer: what changes the user's folder.
        base: what git knows of what was there.
        name: of the copy.
        objected: tells whether the guard objects to a path.
    """

    def __init__(self, writer: Writer, base: Base, name: str, objected: Callable[[str], bool]) -> None:
        self.writer, self.base, self.name = writer, base, name
        self.objected = objected
        self.outcomes: list[Outcome] = []

    def take(self, found: Iterable[Change]) -> list[Outcome]:
        """Take all that may be taken; return what became of each change.

        Raises:
            FullError: there is no more room.
            Interrupted: a signal arrived that asks for the end.
        """
        found = list(found)
        self.repositories = Repositories(found, self.base, self.writer.mine)
        for change in found:
            if change.mine is not None and change.mine.is_folder and not change.moved:
                # Once something in it is taken away, it looks as if the user had changed it.
                self.writer.ledger.work_in(change.path, change.mine)
        try:
            for change in in_order(found):
                signals.stop_if_asked()
                self.outcomes.append(self.one(change))
        finally:
            for path, error in self.writer.finish():
                self.outcomes.append(Outcome(path, "failed", str(error.strerror)))
        return self.outcomes

    def one(self, change: Change) -> Outcome:
        """Take one change, or say why not."""
        path = change.path
        try:
            return self.decided(change)
        except Meanwhile as meanwhile:
            return Outcome(path, "conflict", str(meanwhile))
        except OSError as error:
            if error.errno in FULL:
                raise FullError(self.outcomes, error.strerror or "") from error
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                # What is in it is told by itself, or is the user's.
                why = "something is left in the folder that it would replace"
                return Outcome(path, "conflict", why) if change.theirs else Outcome(path, "kept")
            return Outcome(path, "failed", error.strerror or str(error))

    def decided(self, change: Change) -> Outcome:
        """Take one change, unless somebody is against it.

        Raises:
            Meanwhile: something else is there now.
            OSError: the system refuses.
        """
        path = change.path
        if self.objected(path):
            return Outcome(path, "refused")
        gits = self.repositories.decide(change)
        if gits == repositories.KEEP:
            return Outcome(path, "kept")
        if gits == repositories.BESIDE and change.theirs is not None:
            return self.put_beside(change, change.theirs, BOTH)
        if gits == repositories.TELL:
            return Outcome(
                path, "conflict", "you changed it in the repository, or it goes with that: it stays"
            )
        if not gits and self.is_conflict(change):
            return self.settle(change)
        told = self.repositories.told(change, self.writer.theirs) if gits else ""
        self.write(change)
        return Outcome(path, "taken", told)

    def write(self, change: Change) -> None:
        """Do it."""
        path, mine, theirs = change.path, change.mine, change.theirs
        writer = self.writer
        if theirs is None:
            if mine is not None:
                writer.remove(path, mine)
            return
        if change.same and mine is not None:
            writer.mode(path, mine, theirs.mode)
            return
        if mine is not None and mine.is_folder:
            # All that was in it is gone by now, or stays.
            writer.remove(path, mine)
            mine = None
        if theirs.is_folder:
            writer.folder(path, mine)
        elif theirs.is_link:
            writer.link(path, mine)
        else:
            writer.file(path, mine)

    def is_conflict(self, change: Change) -> bool:
        """Tell whether the user changed it, too."""
        if not change.moved:
            return False
        theirs = change.theirs
        if change.mine is None:
            # Perhaps it was there, and the user took it away.
            return theirs is not None and not theirs.is_folder and self.base.has(change.path)
        return True

    def settle(self, change: Change) -> Outcome:
        """Put both versions together, or have the agent's beside the user's."""
        path, mine, theirs = change.path, change.mine, change.theirs
        if theirs is None:
            if mine is not None and mine.is_file and self.is_as_before(change, self.writer.mine):
                self.write(change)
                return Outcome(path, "taken")
            return Outcome(path, "conflict", "you changed it, the agent deleted it: it stays")
        if mine is None and theirs.is_file and self.is_as_before(change, self.writer.theirs):
            return Outcome(path, "kept")
        why = "you deleted it, the agent changed it" if mine is None else "you and the agent changed it"
        if theirs.is_folder:
            return Outcome(path, "conflict", f"{why}, which made a folder of it: yours stays")
        merged = self.merge(path, mine, theirs) if mine is not None else None
        return merged or self.put_beside(change, theirs, why)

    def merge(self, path: str, mine: Entry, theirs: Entry) -> Outcome | None:
        """Put two files together; None where that cannot be."""
        if not (mine.is_file and theirs.is_file):
            return None
        ours, other = self.content(path, self.writer.mine), self.content(path, self.writer.theirs)
        merged = self.base.merge(path, ours, other) if ours is not None and other is not None else None
        if merged is None or merged == ours:
            return None if merged is None else Outcome(path, "kept")
        self.writer.data(path, mine, merged, theirs.mode)
        # What it is now is the user's as much as the agent's: the next apply merges again.
        self.writer.ledger.forget(path)
        return Outcome(path, "merged")

    def is_as_before(self, change: Change, tree: Folders) -> bool:
        """Tell whether a side has a file as it was when the copy was made."""
        base = self.base.content(change.path)
        return base is not None and base == self.content(change.path, tree)

    def content(self, path: str, tree: Folders) -> bytes | None:
        """Return what is in a file of one side, None where it is too large."""
        folder, _, name = path.rpartition("/")
        return entries.content(tree.open(folder), name, MAX_MERGED)

    def put_beside(self, change: Change, theirs: Entry, why: str) -> Outcome:
        """Write the agent's version under another name."""
        beside = f"{change.path}.from-{self.name}"
        folder, _, name = beside.rpartition("/")
        if len(os.fsencode(name)) > 255 or self.objected(beside):
            return Outcome(change.path, "conflict", why)
        there = entries.look(self.writer.enter(folder), name)
        if there is not None and not self.writer.ledger.put_beside(beside, there):
            return Outcome(change.path, "conflict", f"{why}; {beside} is there already, and stays")
        write = self.writer.link if theirs.is_link else self.writer.file
        write(change.path, there, beside)
        self.writer.ledger.set_beside(beside)
        return Outcome(change.path, "conflict", why, beside)


def in_order(found: Iterable[Change]) -> Iterator[Change]:
    """Yield changes in the order in which they are taken."""
    found = list(found)
    # What takes the place of a folder comes once that is empty.
    late = [
        change
        for change in found
        if change.theirs is None or (change.is_other_type and change.mine and change.mine.is_folder)
    ]
    gone = set(map(id, late))
    yield from sorted(
        (change for change in found if id(change) not in gone), key=lambda change: changes.rank(change.path)
    )
    yield from late
