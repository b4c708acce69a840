"""Empties workspace/ and data/ of this checkout: all that sessions wrote there, and their copies, is lost."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from host import consent, containers, copies, tree
from host.errors import OK, HostError
from host.messages import printable, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from host.checkout import Checkout
    from host.cli import Reset
    from host.copies import Copy
    from host.supervisor import Supervisor

# What stays in each, if it is there: git's, or a folder that is emptied by itself.
KEPT = ".gitkeep"
FOLDERS = {"workspace": (KEPT,), "data": (KEPT, "projects"), "data/projects": (KEPT,)}
UNITS = (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10))
# Seconds that Docker has to say whether a sandbox is running.
PATIENCE = 5.0
NOTHING_REMOVED = "Nothing was removed."


def empty(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], options: Reset) -> int:
    """Show what would go, ask, and remove it.

    Raises:
        HostError: it is refused, or not all of it could be removed.
        Interrupted: somebody asked for the end.
    """
    for name in ("workspace", "data"):
        require_real(checkout.root / name)
    require_no_sandbox(checkout, supervisor, environ)
    there = find_copies(checkout, supervisor, environ)
    folders = found(checkout.root)
    if not show(folders, there, supervisor):
        say("nothing to remove")
        return OK
    if not options.destroy:
        require_consent(supervisor)
    for copy in there:
        remove_copy(supervisor, environ, copy)
    failures = [
        failure
        for folder, kept in folders.items()
        for failure in tree.remove(folder, kept, supervisor.check).failures
    ]
    for failure in failures[:3]:
        say(f"not removed: {failure}")
    require_emptied(folders, supervisor)
    return OK


def found(root: Path) -> dict[Path, tuple[str, ...]]:
    """Return the folders that are emptied, and what stays in each."""
    projects = root / "data" / "projects"
    if projects.is_dir() and not projects.is_symlink():
        return {root / name: kept for name, kept in FOLDERS.items()}
    # Whatever has that name goes with the rest.
    return {root / name: (KEPT,) for name in ("workspace", "data")}


def find_copies(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> list[Copy]:
    """Return the copies of this checkout; none where Docker does not tell, of which there was a warning."""
    with contextlib.suppress(HostError, OSError):
        return copies.listed(supervisor, environ, "checkout", str(checkout.root))
    return []


def remove_copy(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> None:
    """Remove a copy, and what is left of the session on it: no sandbox runs.

    Raises:
        HostError: it cannot be removed.
    """
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"volume={copy.volume}"]
    if ended := supervisor.ask(listed, environ, PATIENCE).output.split():
        supervisor.ask(["docker", "rm", "--force", *ended], environ, PATIENCE)
    copies.remove(supervisor, environ, copy)


def require_real(folder: Path) -> None:
    """Refuse a folder that is none, or that may not be looked into.

    Raises:
        HostError: it is such a one.
    """
    if folder.is_symlink():
        raise HostError(
            f"{folder.name}/ is a symbolic link: what it leads to is not touched. {NOTHING_REMOVED}",
            "Empty its target yourself, or replace the link by a folder.",
        )
    if not folder.is_dir():
        raise HostError(f"{folder} is not a folder. {NOTHING_REMOVED}", f"Make it: mkdir '{folder}'")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise HostError(
            f"you may not look into {folder.name}/. {NOTHING_REMOVED}",
            f"If it is another user's: {_as_root(folder.parent)}",
        )


def require_no_sandbox(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Refuse while a sandbox runs: a tool that loses its files writes half of them anew.

    Raises:
        HostError: one runs.
    """
    found = None
    with contextlib.suppress(OSError):  # there is no Docker
        found = containers.running(supervisor, environ, checkout.root, PATIENCE)
    if found is None:
        say(
            "warning: Docker did not say whether a sandbox of this checkout is running; "
            "if one is, stop it first"
        )
    elif found:
        raise HostError(
            f"a sandbox of this checkout is running. {NOTHING_REMOVED}",
            f"Leave it, or stop it: docker stop {' '.join(one.id[:12] for one in found)}",
        )


def show(folders: Mapping[Path, tuple[str, ...]], there: list[Copy], supervisor: Supervisor) -> bool:
    """Tell what is in the folders, and which copies there are; return whether anything is."""
    counted = {folder: tree.count(folder, kept, supervisor.check) for folder, kept in folders.items()}
    for folder, contents in counted.items():
        say(f"{_named(folder)}/: {contents.entries} files and folders, {readable(contents.size)}")
        for name in projects(folder):
            say(f"  of the project {printable(name)}")
    for copy in there:
        say(f"the copy {copy.name}, of {printable(str(copy.workspace))}")
    return any(contents.entries for contents in counted.values()) or bool(there)


def projects(folder: Path) -> list[str]:
    """Return the names of the projects whose data a folder has."""
    if folder.name == "projects":
        with contextlib.suppress(OSError):
            return sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    return []


def readable(size: int) -> str:
    """Return a size in bytes as a person reads it."""
    unit, step = next(((unit, step) for unit, step in UNITS if size >= step), ("B", 1))
    return f"{size / step:.{0 if size >= 10 * step or step == 1 else 1}f}{unit}"


def require_consent(supervisor: Supervisor) -> None:
    """Ask for the words.

    Raises:
        HostError: another answer came.
    """
    if not consent.is_given(supervisor, "this cannot be undone. To remove all of it"):
        raise HostError("not confirmed: nothing was removed.")


def require_emptied(folders: Mapping[Path, tuple[str, ...]], supervisor: Supervisor) -> None:
    """Look again.

    Raises:
        HostError: something is left.
    """
    left = [
        (tree.count(folder, kept, supervisor.check).entries, _named(folder))
        for folder, kept in folders.items()
    ]
    told = " ".join(f"{entries} in {name}/" for entries, name in left if entries)
    if told:
        raise HostError(
            f"could not remove: {told}",
            "They are another user's, or a filesystem is mounted there (unmount it first). For the former:",
            _as_root(next(iter(folders)).parent),
        )
    say("workspace/ and data/ are empty")


def _named(folder: Path) -> str:
    return "data/projects" if folder.name == "projects" else folder.name


def _as_root(root: Path) -> str:
    return f"sudo '{root}/scripts/reset-sandbox.sh'"
