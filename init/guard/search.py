"""The search of the workspace: everything that a machine runs because of its name, and what it leads to."""

from __future__ import annotations

import os
import stat

from init.guard.budget import Budget
from init.guard.git_leads import GitLeads
from init.guard.rules import (
    ENDINGS,
    FOREST,
    GIT_HOOK,
    GIT_TREE,
    HEAD,
    INCLUDED,
    POINTER,
    REPOSITORY,
    SKIPPED,
    TREE,
    Rule,
)
from init.guard.snapshot import Item, Snapshot
from init.guard.workspace import Workspace
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.guard.rules import Tree

_HOOKS: Tree = {"*": GIT_HOOK}
_EMBEDDED: Tree = {".git": REPOSITORY}
_ENDINGS = tuple(ENDINGS)


def search(root: str) -> Snapshot:
    """Look for every risky file in a workspace.

    Raises:
        OSError: the workspace is no folder, or cannot be read.
    """
    budget = Budget()
    workspace = Workspace(root, budget)
    try:
        return Search(workspace, budget).run()
    finally:
        workspace.close()


class Frame(Record):
    """A folder to search.

    Attributes:
        path: relative to the workspace.
        depth: folders between it and where the search began, or began again.
        tree: rules for what is in it.
        others: rules for folders in it that no rule names; None if those are not searched.
        via: the risky file that led here; "" if none did.
    """

    path: str
    depth: int
    tree: Tree
    others: Tree | None
    via: str

    def wants_all(self, hit: Rule | Tree) -> bool:
        """Tell whether a rule wants every file of the folder and of those below it."""
        return self.tree.get("**") is hit


