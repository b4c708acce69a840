"""A folder that a search still has to look at."""

from __future__ import annotations

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.guard.rules.rule import Rule, Tree


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
