"""What in the workspace leads to a place that is not in the container: paths that are true on one side only.

A worktree's or a submodule's ``.git`` is a file that names the repository by a path of the host. Where that
is not mounted nothing of git works, and git says no more than that it is no repository.
"""

from __future__ import annotations

import os

from init import log
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Folders below the workspace that are looked into, and entries in all.
MAX_DEPTH = 2
MAX_ENTRIES = 10_000
# Of each kind, so many are named.
MOST_NAMED = 5
# Full of links and of folders, and none is the user's own.
_SKIPPED = ("node_modules", ".venv", "venv", ".git")
_LARGEST = 1 << 20


class Lead(Record):
    """An entry of the workspace, what it names, and whether it is git's."""

    path: str
    target: str
    of_git: bool


def tell(workspace: str, *, copy: bool = False) -> None:
    """Warn of what leads out of the container, with the way out.

    Args:
        workspace: where to look.
        copy: whether it is a copy, beside which no repository is mounted.
    """
    found = tuple(look(workspace))
    pointers, links = ([lead for lead in found if lead.of_git is of_git] for of_git in (True, False))
    if pointers:
        log.warning(
            f"git does not work in {_named(pointers)}, which the container does not have",
            fix="Make the copy of the main checkout, or work on the folder itself, with --with-repository."
            if copy
            else "./start.sh --with-repository mounts the repository as well. With Compose, mount it "
            "yourself, at the path that is named.",
        )
    if links:
        log.warning(
            f"links that lead nowhere in the container: {_named(links)}",
            fix="Mount what they lead to at that path (compose.override.yml), or copy it into the workspace.",
        )


def look(workspace: str) -> Iterator[Lead]:
    """Yield what leads nowhere, of the workspace and the folders near its top."""
    folders, left = [("", 0)], MAX_ENTRIES
    while folders:
        folder, depth = folders.pop(0)
        try:
            with os.scandir(f"{workspace}/{folder}") as entries:
                for entry in entries:
                    left -= 1
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if left < 0:
                        return
                    if entry.is_symlink():
                        yield from _link(workspace, path)
                    elif entry.name == ".git" and entry.is_file(follow_symlinks=False):
                        yield from _pointer(workspace, folder, path)
                    elif (
                        depth < MAX_DEPTH
                        and entry.name not in _SKIPPED
                        and entry.is_dir(follow_symlinks=False)
                    ):
                        folders.append((path, depth + 1))
        except OSError:
            continue


def _link(workspace: str, path: str) -> Iterator[Lead]:
    try:
        target = os.readlink(f"{workspace}/{path}")
    except OSError:
        return
    if not os.path.exists(f"{workspace}/{path}"):
        yield Lead(path, target, of_git=False)


def _pointer(workspace: str, folder: str, path: str) -> Iterator[Lead]:
    # Most workspaces have none.
    from init.guard import git_pointers

    try:
        with open(f"{workspace}/{path}", "rb") as file:
            target = git_pointers.gitdir(file.read(_LARGEST)).targets[0]
    except OSError:
        return
    if "\0" not in target and not os.path.exists(os.path.join(workspace, folder, target)):
        yield Lead(path, target, of_git=True)


def _named(leads: list[Lead]) -> str:
    named = [f"{lead.path} -> {lead.target}" for lead in leads[:MOST_NAMED]]
    if len(leads) > MOST_NAMED:
        named.append(f"and {len(leads) - MOST_NAMED} more")
    return ", ".join(named)
