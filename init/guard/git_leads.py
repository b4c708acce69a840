"""What leads git from one place of the workspace to another: pointers, includes, core.hooksPath, gitlinks.

A search (init/guard/search.py) hands in what it found of a repository, and asks where it has to look next.
"""

from __future__ import annotations

import os
import re
import stat

from init.guard import git_pointers
from init.guard.budget import MAX_PATH
from init.guard.git_index import gitlinks
from init.guard.names import fold
from init.guard.snapshot import content, parents
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.guard.budget import Budget
    from init.guard.snapshot import Item
    from init.guard.views import FileSettings
    from init.guard.workspace import Workspace

# What git writes in a HEAD.
_HEAD = re.compile(rb"(?:ref: refs/[\w./-]+|[0-9a-f]{40}|[0-9a-f]{64})\n")


class Lead(Record):
    """A folder that something leads to, and the risky file that does; "" if it is none."""

    path: str
    via: str


class Include(Record):
    """A file that the configuration of a repository includes, and the file that includes it."""

    path: str
    repository: str
    via: str


class _HooksPath(Record):
    """A value of core.hooksPath, the repository it is for, and the file that has it."""

    repository: str
    value: str
    via: str


class GitLeads:
    """What the repositories of one search lead to. All folders are relative to the workspace."""

    def __init__(self, workspace: Workspace, budget: Budget) -> None:
        self.workspace, self.budget = workspace, budget
        self.is_folder = workspace.is_folder
        self._indexes = _Indexes(workspace, budget)
        # The folders that git works on with a repository, by the repository's folder.
        self._homes: dict[str, set[str]] = {}
        # Folders with a commondir, and the repository that each shares.
        self._shares: list[tuple[str, str]] = []
        # What is to be followed: it may lead to more of the same, so what was followed is remembered.
        self._hooks_paths: set[_HooksPath] = set()
        self._includes: list[Include] = []
        self._included: set[Include] = set()
        # Repositories and where git works with each: their index is to be read.
        self._works: list[tuple[str, str]] = []
        # Where core.worktree has git work.
        self._trees: list[str] = []
        self._worked: set[tuple[str, str]] = set()

    def add(self, repository: str, home: str) -> None:
        """Note a repository, and a folder that git works on with it."""
        self._homes.setdefault(repository, set()).add(home)
        if (repository, home) not in self._worked:
            self._worked.add((repository, home))
            self._works.append((repository, home))

    def keeps_no_other(self, folder: str) -> bool:
        """Tell whether git takes a folder for a repository, so that it has no submodule's in it.

        Stricter than git, is_git_directory in setup.c: what looks like one to us alone would hide others.
        """
        try:
            head = self.workspace.read(f"{folder}/HEAD", MAX_PATH)[1] or b""
            modes = [self.workspace.read(f"{folder}/{name}", 0)[0].st_mode for name in ("objects", "refs")]
        except OSError:
            return False
        return bool(_HEAD.fullmatch(head)) and all(
            stat.S_ISDIR(mode) and mode & 0o500 == 0o500 for mode in modes
        )

    def share(self, folder: str, repository: str) -> None:
        """Note that a folder's commondir names a repository."""
        self._shares.append((folder, repository))

    def pointer(self, folder: str, file: git_pointers.Pointer) -> tuple[FileSettings, tuple[str, ...]]:
        """Follow a file that says where the repository is: ``.git`` or ``commondir``.

        Returns:
            what is risky about it, which is that it leads out or is odd; and the folders that it names.
        """
        leads_out = any(self.workspace.inside(target, folder) is None for target in file.targets)
        places = (place for target in file.targets for place in self.workspace.places(folder, target))
        settings: FileSettings = {"gitdir": file.targets[:1]} if leads_out or file.odd else {}
        if file.odd:
            settings = {**settings, "is such as no program writes, and some read it in another way": (None,)}
        return settings, tuple(filter(self.is_folder, dict.fromkeys(places)))

    def alternates(self, folder: str, data: bytes) -> tuple[FileSettings, tuple[str, ...]]:
        """Follow the file in a folder of objects that names others: git asks the repositories that have them.

        Returns:
            what is risky about it, which is what leads out; and the repositories of the workspace.
        """
        targets = git_pointers.alternates(data)
        places = (place for target in targets for place in self.workspace.places(folder, target))
        out = tuple(target for target in targets if self.workspace.inside(target, folder) is None)
        repositories = (place.rpartition("/")[0] for place in places if place.endswith("/objects"))
        return {"alternate": out} if out else {}, tuple(filter(self.is_folder, repositories))

    def configuration(self, path: str, item: Item) -> Item:
        """Note what a configuration leads to, and return it without what is no risk."""
        if item.content is None or b"objectformat" in item.content.lower():
            self._indexes.expect_long_hashes()
        if not item.settings:
            return item
        folder = os.path.dirname(path)
        self.note(path, folder, item.settings)
        return item._replace(settings=self._without_own_tree(folder, item.settings))

    def note(self, path: str, repository: str, settings: FileSettings) -> None:
        """Note what the settings of a file lead to: files from its folder, hooks from where git works."""
        folder = os.path.dirname(path)
        for name, given in settings.items():
            values = tuple(map(_seen_from_root, _both_readings(given)))
            if name == "core.hookspath":
                self._hooks_paths.update(_HooksPath(repository, value, path) for value in values if value)
            elif name == "include.path" or name.startswith("includeif."):
                places = (self.workspace.places(folder, value) for value in values if value)
                self._includes += (
                    Include(place, repository, path)
                    for place in (each for ends in places for each in ends)
                    if self.workspace.is_file(place)
                )

    def _without_own_tree(self, folder: str, settings: FileSettings) -> FileSettings:
        """Drop a core.worktree that is in the workspace: every submodule has one.

        In a repository it is kept: git would check out its hooks and settings.
        """
        trees = [
            self.workspace.inside(value or "", folder)
            for value in _both_readings(settings.get("core.worktree", ()))
        ]
        for tree in trees:
            if tree is not None:
                self.add(folder, tree)
                self._trees.append(tree)
        if any(tree is None or self._is_of_repository(tree) for tree in trees):
            return settings
        return {name: values for name, values in settings.items() if name != "core.worktree"}

    def _is_of_repository(self, folder: str) -> bool:
        return any(
            fold(place.rpartition("/")[2]) == ".git"
            or (self.workspace.exists(f"{place}/HEAD") and self.workspace.is_store(place))
            for place in (folder, *parents(folder))
        )

    def includes(self) -> Iterator[Include]:
        """Return each included file once, also those that are noted meanwhile."""
        while self._includes:
            include = self._includes.pop()
            if include not in self._included:
                self._included.add(include)
                yield include

    def hook_folders(self) -> Iterator[Lead]:
        """Return the folders that core.hooksPath names, relative to where git works with the repository."""
        for sharer, shared in self._shares:
            self._homes.setdefault(shared, set()).update(self._homes.get(sharer, ()))
        leads = self.budget.leads
        for repository, value, via in sorted(self._hooks_paths):
            # Once there is no more to take, one is asked for all the same: it is noted as not looked at.
            homes = (
                sorted({repository, *self._homes.get(repository, ())}) if leads.left > 0 else (repository,)
            )
            for home in homes:
                for folder in filter(self.is_folder, self.workspace.places(home, value)):
                    yield Lead(folder, via)
                if leads.left < 0:
                    break
        self._hooks_paths.clear()

    def trees(self) -> Iterator[str]:
        """Return the folders that git works in because a setting says so."""
        while self._trees:
            yield self._trees.pop()

    def embedded(self) -> Iterator[Lead]:
        """Return the folders that an index calls repositories, wherever: git goes into each for a status."""
        while self._works:
            yield from self._gitlinks(*self._works.pop())

    def _gitlinks(self, repository: str, home: str) -> Iterator[Lead]:
        for link in self._indexes.gitlinks(repository):
            self.budget.step()
            path = f"{home}/{os.fsdecode(link)}" if home else os.fsdecode(link)
            if not self.budget.entries.take() or self.budget.leads.left < 0:
                self.budget.miss(path[:MAX_PATH])
                return
            place = self.workspace.inside(path) if self.is_folder(path) else None
            if place is not None:
                yield Lead(place, "")


