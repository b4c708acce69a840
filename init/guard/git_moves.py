"""Repositories that take the place of others: a ``.git`` file or ``commondir`` that names what it did not.

What is in such a repository is no clone's. Git itself moves a submodule's repository, and changes nothing in
it: git-submodule(1), absorbgitdirs.
"""

from __future__ import annotations

import os

from init.guard.snapshot import parents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from init.guard.budget import Budget
    from init.guard.git_pointers import Pointer
    from init.guard.snapshot import Item
    from init.guard.views import FileSettings
    from init.guard.workspace import Workspace


class GitMoves:
    """What was where before, and what is there now.

    Args:
        workspace: where it is.
        budget: what the search may take.
        before: the risky files of an earlier search.
        folders: what was a folder then.
    """

    def __init__(
        self, workspace: Workspace, budget: Budget, before: Mapping[str, Item], folders: Container[str]
    ) -> None:
        self.workspace, self.budget, self.before, self.folders = workspace, budget, before, folders

    def told(self, path: str, now: Pointer, former: Pointer | None, places: tuple[str, ...]) -> FileSettings:
        """Return what is risky about a file that names a repository: that it was not so before.

        Args:
            path: of the file.
            now: what it names.
            former: what it named before; None if it was no file, or was not read.
            places: the folders that it leads to.
        """
        named = places or now.targets
        if path in self.folders:
            absorbed = places and all(self._is_absorbed(path, place) for place in places)
            return {} if absorbed else {"was a folder, and is a file that names": named}
        if path in self.before:
            folder = os.path.dirname(path)
            targets = former.targets if former else ()
            known = {place for target in targets for place in self.workspace.places(folder, target)}
            # What only looks like the end of what it named was not there.
            same = former and all(place in known and place in self.folders for place in places)
            return {} if same else {"named another place, and now": named}
        if os.path.basename(path).lower() == "commondir" and os.path.dirname(path) in self.folders:
            return {"is new in a repository that was there, and names": named}
        return {}

    def _is_absorbed(self, path: str, place: str) -> bool:
        """Tell whether git has moved the repository of a submodule that was known, with its settings."""
        old = self.before.get(f"{path}/config")
        if old is None or old.settings is None or not self._is_submodule(os.path.dirname(path), place):
            return False
        from init.guard import views  # as late as the search does

        try:
            data = self.workspace.read(f"{place}/config", self.budget.file_limit())[1]
        except OSError:
            return False
        new = None if data is None else views.settings("git", data)
        return new is not None and _without_tree(new) == _without_tree(old.settings)

    def _is_submodule(self, home: str, place: str) -> bool:
        """Tell whether .gitmodules of a folder above had a submodule here whose repository belongs there."""
        from init.guard import git_config

        for above in (*parents(home), ""):
            item = self.before.get(f"{above}/.gitmodules".lstrip("/"))
            try:
                entries = git_config.parse(item.content) if item and item.content else ()
            except ValueError:
                continue
            for name, value, *_ in entries:
                is_path = git_config.parts(name) == ("submodule", "path")
                if is_path and value and f"{above}/{value}".strip("/") == home:
                    own = name.removeprefix("submodule.").removesuffix(".path")
                    return f"/{place}".endswith(f"/modules/{own}")
        return False


def _without_tree(settings: FileSettings) -> FileSettings:
    return {name: values for name, values in settings.items() if name != "core.worktree"}