class Search:
    """One search, breadth first, so that what is left out is what lies deepest."""

    def __init__(self, workspace: Workspace, budget: Budget) -> None:
        self.workspace, self.budget = workspace, budget
        self.git = GitLeads(workspace, budget)
        self.items: dict[str, Item] = {}
        self.queue = [Frame("", 0, TREE, TREE, "")]
        self.followed: set[tuple[str, int, str]] = set()
        # A rule that wants all, as a tree of its own: always the same one, since `followed` goes by identity.
        self.whole: dict[Rule, Tree] = {}

    def run(self) -> Snapshot:
        """Search all there is; what git leads to, only once everything else is known."""
        while self.queue:
            while self.queue:
                frames, self.queue = self.queue, []
                for frame in frames:
                    self.scan(frame)
            for include in self.git.includes():
                self.record(include.path, INCLUDED, include.via)
                if include.path in self.items:
                    settings = self.items[include.path].settings or {}
                    self.git.note(include.path, include.repository, settings)
            for lead in self.git.hook_folders():
                self.follow(lead.path, _HOOKS, lead.via)
            for lead in self.git.embedded():
                self.follow(lead.path, _EMBEDDED, lead.via)
        return Snapshot(self.items, tuple(self.budget.unseen))

    def push(self, frame: Frame) -> None:
        """Search a folder later, if there may be one more."""
        if self.budget.take_folder(frame.depth):
            self.queue.append(frame)
        else:
            self.budget.miss(frame.path)

    def follow(self, path: str, tree: Tree, via: str) -> None:
        """Search a folder that something leads to, once for each."""
        if (path, id(tree), via) not in self.followed:
            self.followed.add((path, id(tree), via))
            self.push(Frame(path, 0, tree, FOREST if tree is FOREST else None, via))

    def scan(self, frame: Frame) -> None:
        """Look up every name of a folder. A million go through here, so it calls little."""
        path, depth, tree, others, via = frame
        prefix = f"{path}/" if path else ""
        usual = tree.get("*") or tree.get("**")
        endings = tree.get("*.")
        anywhere = others is TREE
        left, count = self.budget.entries.left, 0
        try:
            with self.workspace.scan(path) as entries:
                for count, entry in enumerate(entries, 1):
                    if count > left:
                        self.budget.miss(path)
                        break
                    name = entry.name
                    lower = name.lower()
                    hit = tree.get(lower, usual)
                    if hit is None and anywhere and lower.endswith(_ENDINGS):
                        hit = ENDINGS[os.path.splitext(lower)[1]]
                    if hit is None and isinstance(endings, dict):
                        hit = endings.get(os.path.splitext(lower)[1])
                    if hit is not None:
                        self.meet(frame, entry, hit, named=hit is not usual)
                    elif others is not None and name not in SKIPPED and entry.is_dir(follow_symlinks=False):
                        self.push(Frame(prefix + name, depth + 1, others, others, via))
        except OSError:
            self.budget.miss(path)
        self.budget.entries.take(count)

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
            is_store = self.workspace.is_store
            if hit is FOREST or not is_store(frame.path) or is_store(path):
                self.push(Frame(path, frame.depth + 1, FOREST, FOREST, frame.via))
        elif named or entry.name not in SKIPPED:
            self.folder(frame, path, hit, None if entry.name in SKIPPED else frame.others)

    def folder(self, frame: Frame, path: str, hit: Rule | Tree, others: Tree | None) -> None:
        """Search a folder that rules name: for what they say, and for what is risky in any folder."""
        below: Tree = {}
        if isinstance(hit, dict):
            below = hit
        elif frame.wants_all(hit):
            below = {"**": hit}
        if below or others is not None:
            # Of a folder that a rule wants all of, no other rule has a part but git's.
            plain = {".git": REPOSITORY} if "**" in below else others or {}
            self.push(Frame(path, frame.depth + 1, {**plain, **below}, others, frame.via))

    def link(self, frame: Frame, path: str, hit: Rule | Tree) -> None:
        """Record a link in a risky place, and what it leads to within the workspace."""
        if hit is HEAD:
            self.file(frame, path, HEAD)
            return
        rule = hit if isinstance(hit, Rule) else next(_rules(hit), GIT_HOOK)
        self.record(path, rule, frame.via)
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
            self.record(path, rule, frame.via)

    def repository(self, path: str, home: str, via: str) -> None:
        """Search a repository that git works with in a folder."""
        self.git.add(path, home)
        self.follow(path, GIT_TREE, via)

    def bare(self, frame: Frame, head: str) -> None:
        """Search a folder that is a repository; unless git put it there, that is a risk of its own."""
        via = frame.via
        if frame.tree is not FOREST:
            self.record(head, HEAD, via)
            via = head
        self.repository(frame.path, frame.path, via)

    def pointer(self, frame: Frame, path: str, rule: Rule) -> None:
        """Follow a file that says where the repository is; it is a risk of its own if that is outside."""
        self.record(path, rule, frame.via)
        item = self.items.get(path)
        if item is None or item.content is None or not stat.S_ISREG(item.mode):
            return
        settings, place = self.git.pointer(frame.path, item.content)
        self.items[path] = item._replace(settings=settings)
        if place is None:
            return
        if rule is REPOSITORY:
            self.repository(place, frame.path, frame.via)
        else:
            self.git.share(frame.path, place)
            self.follow(place, GIT_TREE, frame.via)

    def record(self, path: str, rule: Rule, via: str) -> None:
        """Keep a risky file as it is now, and what led to it."""
        known = self.items.get(path)
        if known is not None:
            self.items[path] = known = known._replace(via=known.via | {via})
            # A file may be more than one thing: a rule for all of it wins, and what runs by itself.
            whole = rule.view in ("text", "hook")
            if whole and (known.settings is not None or rule.by_itself > known.rule.by_itself):
                self.items[path] = known._replace(rule=rule, settings=None)
            return
        item = self.read(path, rule, via)
        if item is not None:
            self.items[path] = self.git.configuration(path, item) if rule.view == "git" else item

    def read(self, path: str, rule: Rule, via: str) -> Item | None:
        """Read a risky file; None if there may be no more of them, or it is gone."""
        budget = self.budget
        if budget.items.left <= 0:
            budget.miss(path)
            return None
        try:
            status, data = self.workspace.read(path, budget.file_limit())
        except OSError:
            budget.miss(path)
            return None
        budget.items.take()
        budget.read.take(len(data or b""))
        settings = None
        if data is not None and stat.S_ISREG(status.st_mode) and len(data) <= budget.parsed.left:
            # VIEWS
            # Its regular expressions take 7 ms, more than an interpreter's start: loaded with the first file
            # that a rule knows, so that they cost nothing where a workspace has none.
            from init.guard import views

            settings = views.settings(rule.view, data)
            budget.parsed.take(len(data) if settings is not None else 0)
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return Item(rule, status.st_mode, stamp, data, settings, frozenset((via,)))


def _rules(tree: Tree) -> Iterator[Rule]:
    for below in tree.values():
        if isinstance(below, Rule):
            yield below
        else:
            yield from _rules(below)