def _both_readings(values: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Return values, and as git before 2.45 reads those with blanks of another kind in them: as spaces."""
    older = (value and value.replace("\t", " ").replace("\r", " ") for value in values)
    return tuple(dict.fromkeys((*values, *older)))


def _seen_from_root(value: str | None) -> str | None:
    """Return a path; one that begins with ``~`` or ``~user`` as in a folder that is not in the container."""
    return f"/{value[1:]}" if value and value.startswith("~") else value


class _Indexes:
    """The gitlinks of each repository's index, each read once."""

    def __init__(self, workspace: Workspace, budget: Budget) -> None:
        self.workspace, self.budget = workspace, budget
        self._found: dict[str, list[bytes]] = {}
        # In bytes: SHA-1. An index does not tell which it has.
        self._hash_lengths = [20]

    def expect_long_hashes(self) -> None:
        """Read every index from now on as one with SHA-256, too."""
        self._hash_lengths = [20, 32]

    def gitlinks(self, repository: str) -> list[bytes]:
        """Return the gitlinks in a repository's index, and in those that it shares with others, sorted."""
        if repository not in self._found:
            # Once: many folders may be worked on with one repository.
            self._found[repository] = sorted(self._read_all(repository))
        return self._found[repository]

    def _read_all(self, repository: str) -> set[bytes]:
        names: set[bytes] = set()
        try:
            here = self.workspace.enter(repository)
        except OSError:
            self.budget.miss(repository)
            return names
        try:
            data = self._read(repository, here, "index")
            names = self._parse(f"{repository}/index", data)
            shared = []
            if b"link" in data:
                with self.workspace.scan(repository) as entries:
                    shared = [entry.name for entry in entries if entry.name.startswith("sharedindex.")]
            for name in shared:
                more = self._read(repository, here, name)
                # One without a name stands for another's entry: for which, only a bitmap tells.
                names |= self._parse(f"{repository}/{name}", more, every=b"" in names)
        except OSError:
            self.budget.miss(f"{repository}/index")
        finally:
            os.close(here)
        return names - {b""}

    def _read(self, repository: str, here: int, name: str) -> bytes:
        """Read an index; nothing if there is none."""
        try:
            mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return b""
        data = content(here, name, self.budget.index_limit()) if stat.S_ISREG(mode) else None
        if data is None:
            self.budget.miss(f"{repository}/{name}")
        self.budget.indexes.take(len(data or b""))
        return data or b""

    def _parse(self, path: str, data: bytes, *, every: bool = False) -> set[bytes]:
        found = [
            gitlinks(data, length, self.budget.step, every=every) for length in self._hash_lengths if data
        ]
        if found and not any(whole for _, whole in found):
            self.budget.miss(path)
        return set().union(*(names for names, _ in found))
