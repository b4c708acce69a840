"""Empties workspace/ and data/ of this checkout: every project and all state of the tools in them is lost."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from host import containers, tree
from host.errors import OK, HostError
from host.messages import say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from host.checkout import Checkout
    from host.cli import Reset
    from host.supervisor import Supervisor

FOLDERS = ("workspace", "data")
KEPT = ".gitkeep"
UNITS = (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10))
CONSENT = "Yes, do as I say!"
# Seconds that Docker has to say whether a sandbox is running.
PATIENCE = 5.0
NOTHING_REMOVED = "Nothing was removed."


def empty(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], options: Reset) -> int:
    """Show what would go, ask, and remove it.

    Raises:
        HostError: it is refused, or not all of it could be removed.
        Interrupted: somebody asked for the end.
    """
    folders = [checkout.root / name for name in FOLDERS]
    for folder in folders:
        require_real(folder)
    require_no_sandbox(checkout, supervisor, environ)
    if not show(folders, supervisor):
        say("nothing to remove")
        return OK
    if not options.destroy:
        require_consent(supervisor)
    failures = [
        failure for folder in folders for failure in tree.remove(folder, KEPT, supervisor.check).failures
    ]
    for failure in failures[:3]:
        say(f"not removed: {failure}")
    require_emptied(folders, supervisor)
    return OK


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


def show(folders: list[Path], supervisor: Supervisor) -> bool:
    """Tell what is in the folders; return whether anything is."""
    found = [tree.count(folder, KEPT, supervisor.check) for folder in folders]
    for folder, contents in zip(folders, found):
        say(f"{folder.name}/: {contents.entries} files and folders, {readable(contents.size)}")
    return any(contents.entries for contents in found)


def readable(size: int) -> str:
    """Return a size in bytes as a person reads it."""
    unit, step = next(((unit, step) for unit, step in UNITS if size >= step), ("B", 1))
    return f"{size / step:.{0 if size >= 10 * step or step == 1 else 1}f}{unit}"


def require_consent(supervisor: Supervisor) -> None:
    """Ask for the words.

    Raises:
        HostError: another answer came.
    """
    say(f"this cannot be undone. To remove all of it, type: {CONSENT}")
    if supervisor.read_line() != f"{CONSENT}\n".encode():
        raise HostError("not confirmed: nothing was removed.")


def require_emptied(folders: list[Path], supervisor: Supervisor) -> None:
    """Look again.

    Raises:
        HostError: something is left.
    """
    left = [(tree.count(folder, KEPT, supervisor.check).entries, folder.name) for folder in folders]
    told = " ".join(f"{entries} in {name}/" for entries, name in left if entries)
    if told:
        raise HostError(
            f"could not remove: {told}",
            "They are another user's, or a filesystem is mounted there (unmount it first). For the former:",
            _as_root(folders[0].parent),
        )
    say("workspace/ and data/ are empty")


def _as_root(root: Path) -> str:
    return f"sudo '{root}/scripts/reset-sandbox.sh'"
