"""The search of the workspace: everything that a machine runs because of its name, and what it leads to."""

from __future__ import annotations

import os
import stat

from init.guard.git_index import MAX_PATH, gitlinks
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
from init.guard.snapshot import Item, Snapshot, content, enter
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.guard.rules import Tree
    from init.guard.views import Settings

# Far above what people keep in a workspace; what lies beyond is named as not searched.
MAX_DEPTH = 16
MAX_FOLDERS = 20_000
MAX_ENTRIES = 1_000_000
MAX_ITEMS = 5_000
# Paths in files that are looked up.
MAX_LEADS = 5_000
# Of one file, and of all together: what is not read can be neither shown nor put back.
MAX_FILE = 4 << 20
MAX_READ = 16 << 20
# Of those whose settings are compared: a hostile one takes a second for each MiB.
MAX_PARSED = 4 << 20
# Of one repository's index, and of all together: with half a million files, one takes 64 MiB.
MAX_INDEX = 64 << 20
MAX_INDEXES = 256 << 20
UNSEEN = 5

_HOOKS: Tree = {"*": GIT_HOOK}
_EMBEDDED: Tree = {".git": REPOSITORY}
_ENDINGS = tuple(ENDINGS)


def search(root: str) -> Snapshot:
    """Look for every risky file in a workspace."""
    return _Walk(root).run()


class _Frame(Record):
    """A folder to search: rules for what is in it and for folders that none names, and what led here."""

    path: str
    depth: int
    tree: Tree
    others: Tree | None
    via: str


