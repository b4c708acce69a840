"""The risky files that a search finds: what each holds, and what led to it."""

from __future__ import annotations

import stat

from init.guard.rules.rule import Rule
from init.guard.rules.version_control import INCLUDED, POINTER
from init.guard.snapshot import Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from init.guard.budget import Budget
    from init.guard.git_leads import GitLeads, Include
    from init.guard.views import FileSettings
    from init.guard.workspace import Workspace

LINK = Rule("what follows it works on what lies there, which the guard does not search", "", "link")

# Views of what leads git elsewhere.
_LEADING = ("git", "pointer")


class Items:
    """What was found, by path.

    Args:
        workspace: where it is.
        budget: what the search may take.
        git: is told of git's configurations.
        known: what an earlier search has kept: the session's own do not push it out.
    """

    def __init__(
        self, workspace: Workspace, budget: Budget, git: GitLeads, known: Mapping[str, Item]
    ) -> None:
        self.workspace, self.budget, self.git, self.known = workspace, budget, git, known
        self.found: dict[str, Item] = {}

    def record(self, path: str, rule: Rule, via: str) -> None:
        """Keep a risky file as it is now, and what led to it."""
        known = self.found.get(path)
        if known is not None:
            known = known._replace(via=known.via | {via})
            # A file may be more than one thing: then all of it counts, first for what runs it by itself.
            if rule.view != known.rule.view:
                stronger = max(known.rule, rule, key=lambda one: (one.by_itself, one.view == "text"))
                known = known._replace(rule=stronger._replace(view="text"), settings=None)
            self.found[path] = known
            return
        item = self.read(path, rule, via)
        if item is not None:
            self.found[path] = self.git.configuration(path, item) if rule.view == "git" else item

    def lead(self, path: str, settings: FileSettings) -> None:
        """Compare of a file only this, which is what is risky about where it leads, if it is nothing else."""
        item = self.found[path]
        if item.rule.view == POINTER.view:
            self.found[path] = item._replace(settings=settings)

    def link(self, path: str, what: str, place: str) -> None:
        """Keep a link to a folder, and where to: another link may have a part in that."""
        if path in self.found:
            return
        item = self.read(path, LINK, "")
        if item is not None and stat.S_ISLNK(item.mode):
            self.found[path] = item._replace(settings={what: (place,)})

    def include(self, include: Include) -> None:
        """Keep a file that a configuration includes, whatever else it is, and what its settings lead to."""
        path = include.path
        self.record(path, INCLUDED, include.via)
        item = self.found.get(path)
        if item is None:
            return
        settings = item.settings if item.rule.view == INCLUDED.view else self._parse(path, INCLUDED, item)
        self.git.note(path, include.repository, settings or {})

    def read(self, path: str, rule: Rule, via: str) -> Item | None:
        """Read a risky file; None if there may be no more of them, or it is gone."""
        budget = self.budget
        budget.step()
        if path not in self.known and not budget.items.take():
            budget.miss(path)
            return None
        try:
            status, data = self.workspace.read(path, budget.file_limit())
        except OSError:
            budget.miss(path)
            return None
        budget.read.take(len(data or b""))
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        item = Item(rule, status.st_mode, stamp, data, None, frozenset((via,)))
        return item._replace(settings=self._parse(path, rule, item))

    def _parse(self, path: str, rule: Rule, item: Item) -> FileSettings | None:
        """Return what of a file makes something run; None if all of it has to be compared."""
        budget, data = self.budget, item.content
        if not stat.S_ISREG(item.mode):
            return None
        settings = None
        limit = budget.parsed.left
        if data is not None and len(data) <= limit:
            # Its regular expressions take 7 ms, more than an interpreter's start: loaded with the first file
            # that a rule knows, so that they cost nothing where a workspace has none.
            from init.guard import views

            settings = views.settings(rule.view, data)
            budget.parsed.take(len(data) if settings is not None else 0)
            budget.step(len(data) >> 4)
            limit = min(limit, views.LONGEST)
        if rule.view in _LEADING and (data is None or len(data) > limit):
            # It is compared all the same, but not what it leads to.
            budget.miss(path)
        return settings
