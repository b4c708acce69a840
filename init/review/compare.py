"""The comparison of the user's folder with a copy: only what the agent can have changed is looked at.

Of an overlay that is what lies in its upper folder, which has every folder on the way to a change. A device
there takes a name away. That a folder hides all that was in it (opaque) cannot be asked without a capability;
it shows in that nothing of the user's is seen in the copy.

Of a plain copy it is what changed after the copy was whole.
"""

from __future__ import annotations

import os
import stat

from init import signals
from init.review import changes, entries
from init.review.changes import Change, Found, Notes
from init.review.levels import Level, Step, Wanted, close, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Container

    from init.review.entries import Entry
    from init.review.ledger import Ledger
    from init.review.levels import Trees
    from init.review.origin import Origin

MAX_CHANGES = 250_000  # 300 MB of memory
# Folders in each other: each is held open, of each tree.
MAX_DEPTH = 1000
OPEN_FILES = 3 * MAX_DEPTH + 200
# PATH_MAX, less what leads to a project.
MAX_PATH = 3800
# What apply writes is called so until it is whole.
PART = ".agentic-sandbox-part-"

OTHERS = "never taken: it is a device, a pipe or a socket"
MOUNTED = "not looked at: another file system is mounted there"
DEEP = "not looked at: too deep, or its path is too long"
MORE = "not looked at: there are more changes than can be shown or taken at once"
CLOSED = "not looked at: it is closed to its owner, or cannot be read"
SPECIAL = "taken without its setuid or setgid bit"


def compare(
    trees: Trees,
    origin: Origin,
    ledger: Ledger,
    wanted: Collection[str] = (),
    mount_points: Container[str] = (),
) -> Found:
    """Return what the agent changed.

    Args:
        trees: the folders.
        origin: when the copy was made.
        ledger: what was taken before.
        wanted: paths that are looked at, with all that is below them; none for everything.
        mount_points: paths in the user's folder where something else is mounted: an overlay has it not.

    Raises:
        OSError: a tree cannot be looked at.
        Interrupted: a signal arrived that asks for the end.
    """
    return _Walk(trees, origin, ledger, wanted, mount_points).run()


