"""The search of the workspace: everything that a machine runs because of its name, and what it leads to."""

from __future__ import annotations

import os
import stat

from init.guard import git_pointers
from init.guard.budget import OUT_OF_TIME, Budget, OutOfTime
from init.guard.frame import Frame
from init.guard.git_leads import GitLeads
from init.guard.git_moves import GitMoves
from init.guard.items import Items
from init.guard.links import Links
from init.guard.names import fold
from init.guard.rules import ANY_PARTS, FOREST, GIT_TREE, SKIPPED, TREE
from init.guard.rules.rule import PARTS, Rule, by_part, parts, rules_of
from init.guard.rules.version_control import GIT_HOOK, HEAD, POINTER, REPOSITORY
from init.guard.snapshot import Snapshot
from init.guard.workspace import Workspace, folders_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.guard.rules.rule import Tree

_HOOKS: Tree = {"*": GIT_HOOK}
# What makes a folder a repository.
_EMBEDDED: Tree = {".git": REPOSITORY, "head": HEAD}


def search(root: str, before: Snapshot | None = None) -> Snapshot:
    """Look for every risky file in a workspace.

    Args:
        root: the workspace.
        before: what a search found before the session: what it looked at may be something else now.

    Raises:
        OSError: the workspace is no folder, or cannot be read.
        Interrupted: a signal arrived that asks the container to stop.
    """
    budget = Budget(again=before is not None)
    workspace = Workspace(root, budget, frozenset(before.unseen) if before else ())
    try:
        return Search(workspace, budget, before or Snapshot({}, ())).run()
    finally:
        workspace.close()


