"""A user's folder and a copy of it, made for a test; what is compared, and what apply does to them."""

import os
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from init.review import compare, entries
from init.review.changes import Found
from init.review.ledger import Ledger
from init.review.levels import Trees
from init.review.merge import Base
from init.review.origin import Origin
from init.review.taking import Outcome, Taking
from init.review.writing import Writer

# Of a tree: by path, what lies there.
State = dict[str, tuple[object, ...]]


def state(root: Path) -> State:
    """Return all that is below a folder: folders and files with their modes, contents, and links."""
    found: State = {}
    for path in root.rglob("*"):
        status = path.lstat()
        mode, key = stat.S_IMODE(status.st_mode), str(path.relative_to(root))
        if stat.S_ISLNK(status.st_mode):
            found[key] = ("link", str(path.readlink()))
        elif stat.S_ISDIR(status.st_mode):
            found[key] = ("folder", mode)
        elif stat.S_ISREG(status.st_mode):
            found[key] = ("file", mode, path.read_bytes())
        else:
            found[key] = ("other", stat.S_IFMT(status.st_mode))
    return found


def now(folder: Path) -> int:
    """Return a time by the file system's clock that is later than all that happened so far."""
    place = folder / ".clock"
    place.touch()
    first = place.stat().st_ctime_ns
    while True:
        os.utime(place)
        if place.stat().st_ctime_ns > first:
            found = place.stat().st_ctime_ns
            place.unlink()
            return found


@dataclass
class Sides:
    """The user's folder, and a copy that is plain or an overlay."""

    folder: Path
    overlay: bool = False
    mine: Path = field(init=False)
    theirs: Path = field(init=False)
    upper: Path | None = field(init=False, default=None)
    since: int = 0
    made: int | None = None
    commit: str = ""
    ledger: str = ""

    def __post_init__(self) -> None:
        self.mine, self.theirs = self.folder / "mine", self.folder / "theirs"
        self.mine.mkdir(parents=True)
        self.ledger = str(self.folder / "ledger")

    def copy(self) -> None:
        """Make the copy, as host/copies.py does."""
        self.since = now(self.folder)
        self.theirs.mkdir()
        if self.overlay:
            self.upper = self.folder / "upper"
            self.upper.mkdir()
            (self.folder / "work").mkdir()
            options = f"lowerdir={self.mine},upperdir={self.upper},workdir={self.folder / 'work'}"
            command = ["mount", "-t", "overlay", "overlay", "-o",
                       f"{options},redirect_dir=off,metacopy=off,index=off", str(self.theirs)]  # fmt: skip
            subprocess.run(command, check=True)
            return
        subprocess.run(["cp", "-a", f"{self.mine}/.", str(self.theirs)], check=True)
        self.made = now(self.folder)

    def agent(self, script: str) -> None:
        """Do something in the copy."""
        subprocess.run(["bash", "-euc", script], cwd=self.theirs, check=True)

    def user(self, script: str) -> None:
        """Do something in the user's folder."""
        subprocess.run(["bash", "-euc", script], cwd=self.mine, check=True)

    def close(self) -> None:
        if self.upper is not None:
            subprocess.run(["umount", "-l", str(self.theirs)], check=True)

    @property
    def origin(self) -> Origin:
        return Origin("calm-otter", self.since, self.made, self.commit)

    def trees(self) -> Trees:
        opened = [os.open(path, entries.FOLDER) for path in (self.mine, self.theirs)]
        upper = None if self.upper is None else os.open(self.upper, entries.FOLDER)
        return Trees(opened[0], opened[1], upper)

    def compare(self, *wanted: str) -> Found:
        trees = self.trees()
        try:
            return compare.compare(trees, self.origin, Ledger(self.ledger), wanted)
        finally:
            close(trees)

    def changed(self, *wanted: str) -> dict[str, str]:
        return {change.path: change.kind for change in self.compare(*wanted).changes}

    def apply(self, *wanted: str, refused: frozenset[str] = frozenset()) -> list[Outcome]:
        trees, ledger = self.trees(), Ledger(self.ledger)
        try:
            found = compare.compare(trees, self.origin, ledger, wanted)
            with tempfile.TemporaryDirectory() as scratch:
                base = Base(str(self.mine), self.origin, scratch)
                writer = Writer(trees.mine, trees.theirs, self.origin.name, ledger)
                taking = Taking(writer, base, self.origin.name, refused.__contains__)
                return taking.take(found.changes)
        finally:
            ledger.close()
            close(trees)


def close(trees: Trees) -> None:
    for descriptor in trees:
        if descriptor is not None:
            os.close(descriptor)