class _Walk:
    def __init__(
        self,
        trees: Trees,
        origin: Origin,
        ledger: Ledger,
        wanted: Collection[str],
        mount_points: Container[str],
    ) -> None:
        self.trees, self.origin, self.ledger = trees, origin, ledger
        self.wanted, self.mount_points = Wanted(wanted), mount_points
        self.changes: list[Change] = []
        self.notes = Notes()
        self.whole = True
        self.device = os.fstat(trees.mine).st_dev

    def run(self) -> Found:
        upper = -1 if self.trees.upper is None else os.dup(self.trees.upper)
        recent = os.fstat(self.trees.mine).st_mtime_ns >= self.origin.since
        top = Level("", os.dup(self.trees.mine), os.dup(self.trees.theirs), upper, 0, replaced=False,
                    recent=recent, touched=False, sure=False, waiting=[], last=None)  # fmt: skip
        levels = [top]
        try:
            self.enter(top)
            while levels:
                signals.stop_if_asked()
                level = levels[-1]
                if level.waiting and self.whole:
                    below = self.descend(level, level.waiting.pop())
                    if below is not None:
                        levels.append(below)
                        self.enter(below)
                else:
                    if level.last is not None:
                        self.add(level.last)
                    close(*levels.pop().opened)
        finally:
            for level in levels:
                close(*level.opened)
        return Found(self.changes, self.notes, self.whole)

    def descend(self, level: Level, step: Step) -> Level | None:
        """Open a folder of each tree; None where that cannot be."""
        path = join(level.path, step.name)
        if level.depth == MAX_DEPTH or len(path) > MAX_PATH:
            self.notes.add(DEEP, path)
            return None
        opened: list[int] = []
        try:
            for folder, is_there in (
                (level.mine, step.mine),
                (level.theirs, step.theirs),
                (level.upper, step.theirs and level.upper >= 0),
            ):
                opened.append(os.open(step.name, entries.FOLDER, dir_fd=folder) if is_there else -1)
        except OSError:
            self.notes.add(CLOSED, path)
            close(*opened)
            return None
        return self.level(level, path, opened, step)

    def level(self, above: Level, path: str, opened: list[int], step: Step) -> Level | None:
        mine, theirs, upper = opened
        replaced, recent = above.replaced, above.recent
        if mine >= 0:
            status = os.fstat(mine)
            if status.st_dev != self.device:
                self.notes.add(MOUNTED, path)
                close(*opened)
                return None
            entry = entries.of(status)
            is_new = self.origin.is_users(path, entry) and not self.ledger.worked_in(path, entry)
            # A folder that gets another name is told by this alone; what changes in it, by both.
            replaced = replaced or (is_new and entry.changed != entry.modified)
            recent = entry.modified >= self.origin.since
        touched = above.touched or (theirs >= 0 and self.is_touched(entries.of(os.fstat(theirs))))
        return Level(path, mine, theirs, upper, above.depth + 1, replaced, recent, touched, step.sure, [],
                     step.last)  # fmt: skip

    def enter(self, level: Level) -> None:
        """Look at all names of a folder that the agent may have changed."""
        try:
            mine, theirs, upper = (
                set(os.listdir(folder)) if folder >= 0 else set()
                for folder in (level.mine, level.theirs, level.upper)
            )
        except OSError:
            # Nothing of it is taken for gone.
            self.notes.add(CLOSED, level.path)
            return
        names = mine | theirs
        if self.trees.upper is not None and level.theirs >= 0:
            names = upper & names
            if theirs <= upper:
                names |= mine
        for name in sorted(names):
            if not self.wanted.leads_to(join(level.path, name)) or name.startswith(PART):
                continue
            if not self.whole:
                return
            try:
                self.visit(level, name, is_taken=name in upper)
            except OSError:
                self.notes.add(CLOSED, join(level.path, name))
        # From the end: in the order of their names.
        level.waiting.reverse()

    def visit(self, level: Level, name: str, *, is_taken: bool) -> None:
        """Look at one name.

        Args:
            level: the folder.
            name: in it.
            is_taken: whether the overlay has something of this name.
        """
        path = join(level.path, name)
        mine = entries.look(level.mine, name) if level.mine >= 0 else None
        theirs = entries.look(level.theirs, name) if level.theirs >= 0 else None
        if mine is not None and path in self.mount_points:
            self.notes.add(MOUNTED, path)
        elif theirs is None:
            if mine is not None:
                self.gone(level, name, mine, sure=level.sure or (is_taken and self.is_whiteout(level, name)))
        elif mine is None:
            self.new(level, name, theirs)
        elif mine.is_other or theirs.is_other:
            if stat.S_IFMT(mine.mode) != stat.S_IFMT(theirs.mode):
                self.notes.add(OTHERS, path)
        elif stat.S_IFMT(mine.mode) != stat.S_IFMT(theirs.mode):
            self.other_type(level, name, mine, theirs)
        else:
            self.both(level, name, mine, theirs)

    def gone(self, level: Level, name: str, mine: Entry, *, sure: bool) -> None:
        """Look at what is not in the copy: the agent took it away, or the user made it since."""
        path = join(level.path, name)
        if changes.is_object(path):
            return
        if mine.is_other:
            self.notes.add(OTHERS, path)
            return
        change = Change(path, mine, None, moved=self.has_moved(level, path, mine))
        is_listed = path in self.origin.deleted
        if change.moved and is_listed and mine.is_folder:
            # What was in it is listed, too; the folder stays, for more may be in it by now.
            level.waiting.append(Step(name, mine=True, theirs=False))
        elif change.moved:
            if sure or is_listed:
                self.add(change)
        elif mine.is_folder:
            level.waiting.append(Step(name, mine=True, theirs=False, sure=sure, last=change))
        else:
            self.add(change)

    def new(self, level: Level, name: str, theirs: Entry) -> None:
        """Look at what only the copy has: the agent made it, or the user took it away since."""
        path = join(level.path, name)
        if theirs.is_other:
            self.notes.add(OTHERS, path)
            return
        if theirs.is_folder:
            level.waiting.append(Step(name, mine=False, theirs=True))
        if self.is_touched(theirs) or (level.touched and not self.was_emptied(level)):
            self.add(Change(path, None, theirs, moved=level.recent or level.replaced))

    def other_type(self, level: Level, name: str, mine: Entry, theirs: Entry) -> None:
        """Look at a file in the place of a folder, and the like."""
        path = join(level.path, name)
        moved = self.has_moved(level, path, mine)
        change = Change(path, mine, theirs, moved=moved)
        if mine.is_folder and not moved:
            level.waiting.append(Step(name, mine=True, theirs=False, sure=True, last=change))
            return
        if self.is_touched(theirs) or not moved:
            self.add(change)
        if theirs.is_folder:
            level.waiting.append(Step(name, mine=False, theirs=True))

    def both(self, level: Level, name: str, mine: Entry, theirs: Entry) -> None:
        """Look at two files, folders or links."""
        path = join(level.path, name)
        if mine.is_folder:
            level.waiting.append(Step(name, mine=True, theirs=True))
        moved = self.has_moved(level, path, mine)
        # What the agent has not touched is only looked at where it may be another file of that name.
        if not self.is_touched(theirs) and (moved or not level.touched):
            return
        if mine.is_link:
            if entries.target(level.mine, name) != entries.target(level.theirs, name):
                self.add(Change(path, mine, theirs, moved=moved))
            return
        if mine.is_file and (
            mine.size != theirs.size or not entries.same_content(level.mine, level.theirs, name)
        ):
            if not changes.is_object(path):
                self.add(Change(path, mine, theirs, moved=moved))
        # A mode that the user has changed since is the user's.
        elif changes.differs_in_mode(mine, theirs) and not moved:
            self.add(Change(path, mine, theirs, same=True))

    def add(self, change: Change) -> None:
        """Keep a change, unless there are too many."""
        if not self.wanted.has(change.path):
            return
        if len(self.changes) == MAX_CHANGES:
            if self.whole:
                self.notes.add(MORE, change.path)
            self.whole = False
            return
        theirs = change.theirs
        if theirs is not None and theirs.is_file and theirs.mode & (stat.S_ISUID | stat.S_ISGID):
            self.notes.add(SPECIAL, change.path)
        self.changes.append(change)

    def has_moved(self, level: Level, path: str, mine: Entry) -> bool:
        """Tell whether the user may have changed it since the copy was made."""
        ours = self.ledger.worked_in if mine.is_folder else self.ledger.wrote
        return (self.origin.is_users(path, mine) or level.replaced) and not ours(path, mine)

    def is_touched(self, theirs: Entry) -> bool:
        """Tell whether the agent can have changed what is in the copy."""
        made = self.origin.made
        return self.trees.upper is not None or made is None or theirs.changed > made

    def was_emptied(self, level: Level) -> bool:
        """Tell whether the user may have taken something out of this folder since."""
        if level.mine < 0:
            return False
        # Once apply has worked there, it cannot be told any more.
        entry = entries.of(os.fstat(level.mine))
        if (level.recent or level.replaced) and not self.ledger.worked_in(level.path, entry):
            self.ledger.empty(level.path, entry)
        return self.ledger.was_emptied(level.path, entry)

    def is_whiteout(self, level: Level, name: str) -> bool:
        entry = entries.look(level.upper, name)
        return entry is not None and entry.is_whiteout
