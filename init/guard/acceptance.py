"""Acceptance: what a quarantine keeps is put back into its places.

A session's agent can write in the quarantine, so nothing in it is believed; nothing here follows a link.
"""

from __future__ import annotations

import contextlib
import os
import stat

from init import folders
from init.guard import copies, manifest
from init.guard.manifest import Kept
from init.guard.quarantine import Outcome
from init.guard.snapshot import TO_WRITE, content, enter

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# An agent can make any number of them.
MAX_SHOWN = 1000


def accept(root: str, folder: str) -> tuple[Outcome, ...]:
    """Put everything that is kept into its place, but for what somebody has written there since.

    The folder was in the agent's reach, so nothing in it is believed; it can lead to nothing but the root.

    Raises:
        OSError: the folder or its manifest cannot be read.
        ValueError: the manifest is none.
    """
    folders.open_own(folder)
    top, aside = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), os.open(folder, _FOLDER)
    outcomes, waiting = [], []
    try:
        entries = _read_manifest(aside)
        for entry in entries:
            try:
                accepted = _accept(top, aside, entry)
                outcomes.append(
                    Outcome(entry.path, "accepted")
                    if accepted
                    else Outcome(entry.path, "failed", "it is no longer kept")
                )
            except OSError as error:
                waiting.append(entry)
                outcomes.append(Outcome(entry.path, "failed", str(error)))
        if waiting:
            copies.write(aside, manifest.NAME, manifest.text(waiting), stat.S_IFREG | 0o600)
        else:
            _remove(aside, folder)
    finally:
        os.close(aside)
        os.close(top)
    return tuple(outcomes)


def _remove(aside: int, folder: str) -> None:
    """Remove a quarantine that keeps nothing, unless somebody has put more there."""
    # Copies of which the half was written when the session was killed.
    half = [name for name in os.listdir(aside) if name.startswith(".quarantined-")]
    for name in (manifest.NAME, manifest.UNFINISHED, *half):
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=aside)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def present(folder: str) -> tuple[str, ...]:
    """Return the quarantines in a folder, of a crowd only the first that are found."""
    folders.open_own(folder)
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(entry.name for entry, _ in zip(entries, range(MAX_SHOWN), strict=False)))
    except OSError:
        return ()


def exists(folder: str, name: str) -> bool:
    """Tell whether a folder has a quarantine of this name."""
    return name not in ("", ".", "..") and "/" not in name and os.path.lexists(f"{folder}/{name}")


def unfinished(folder: str) -> tuple[str, ...]:
    """Return the quarantines in a folder that a session was filling when it was killed."""
    names = present(folder)
    return tuple(name for name in names if os.path.lexists(f"{folder}/{name}/{manifest.UNFINISHED}"))


def _accept(top: int, aside: int, entry: Kept) -> bool:
    """Put one file into its place; return whether it was still kept."""
    folder, _, name = entry.path.rpartition("/")
    here = enter(top, folder, TO_WRITE)
    try:
        at_top = entry.kept.startswith(".")
        kept, there = copies.digest(top if at_top else aside, entry.kept), copies.digest(here, name)
        if not kept:
            return False
        if there and there != entry.left:
            # Where the session was killed in between, it was not taken away yet.
            if at_top or there != kept:
                raise OSError("something else is there now")
        elif at_top:
            os.rename(entry.kept, name, src_dir_fd=top, dst_dir_fd=here)
            return True
        else:
            copies.copy(aside, entry.kept, here, name, entry.mode)
        os.unlink(entry.kept, dir_fd=aside)
        return True
    finally:
        os.close(here)


def _read_manifest(aside: int) -> list[Kept]:
    data = content(aside, manifest.NAME, manifest.MAX)
    if data is None or stat.S_ISLNK(os.stat(manifest.NAME, dir_fd=aside, follow_symlinks=False).st_mode):
        raise OSError(f"{manifest.NAME} cannot be read")
    return manifest.parse(data)