class Search:
    """One search, breadth first, so that what is left out is what lies deepest.

    What rules name and what something leads to comes before the rest, and has a budget of its own.
    """

    def __init__(self, workspace: Workspace, budget: Budget, before: Snapshot) -> None:
        self.workspace, self.budget = workspace, budget
        self.git = GitLeads(workspace, budget)
        self.items = Items(workspace, budget, self.git, before.items)
        # What was a folder, on the way to what was found before.
        self.known = folders_of(before.items)
        self.moves = GitMoves(workspace, budget, before.items, self.known)
        self.places: list[Frame] = []
        self.folders: list[Frame] = []
        self.links = Links(workspace, budget, self.items, self.known)
        # Repositories, which may use the objects of others.
        self.stores: list[str] = []
        self.asked: set[str] = set()
        self.followed: set[tuple[str, int, str]] = set()
        self.walked: set[tuple[str, int]] = set()
        # A rule that wants all, as a tree of its own: always the same one, since `followed` goes by identity.
        self.whole: dict[Rule, Tree] = {}

    def run(self) -> Snapshot:
        """Search all there is, or as much as there is time for."""
        self.lead("", TREE)
        try:
            self.search()
        except OutOfTime:
            self.budget.miss(OUT_OF_TIME)
        return Snapshot(self.items.found, tuple(self.budget.unseen), frozenset(self.budget.barred))

    def search(self) -> None:
        """Search everything; what git leads to, only once everything else is known."""
        while self.places or self.folders or self.links.waiting:
            while self.places or self.folders:
                # Popped from the end: the next level is reversed once, so that order is kept.
                level, self.folders = self.folders, []
                level.reverse()
                while self.places or level:
                    self.scan((self.places or level).pop())
            while self.stores:
                self.alternates(self.stores.pop())
            for place, wanted in self.links.follow():
                self.lead(place, wanted)
            for include in self.git.includes():
                self.items.include(include)
            for lead in self.git.hook_folders():
                self.follow(lead.path, _HOOKS, lead.via)
            for tree in self.git.trees():
                self.lead(tree, TREE)
            for lead in self.git.embedded():
                self.follow(lead.path, _EMBEDDED, lead.via)
            self.links.leaving()

    def push(self, frame: Frame) -> None:
        """Search an ordinary folder later, if there may be one more."""
        if self.budget.take_folder(frame.depth, self.budget.folders):
            self.folders.append(frame)
        elif frame.path in self.known or self.workspace.exists(f"{frame.path}/.git"):
            # No crowd of empty folders hides a repository.
            self.push_place(frame._replace(depth=0))
        else:
            self.budget.miss(frame.path)

    def push_place(self, frame: Frame) -> None:
        """Search a folder that a rule names or something leads to before the ordinary ones."""
        if self.budget.take_folder(frame.depth, self.budget.places):
            self.places.append(frame)
        else:
            self.budget.miss(frame.path)

    def follow(self, path: str, tree: Tree, via: str) -> None:
        """Search a folder that something leads to, once for each."""
        if (path, id(tree), via) not in self.followed:
            self.followed.add((path, id(tree), via))
            self.push_place(Frame(path, 0, tree, FOREST if tree is FOREST else None, via))

    def lead(self, path: str, tree: Tree) -> None:
        """Search a folder and all below it, unless it was."""
        if (path, id(tree)) not in self.walked:
            self.push(Frame(path, 0, tree, tree, ""))

    def scan(self, frame: Frame) -> None:
        """Look up every name of a folder. A million go through here, so it calls little."""
        path, depth, tree, others, via = frame
        prefix = f"{path}/" if path else ""
        if tree is others:
            if (path, id(tree)) in self.walked:
                return
            self.walked.add((path, id(tree)))
        usual = tree.get("*") or tree.get("**")
        begins, ends = ANY_PARTS if others is TREE else ({}, {})
        if PARTS in tree:
            own_begins, own_ends = parts(tree)
            begins, ends = {**begins, **own_begins}, {**ends, **own_ends}
        left, count, step = self.budget.entries.left, 0, self.budget.step
        try:
            with self.workspace.scan(path) as entries:
                for count, entry in enumerate(entries, 1):
                    step()
                    if count > left:
                        self.budget.miss(path)
                        break
                    name = entry.name
                    folded = name.lower() if name.isascii() else fold(name)
                    hit = tree.get(folded, usual)
                    if hit is None and (ends or begins):
                        hit = by_part(begins, ends, folded)
                    if hit is not None:
                        self.meet(frame, entry, hit, named=hit is not usual)
                    elif others is not None:
                        # In a forest it is a part of a submodule's name.
                        if name in SKIPPED and others is not FOREST:
                            self.skip(prefix + name, via)
                        elif entry.is_dir(follow_symlinks=False):
                            self.push(Frame(prefix + name, depth + 1, others, others, via))
                        elif entry.is_symlink():
                            self.links.add(prefix + name, others)
        except OSError:
            self.workspace.miss(path)
        self.budget.entries.take(count)

    def skip(self, path: str, via: str) -> None:
        """Search a folder that programs fill only if it is a repository: editors look for one there."""
        if self.workspace.exists(f"{path}/.git") or self.workspace.exists(f"{path}/HEAD"):
            self.follow(path, _EMBEDDED, via)

    def meet(self, frame: Frame, entry: os.DirEntry[str], hit: Rule | Tree, *, named: bool) -> None:
        """Deal with a name that a rule knows, or that is in a folder of which a rule wants all."""
        path = f"{frame.path}/{entry.name}" if frame.path else entry.name
        if entry.is_symlink():
            self.link(frame, path, hit)
        elif not entry.is_dir(follow_symlinks=False):
            if isinstance(hit, Rule):
                self.file(frame, path, hit)
        elif hit is REPOSITORY:
            self.repository(path, frame.path, frame.via)
        elif hit is FOREST or hit == {}:
            # A submodule may have such a name, too.
            if hit is FOREST or not self.git.keeps_no_other(frame.path) or self.workspace.is_store(path):
                self.push_place(Frame(path, frame.depth + 1, FOREST, FOREST, frame.via))
        elif named or entry.name not in SKIPPED:
            self.folder(frame, path, hit, None if entry.name in SKIPPED else frame.others)
        else:
            self.skip(path, frame.via)

    def folder(self, frame: Frame, path: str, hit: Rule | Tree, others: Tree | None) -> None:
        """Search a folder that rules name: for what they say, and for what is risky in any folder."""
        below: Tree = {}
        if isinstance(hit, dict):
            below = hit
        elif frame.wants_all(hit):
            below = {"**": hit}
        if below or others is not None:
            # Of a folder that a rule wants all of, no other rule has a part but git's.
            plain = {".git": REPOSITORY} if "**" in below else others or _EMBEDDED
            self.push_place(Frame(path, frame.depth + 1, {**plain, **below}, others, frame.via))

    def link(self, frame: Frame, path: str, hit: Rule | Tree) -> None:
        """Record a link in a risky place, and what it leads to within the workspace."""
        if hit is HEAD:
            self.file(frame, path, HEAD)
            return
        rule = hit if isinstance(hit, Rule) else next(rules_of(hit), GIT_HOOK)
        self.items.record(path, rule, frame.via)
        target = self.workspace.inside(path)
        if target is None:
            return
        if self.workspace.is_folder(target):
            if isinstance(hit, dict):
                self.follow(target, hit, path)
            elif hit is REPOSITORY:
                self.repository(target, frame.path, path)
            elif frame.wants_all(hit):
                self.follow(target, self.whole.setdefault(hit, {"**": hit}), path)
        elif hit is GIT_HOOK and self.workspace.is_file(target):
            # The link has the name that counts: what it leads to may be a sample.
            self.items.record(target, hit, path)
        elif isinstance(hit, Rule) and self.workspace.is_file(target):
            self.file(frame._replace(via=path), target, hit)

    def file(self, frame: Frame, path: str, rule: Rule) -> None:
        """Record a file that a folder has, or that a link in it leads to."""
        if rule is HEAD:
            if self.workspace.is_store(frame.path):
                self.bare(frame, path)
        elif rule in (REPOSITORY, POINTER):
            self.pointer(frame, path, rule)
        elif rule is not GIT_HOOK or not path.endswith(".sample"):
            self.items.record(path, rule, frame.via)

    def repository(self, path: str, home: str, via: str) -> None:
        """Search a repository that git works with in a folder."""
        self.git.add(path, home)
        self.stores.append(path)
        self.follow(path, GIT_TREE, via)

    def alternates(self, repository: str) -> None:
        """Search the repositories whose objects one uses: git starts itself in them."""
        path = f"{repository}/objects/info/alternates"
        if repository in self.asked or not self.workspace.exists(path):
            return
        self.asked.add(repository)
        self.items.record(path, POINTER, "")
        item = self.items.found.get(path)
        if item is None or item.content is None or not stat.S_ISREG(item.mode):
            return
        settings, places = self.git.alternates(f"{repository}/objects", item.content)
        self.items.lead(path, settings)
        for place in places:
            self.repository(place, place, "")

    def bare(self, frame: Frame, head: str) -> None:
        """Search a folder that is a repository; unless git put it there, that is a risk of its own."""
        via = frame.via
        if frame.tree is not FOREST:
            self.items.record(head, HEAD, via)
            via = head
        self.repository(frame.path, frame.path, via)

    def pointer(self, frame: Frame, path: str, rule: Rule) -> None:
        """Follow a file that says where the repository is; it is a risk of its own if that is outside."""
        self.items.record(path, rule, frame.via)
        item = self.items.found.get(path)
        if item is None or item.content is None or not stat.S_ISREG(item.mode):
            return
        read = git_pointers.gitdir if rule is REPOSITORY else git_pointers.commondir
        file, via = read(item.content), frame.via
        settings, places = self.git.pointer(frame.path, file)
        former = self.items.known.get(path)
        if former is None or former.content != item.content:
            named = read(former.content) if former and former.content is not None else None
            moved = self.moves.told(path, file, named, places)
            settings, via = {**settings, **moved}, path if moved else via
        self.items.lead(path, settings)
        for place in places:
            if rule is REPOSITORY:
                self.repository(place, frame.path, via)
            else:
                self.git.share(frame.path, place)
                self.follow(place, GIT_TREE, via)
