"""The workspace as a search sees it: where a path in it leads, and what a file holds.

This is the one place that resolves paths. Nothing is read by way of a link; a link's target is looked at in
the place where it is.
"""

from __future__ import annotations

import os

from init.guard.budget import MAX_PATH
from init.guard.snapshot import content, enter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from init.guard.budget import Budget


class Workspace:
    """A folder that is searched. All paths are relative to it, "" is the folder itself.

    Raises:
        OSError: it is none, or cannot be read.
    """

    def __init__(self, path: str, budget: Budget) -> None:
        self.path = os.path.realpath(path)
        self.budget = budget
        self.top = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.top)

    def scan(self, folder: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        """Return what is in a folder, as os.scandir does."""
        return os.scandir(f"{self.path}/{folder}")

    def enter(self, folder: str) -> int:
        """Open a folder, by way of no link; the caller closes it."""
        return enter(self.top, folder)

    def read(self, path: str, limit: int) -> tuple[os.stat_result, bytes | None]:
        """Return a file's status, and its content or a link's target.

        The content is None if there is none, if it has more bytes than the limit, or cannot be read.

        Raises:
            OSError: there is no such file, or no way to it but by a link.
        """
        folder, _, name = path.rpartition("/")
        here = self.enter(folder)
        try:
            return os.stat(name, dir_fd=here, follow_symlinks=False), content(here, name, limit)
        finally:
            os.close(here)

    def inside(self, *parts: str) -> str | None:
        """Return where a path ends in the workspace, after all links; None where it leads out."""
        path = "/".join((self.path, *parts)) if not parts[-1].startswith("/") else parts[-1]
        if not self.budget.leads.take() or len(path) > MAX_PATH or "\0" in path:
            self.budget.miss(path[:MAX_PATH])
            return None
        try:
            real = os.path.realpath(path)
        except OSError:
            return None
        return real[len(self.path) + 1 :] if f"{real}/".startswith(f"{self.path}/") else None

    def nearest(self, folder: str, value: str) -> str | None:
        """Return where a path, seen from a folder, leads in the workspace; None if it leads out.

        One that the user's machine wrote begins with a folder that is not in the container: its end counts.
        """
        place = self.inside(folder, value)
        parts = value.split("/", 32)
        abroad = place is None and value.startswith("/") and self.budget.leads.left > 0
        for at in range(1, len(parts)) if abroad else ():
            end = self.inside(*parts[at:])
            if end and self.exists(end):
                return end
        return place

    def is_store(self, folder: str) -> bool:
        """Tell whether a folder has what git wants to see in a repository besides its HEAD."""
        return self.exists(f"{folder}/objects") or self.exists(f"{folder}/commondir")

    def exists(self, path: str) -> bool:
        """Tell whether something is there, if only a link that leads nowhere."""
        return os.path.lexists(f"{self.path}/{path}")

    def is_folder(self, path: str) -> bool:
        """Tell whether a path leads to a folder."""
        return os.path.isdir(f"{self.path}/{path}")

    def is_file(self, path: str) -> bool:
        """Tell whether a path leads to a file."""
        return os.path.isfile(f"{self.path}/{path}")
