"""Links to folders under names that no rule knows: what follows one works on what lies where it leads."""

from __future__ import annotations

from init.guard.workspace import DeadEnd, LeadsOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from init.guard.budget import Budget
    from init.guard.items import Items
    from init.guard.rules.rule import Tree
    from init.guard.workspace import Workspace

# The agent has no part in what is there on the host: a virtual environment has links there.
_SYSTEM = ("/usr/", "/bin/", "/lib/", "/etc/")


class Links:
    """The links of one search that are still to be followed.

    Args:
        workspace: where they are.
        budget: what the search may take.
        items: is told of those that lead out, or that were a folder.
        folders: what was a folder in the search before.
    """

    def __init__(self, workspace: Workspace, budget: Budget, items: Items, folders: Container[str]) -> None:
        self.workspace, self.budget, self.items, self.folders = workspace, budget, items, folders
        self.waiting: list[tuple[str, Tree]] = []

    def add(self, path: str, tree: Tree) -> None:
        """Follow a link later; the tree is what is searched where it leads."""
        self.waiting.append((path, tree))

    def follow(self) -> Iterator[tuple[str, Tree]]:
        """Yield the folders of the workspace that links lead to, and what is searched there."""
        while self.waiting:
            path, tree = self.waiting.pop()
            target = self._target(path)
            if target is not None:
                yield target, tree

    def leaving(self) -> None:
        """Keep the links by which what a file names leaves the workspace."""
        while self.workspace.left:
            self.out(*self.workspace.left.popitem())

    def out(self, path: str, place: str) -> None:
        """Keep a link that leads out of the workspace, unless to where the agent has no part."""
        if not _of_the_system(place):
            self.items.link(path, "leads out of the workspace, to", place)

    def _target(self, path: str) -> str | None:
        if not self.budget.links.take():
            self.budget.miss(path)
            return None
        try:
            target = self.workspace.resolve(path)
        except LeadsOut as out:
            self.out(path, out.place)
            return None
        except DeadEnd:
            return None
        if not self.workspace.is_folder(target):
            return None
        if path in self.folders:
            self.items.link(path, "was a folder, and is a link to", target)
        return target


def _of_the_system(place: str) -> bool:
    return place.startswith(_SYSTEM) and ".." not in place.split("/")
