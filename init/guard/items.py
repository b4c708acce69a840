"""The risky files that a search finds: what each holds, and what led to it."""

from __future__ import annotations

import stat

from init.guard.rules.rule import Rule
from init.guard.snapshot import Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from init.guard.budget import Budget
    from init.guard.git_leads import GitLeads
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
            self.found[path] = known = known._replace(via=known.via | {via})
            # A file may be more than one thing: a rule for all of it wins, and what runs by itself.
            whole = rule.view in ("text", "hook")
            if whole and (known.settings is not None or rule.by_itself > known.rule.by_itself):
                self.found[path] = known._replace(rule=rule, settings=None)
            return
        item = self.read(path, rule, via)
        if item is not None:
            self.found[path] = self.git.configuration(path, item) if rule.view == "git" else item

    def link(self, path: str, what: str, place: str) -> None:
        """Keep a link to a folder, and where to: another link may have a part in that."""
        if path in self.found:
            return
        item = self.read(path, LINK, "")
        if item is not None and stat.S_ISLNK(item.mode):
            self.found[path] = item._replace(settings={what: (place,)})

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
        settings = None
        limit = budget.parsed.left
        if data is not None and stat.S_ISREG(status.st_mode) and len(data) <= budget.parsed.left:
            # Its regular expressions take 7 ms, more than an interpreter's start: loaded with the first file
            # that a rule knows, so that they cost nothing where a workspace has none.
            from init.guard import views

            settings = views.settings(rule.view, data)
            budget.parsed.take(len(data) if settings is not None else 0)
            budget.step(len(data) >> 4)
            limit = min(limit, views.LONGEST)
        if rule.view in _LEADING and stat.S_ISREG(status.st_mode) and (data is None or len(data) > limit):
            # It is compared all the same, but not what it leads to.
            budget.miss(path)
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return Item(rule, status.st_mode, stamp, data, settings, frozenset((via,)))
