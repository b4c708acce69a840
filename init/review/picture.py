"""The changes as a patch that git makes: two trees of what changed, in a repository of our own.

So names, modes, links, renames and binary files are as git and `patch` know them, and git reads only what
changed. No check of names is in the way: the objects are written here, not by git.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib

from init.record import Record
from init.review import changes, entries
from init.review.entries import Folders
from init.review.git import GitError, Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from init.review.changes import Change, Found
    from init.review.entries import Entry
    from init.review.levels import Trees

# Bytes of a file that is shown, and of all together. What is larger is named, as a binary file is.
MAX_FILE = 8 << 20
MAX_ALL = 256 << 20
# Files that are compared with each other to find renamed ones that were changed as well.
_RENAMES = 400

LARGE = "named only, since it is too large to show"
UNREADABLE = "named only: it cannot be read"
EMPTY = "an empty folder, which a patch cannot hold: {0}"
MODE = "its mode changed from {0:04o} to {1:04o}, which a patch cannot hold"
INSIDE = "below {0}: what git keeps there is not shown"


class _File(Record):
    """A file of a tree: how git names its type, and the object with its content."""

    mode: bytes
    object: bytes


class Picture:
    """A patch in the making.

    Args:
        trees: the user's folder and the copy.
        repository: where objects are written.
        found: what differs; what cannot be shown is noted in it.
    """

    def __init__(self, trees: Trees, repository: Repository, found: Found) -> None:
        self.sides = (Folders(trees.mine), Folders(trees.theirs))
        self.repository, self.found = repository, found
        self.left = MAX_ALL
        self.above = {_folder(change.path) for change in found.changes}

    def draw(self, write: Callable[[bytes], None], *, stat_only: bool = False) -> None:
        """Write the patch, piece by piece.

        Raises:
            GitError: git failed.
            OSError: it cannot be written.
        """
        shown = list(self.shown())
        if not shown:
            return
        before, after = (self.tree(shown, side) for side in (0, 1))
        form = ("--stat",) if stat_only else ("--patch", "--full-index")
        git = self.repository.start(
            "diff-tree", "-r", f"-l{_RENAMES}", "--find-renames", "--no-ext-diff", "--no-textconv",
            "--no-color", "--src-prefix=a/", "--dst-prefix=b/", *form, before, after,
        )  # fmt: skip
        if git.stdout is None or git.stderr is None:
            raise GitError("git has no output")
        with git:
            try:
                while block := git.stdout.read1(entries.BLOCK):  # type: ignore[attr-defined]
                    write(block)
            except OSError:
                git.kill()
                raise
            told = git.stderr.read().decode(errors="replace").strip()
        if git.returncode:
            raise GitError(told.splitlines()[-1] if told else f"git ended with {git.returncode}")

    def shown(self) -> Iterator[Change]:
        """Yield the changes that a patch can hold; note the others."""
        notes = self.found.notes
        for change in self.found.changes:
            inside = changes.in_repository(change.path)
            mine, theirs = change.mine, change.theirs
            if inside is not None:
                # Of objects, what names them tells enough.
                if "objects" not in inside[1]:
                    notes.add(INSIDE.format(inside[0]), change.path)
            elif (mine is None or mine.is_folder) and (theirs is None or theirs.is_folder):
                self.note_folder(change)
            else:
                if mine is not None and theirs is not None and _loses_mode(mine, theirs):
                    self.note_mode(change, mine, theirs)
                yield change

    def note_folder(self, change: Change) -> None:
        """Note what a patch cannot hold of a folder: that it is there and empty, and its mode."""
        mine, theirs, notes = change.mine, change.theirs, self.found.notes
        if mine is not None and theirs is not None:
            self.note_mode(change, mine, theirs)
        elif self.found.whole and not self.has_more(change):
            notes.add(EMPTY.format(change.kind), change.path)

    def note_mode(self, change: Change, mine: Entry, theirs: Entry) -> None:
        """Note a mode that git does not know."""
        modes = (mine.mode & entries.PERMISSIONS, theirs.mode & entries.PERMISSIONS)
        self.found.notes.add(MODE.format(*modes), change.path)

    def has_more(self, change: Change) -> bool:
        """Tell whether something in this folder changed, too: then the patch has the folder with it."""
        return change.path in self.above

    def tree(self, shown: Iterable[Change], side: int) -> str:
        """Write the tree of one side, and return its name."""
        folders: dict[str, dict[bytes, _File]] = {"": {}}
        for change in shown:
            entry = change.theirs if side else change.mine
            if entry is None or entry.is_folder:
                continue
            file = self.file(change.path, entry, side)
            if file is not None:
                above = _folder(change.path)
                folders.setdefault(above, {})[os.fsencode(change.path[len(above) :].lstrip("/"))] = file
                while above and _folder(above) not in folders:
                    above = _folder(above)
                    folders[above] = {}
        # The deepest first: a folder names those in it.
        for path in sorted(folders, key=lambda path: (-path.count("/") if path else 1, path)):
            listed = folders[path]
            text = b"".join(
                b"%s %s\0%s" % (listed[name].mode, name, listed[name].object)
                for name in sorted(listed, key=lambda name: name + b"/" * (listed[name].mode == b"40000"))
            )
            name = self.write(b"tree", text)
            if path:
                above = _folder(path)
                folders[above][os.fsencode(path[len(above) :].lstrip("/"))] = _File(b"40000", name)
        return name.hex()

    def file(self, path: str, entry: Entry, side: int) -> _File | None:
        """Write what is in a file, or where a link leads."""
        folder, _, name = path.rpartition("/")
        mode = b"120000" if entry.is_link else b"100755" if entry.mode & stat.S_IXUSR else b"100644"
        try:
            here = self.sides[side].open(folder)
            if entry.is_link:
                return _File(mode, self.write(b"blob", entries.target(here, name)))
            limit = min(MAX_FILE, self.left)
            data = entries.content(here, name, limit) if entry.size <= limit else None
        except OSError:
            self.found.notes.add(UNREADABLE, path)
            data = None
        else:
            if data is None:
                self.found.notes.add(LARGE, path)
        if data is None:
            # Other than that of the other side, and binary.
            data = b"\0%d %d %d" % (side, entry.size, entry.inode)
        self.left -= len(data)
        return _File(mode, self.write(b"blob", data))

    def write(self, kind: bytes, data: bytes) -> bytes:
        """Write an object: gitformat-loose(5). Return its name."""
        whole = b"%s %d\0" % (kind, len(data)) + data
        digest = hashlib.sha1(whole, usedforsecurity=False)
        place = f"{self.repository.objects}/{digest.hexdigest()[:2]}"
        os.makedirs(place, exist_ok=True)
        with open(f"{place}/{digest.hexdigest()[2:]}", "wb") as file:
            file.write(zlib.compress(whole, 1))
        return digest.digest()

    def close(self) -> None:
        """Let go of the folders."""
        for side in self.sides:
            side.close()


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _loses_mode(mine: Entry, theirs: Entry) -> bool:
    """Tell whether git, to which only the owner's right to execute counts, does not see all of it."""
    both = mine.is_file and theirs.is_file
    return both and (mine.mode ^ theirs.mode) & entries.PERMISSIONS & ~stat.S_IXUSR not in (0, 0o011)