class _Walk:
    """One search, breadth first, so that what is left out is what lies deepest."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.items: dict[str, Item] = {}
        self.unseen: list[str] = []
        self.queue = [_Frame("", 0, TREE, TREE, "")]
        self.folders, self.entries, self.leads = MAX_FOLDERS, MAX_ENTRIES, MAX_LEADS
        self.bytes, self.parsed, self.indexes = MAX_READ, MAX_PARSED, MAX_INDEXES
        # Where the search is, and what led there.
        self.here = self.queue[0]
        self.via = ""
        self.followed: set[tuple[str, int, str]] = set()
        self.below: dict[Rule, Tree] = {}
        # Files that a repository's configuration includes, the repository, and the file that includes.
        self.includes: list[tuple[str, str, str]] = []
        self.included: set[tuple[str, str, str]] = set()
        # Folders that are worked on with a repository, by its folder; and which share another's settings.
        self.homes: dict[str, set[str]] = {}
        self.shares: list[tuple[str, str]] = []
        self.hook_paths: set[tuple[str, str, str]] = set()
        # Repositories and where git works with them, whose index is to be read; what was found in one; and
        # how long the names of objects can be.
        self.works: list[tuple[str, str]] = []
        self.worked: set[tuple[str, str]] = set()
        self.links: dict[str, set[bytes]] = {}
        self.sizes = [20]

    def run(self) -> Snapshot:
        self.top = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            while self.queue:
                while self.queue:
                    frames, self.queue = self.queue, []
                    for frame in frames:
                        self.scan(frame)
                while self.includes:
                    self.include(*self.includes.pop())
                self.follow_hook_paths()
                while self.works:
                    self.follow_gitlinks(*self.works.pop())
        finally:
            os.close(self.top)
        return Snapshot(self.items, tuple(self.unseen))

    def scan(self, frame: _Frame) -> None:
        self.here = frame
        path, depth, tree, others, self.via = frame
        prefix = f"{path}/" if path else ""
        usual = tree.get("*") or tree.get("**")
        endings = tree.get("*.")
        try:
            with os.scandir(f"{self.root}/{path}") as entries:
                for entry in entries:
                    self.entries -= 1
                    if self.entries < 0:
                        self.miss(path)
                        return
                    name = entry.name
                    lower = name.lower()
                    hit = tree.get(lower, usual)
                    if hit is None and others is TREE and lower.endswith(_ENDINGS):
                        hit = ENDINGS[os.path.splitext(lower)[1]]
                    if hit is None and isinstance(endings, dict):
                        hit = endings.get(os.path.splitext(lower)[1])
                    if hit is not None:
                        self.meet(frame, entry, hit, named=hit is not usual)
                    elif others is not None and name not in SKIPPED and entry.is_dir(follow_symlinks=False):
                        self.push(_Frame(prefix + name, depth + 1, others, others, self.via))
        except OSError:
            self.miss(path)

    def meet(self, frame: _Frame, entry: os.DirEntry[str], hit: Rule | Tree, *, named: bool) -> None:
        """Deal with a name that a rule knows, or that is in a folder of which a rule wants all."""
        path = f"{frame.path}/{entry.name}" if frame.path else entry.name
        skipped = entry.name in SKIPPED
        if entry.is_symlink():
            self.link(frame.path, path, hit)
        elif not entry.is_dir(follow_symlinks=False):
            if isinstance(hit, Rule):
                self.file(frame.path, path, hit)
        elif hit is REPOSITORY:
            self.repository(path, frame.path)
        elif hit is FOREST or hit == {}:
            # A submodule may have such a name, too.
            if hit is FOREST or not self.is_store(frame.path) or self.is_store(path):
                self.push(_Frame(path, frame.depth + 1, FOREST, FOREST, self.via))
        elif named or not skipped:
            others = None if skipped else frame.others
            below: Tree = {}
            if isinstance(hit, dict):
                below = hit
            elif self.wants_all(hit):
                below = {"**": hit}
            if below or others is not None:
                # Of a folder that a rule wants all of, no other rule has a part but git's.
                plain = {".git": REPOSITORY} if "**" in below else others or {}
                self.push(_Frame(path, frame.depth + 1, {**plain, **below}, others, self.via))

    def wants_all(self, rule: Rule) -> bool:
        return self.here.tree.get("**") is rule

    def push(self, frame: _Frame) -> None:
        if self.folders and frame.depth <= MAX_DEPTH:
            self.folders -= 1
            self.queue.append(frame)
        else:
            self.miss(frame.path)

    def follow(self, path: str, tree: Tree) -> None:
        """Search a folder that something leads to, once for each."""
        if (path, id(tree), self.via) not in self.followed:
            self.followed.add((path, id(tree), self.via))
            self.push(_Frame(path, 0, tree, FOREST if tree is FOREST else None, self.via))

    def repository(self, path: str, home: str) -> None:
        self.works_in(path, home)
        self.follow(path, GIT_TREE)

    def works_in(self, repository: str, home: str) -> None:
        self.homes.setdefault(repository, set()).add(home)
        if (repository, home) not in self.worked:
            self.worked.add((repository, home))
            self.works.append((repository, home))

    def link(self, folder: str, path: str, hit: Rule | Tree) -> None:
        """Record a link in a risky place, and what it leads to within the workspace."""
        if hit is HEAD:
            self.file(folder, path, HEAD)
            return
        rule = hit if isinstance(hit, Rule) else next(_rules(hit), GIT_HOOK)
        self.record(path, rule)
        target = self.inside(path)
        if target is None:
            return
        before, self.via = self.via, path
        if self.is_folder(target):
            if isinstance(hit, dict):
                self.follow(target, hit)
            elif hit is REPOSITORY:
                self.repository(target, folder)
            elif self.wants_all(hit):
                self.follow(target, self.below.setdefault(hit, {"**": hit}))
        elif isinstance(hit, Rule) and self.is_file(target):
            self.file(folder, target, hit)
        self.via = before

    def file(self, folder: str, path: str, rule: Rule) -> None:
        if rule is HEAD:
            if self.is_store(folder):
                self.bare(folder, path)
        elif rule in (REPOSITORY, POINTER):
            self.pointer(folder, path, rule)
        elif rule is not GIT_HOOK or not path.endswith(".sample"):
            self.record(path, rule)

    def bare(self, folder: str, head: str) -> None:
        """Search a folder that is a repository; unless git put it there, that is a risk of its own."""
        before = self.via
        if self.here.tree is not FOREST:
            self.record(head, HEAD)
            self.via = head
        self.repository(folder, folder)
        self.via = before

    def pointer(self, folder: str, path: str, rule: Rule) -> None:
        """Follow a file that says where the repository is; it is a risk of its own if that is outside."""
        self.record(path, rule)
        found = self.items.get(path)
        if found is None or found.content is None or not stat.S_ISREG(found.mode):
            return
        text = os.fsdecode(found.content).partition("\0")[0].rstrip("\r\n")
        target = text.removeprefix("gitdir:").lstrip(" ")
        settings: Settings = {} if self.inside(folder, target) is not None else {"gitdir": (target,)}
        self.items[path] = found._replace(settings=settings)
        place = self.nearest(folder, target)
        if place is None or not self.is_folder(place):
            return
        if rule is REPOSITORY:
            self.repository(place, folder)
        else:
            self.shares.append((folder, place))
            self.follow(place, GIT_TREE)

    def record(self, path: str, rule: Rule) -> None:
        known = self.items.get(path)
        if known is not None:
            self.items[path] = known = known._replace(via=known.via | {self.via})
            # A file may be more than one thing: a rule for all of it wins, and what runs by itself.
            whole = rule.view in ("text", "hook")
            if whole and (known.settings is not None or rule.by_itself > known.rule.by_itself):
                self.items[path] = known._replace(rule=rule, settings=None)
            return
        found = self.read(path, rule)
        if found is None:
            return
        if rule.view == "git" and (found.content is None or b"objectformat" in found.content.lower()):
            self.sizes = [20, 32]
        if rule.view == "git" and found.settings:
            folder = os.path.dirname(path)
            self.git_leads(path, folder, found.settings)
            found = found._replace(settings=self.without_own_tree(folder, found.settings))
        self.items[path] = found

    def git_leads(self, path: str, repository: str, settings: Settings) -> None:
        """Note what a configuration leads to: files from its folder, hooks from where git works."""
        folder = os.path.dirname(path)
        for name, values in settings.items():
            if name == "core.hookspath":
                self.hook_paths.update((repository, value, path) for value in values if value)
            elif name == "include.path" or name.startswith("includeif."):
                places = (self.nearest(folder, value) for value in values if value)
                self.includes += (
                    (place, repository, path) for place in places if place and self.is_file(place)
                )

    def include(self, path: str, repository: str, via: str) -> None:
        if (path, repository, via) in self.included:
            return
        self.included.add((path, repository, via))
        self.via = via
        self.record(path, INCLUDED)
        if path in self.items:
            self.git_leads(path, repository, self.items[path].settings or {})

    def without_own_tree(self, folder: str, settings: Settings) -> Settings:
        """Drop a core.worktree that is in the workspace: every submodule has one."""
        trees = [self.inside(folder, value or "") for value in settings.get("core.worktree", ())]
        for tree in trees:
            if tree is not None:
                self.works_in(folder, tree)
        return settings if None in trees else {k: v for k, v in settings.items() if k != "core.worktree"}

    def follow_hook_paths(self) -> None:
        """Search the folders that core.hooksPath names, relative to where git works with the repository."""
        for sharer, shared in self.shares:
            self.homes.setdefault(shared, set()).update(self.homes.get(sharer, ()))
        for repository, value, via in sorted(self.hook_paths):
            self.via = via
            for home in sorted({repository, *self.homes.get(repository, ())} if self.leads > 0 else ()):
                folder = self.nearest(home, value) if self.leads > 0 else None
                if folder is not None and self.is_folder(folder):
                    self.follow(folder, _HOOKS)
        self.hook_paths.clear()

    def follow_gitlinks(self, repository: str, home: str) -> None:
        """Search the folders that an index calls repositories, wherever: git goes into each for a status."""
        if repository not in self.links:
            self.links[repository] = self.index(repository)
        self.via = ""
        for link in sorted(self.links[repository]):
            path = f"{home}/{os.fsdecode(link)}" if home else os.fsdecode(link)
            self.entries -= 1
            if self.entries < 0 or self.leads < 0:
                self.miss(path[:MAX_PATH])
                return
            place = self.inside(f"./{path}") if self.is_folder(path) else None
            if place is not None:
                self.follow(place, _EMBEDDED)

    def index(self, repository: str) -> set[bytes]:
        """Return the gitlinks in a repository's index, and in those that it shares with others."""
        names: set[bytes] = set()
        try:
            here = enter(self.top, repository)
        except OSError:
            self.miss(repository)
            return names
        try:
            data = self.index_file(repository, here, "index")
            names = self.gitlinks(f"{repository}/index", data)
            shared = []
            if b"link" in data:
                with os.scandir(f"{self.root}/{repository}") as entries:
                    shared = [entry.name for entry in entries if entry.name.startswith("sharedindex.")]
            for name in shared:
                more = self.index_file(repository, here, name)
                # One without a name stands for another's entry: for which, only a bitmap tells.
                names |= self.gitlinks(f"{repository}/{name}", more, every=b"" in names)
        except OSError:
            self.miss(f"{repository}/index")
        finally:
            os.close(here)
        return names - {b""}

    def index_file(self, repository: str, here: int, name: str) -> bytes:
        """Read an index; nothing if there is none."""
        try:
            mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return b""
        data = content(here, name, min(MAX_INDEX, self.indexes)) if stat.S_ISREG(mode) else None
        if data is None:
            self.miss(f"{repository}/{name}")
        self.indexes -= len(data or b"")
        return data or b""

    def gitlinks(self, path: str, data: bytes, *, every: bool = False) -> set[bytes]:
        found = [gitlinks(data, size, every=every) for size in self.sizes if data]
        if found and not any(whole for _, whole in found):
            self.miss(path)
        return set().union(*(names for names, _ in found))

    def read(self, path: str, rule: Rule) -> Item | None:
        if len(self.items) >= MAX_ITEMS:
            self.miss(path)
            return None
        folder, _, name = path.rpartition("/")
        try:
            here = enter(self.top, folder)
            try:
                status = os.stat(name, dir_fd=here, follow_symlinks=False)
                data = content(here, name, min(MAX_FILE, self.bytes))
            finally:
                os.close(here)
        except OSError:
            self.miss(path)
            return None
        self.bytes -= len(data or b"")
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        settings = None
        if data is not None and stat.S_ISREG(status.st_mode) and len(data) <= self.parsed:
            from init.guard import views

            settings = views.settings(rule.view, data)
            self.parsed -= len(data) if settings is not None else 0
        return Item(rule, status.st_mode, stamp, data, settings, frozenset((self.via,)))

    def inside(self, *parts: str) -> str | None:
        """Return where a path ends below the root; None where it leads out."""
        path = "/".join((self.root, *parts)) if not parts[-1].startswith("/") else parts[-1]
        self.leads -= 1
        if self.leads < 0 or len(path) > MAX_PATH or "\0" in path:
            self.miss(path[:MAX_PATH])
            return None
        try:
            real = os.path.realpath(path)
        except OSError:
            return None
        return real[len(self.root) + 1 :] if f"{real}/".startswith(f"{self.root}/") else None

    def nearest(self, folder: str, value: str) -> str | None:
        """Return where a path leads to in the workspace.

        One that the user's machine wrote begins with a folder that is not in the container: its end counts.
        """
        place = self.inside(folder, value)
        parts = value.split("/", 32)
        abroad = place is None and value.startswith("/") and self.leads > 0
        for at in range(1, len(parts)) if abroad else ():
            end = self.inside(*parts[at:])
            if end and os.path.lexists(f"{self.root}/{end}"):
                return end
        return place

    def is_store(self, path: str) -> bool:
        """Tell whether a folder has what git wants to see in a repository besides its HEAD."""
        return any(os.path.lexists(f"{self.root}/{path}/{name}") for name in ("objects", "commondir"))

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(f"{self.root}/{path}")

    def is_file(self, path: str) -> bool:
        return os.path.isfile(f"{self.root}/{path}")

    def miss(self, path: str) -> None:
        if len(self.unseen) < UNSEEN:
            self.unseen.append(path or ".")


def _rules(tree: Tree) -> Iterator[Rule]:
    for below in tree.values():
        if isinstance(below, Rule):
            yield below
        else:
            yield from _rules(below)
