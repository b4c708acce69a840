"""The quarantine: what was written that would run is kept aside, until somebody accepts it.

Nothing here follows a link: a folder is entered name by name. What cannot be copied (too large, no file) is
moved to the top of the workspace, under a name that nothing runs.

The session may be killed at any moment. So each file is written down before it is taken away, and what was
there before replaces it at once: in its place is always the one or the other.
"""

from __future__ import annotations

import contextlib
import os
import stat

from init.guard import copies, git_config, manifest
from init.guard.manifest import Journal, Kept
from init.guard.snapshot import TO_WRITE, content, enter
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from init.guard.snapshot import Change

# Bytes of all that are copied, half a second's work: `docker stop` does not wait for long.
MAX_COPIED = 256 << 20

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Outcome(Record):
    """What became of one path, and why it failed.

    "moved"; "restored", if something is back in its place; "emptied", if nothing could be put back there;
    "accepted"; or "failed", and it is where it was.
    """

    path: str
    what: str
    why: str = ""


class _Place(Record):
    """Where a file is, and where it may go: the top of the workspace, and the quarantine if there is one."""

    here: int
    name: str
    top: int
    aside: int | None


def put_away(root: str, changes: Sequence[Change], folder: str | None) -> tuple[Outcome, ...]:
    """Take every change out of the workspace, and put back what was there before.

    Of a git configuration only the settings that changed are put back, or taken out. What is risky only
    through other changes stays: once those are undone nothing leads there, and it may well be the user's.

    Args:
        root: the workspace.
        changes: what to take away.
        folder: where to keep it; None if that cannot be: then each only gets another name.

    Raises:
        OSError: the folder exists, is in the workspace, or cannot be made; nothing was moved.
    """
    aside = None if folder is None else _make(folder, root)
    try:
        journal = Journal(aside, changes)
    except OSError:
        _unmake(aside, folder)
        raise
    top = os.open(root, _FOLDER)
    ends = {change.path for change in changes if _leads_nowhere_once_undone(change)}
    to_undo = [change for change in changes if not change.via <= ends]
    outcomes, left = [], MAX_COPIED
    for number, change in enumerate(to_undo):
        outcomes.append(_put_away(top, aside if left > 0 else None, change, str(number), journal))
        left -= _size(aside, str(number))
    os.close(top)
    try:
        journal.finish()
    except OSError as error:
        outcomes.append(Outcome(manifest.NAME, "failed", str(error)))
    if journal.lost:
        names = ", ".join(f"{entry.kept} is {entry.path}" for entry in journal.lost)
        outcomes.append(Outcome(manifest.NAME, "failed", f"cannot be written. {names}"))
    if aside is not None:
        os.close(aside)
    return tuple(outcomes)


def _make(folder: str, root: str) -> int:
    """Make the folder of a quarantine."""
    above, name = os.path.split(os.path.abspath(folder))
    os.makedirs(above, 0o700, exist_ok=True)
    here = os.open(above, _FOLDER)
    try:
        os.mkdir(name, 0o700, dir_fd=here)
        # A default ACL may have closed it, acl(5).
        os.chmod(name, 0o700, dir_fd=here)
        aside = os.open(name, _FOLDER, dir_fd=here)
        if os.path.realpath(f"/proc/self/fd/{aside}").startswith(f"{os.path.realpath(root)}/"):
            os.close(aside)
            os.rmdir(name, dir_fd=here)
            raise OSError(f"{folder} is in the workspace")
        return aside
    finally:
        os.close(here)


def _unmake(aside: int | None, folder: str | None) -> None:
    if aside is None or folder is None:
        return
    for name in (manifest.NAME, manifest.UNFINISHED):
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=aside)
    os.close(aside)
    os.rmdir(folder)


def _size(aside: int | None, name: str) -> int:
    try:
        return 0 if aside is None else os.stat(name, dir_fd=aside, follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def _leads_nowhere_once_undone(change: Change) -> bool:
    if change.former is None:
        return True
    settings = change.former.settings if change.view == "git" else None
    return settings is not None and not any(
        name.startswith(("core.hookspath", "include")) for name in settings
    )


def _put_away(top: int, aside: int | None, change: Change, number: str, journal: Journal) -> Outcome:
    folder, _, name = change.path.rpartition("/")
    here, ready = -1, None
    try:
        here = enter(top, folder, TO_WRITE)
        former = _former(here, name, change)
        mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
        entry = Kept(change.path, number, mode, copies.digest_of(*former) if former else "")
        with contextlib.suppress(OSError):
            # Where there is no room now, there may be once something is taken away.
            ready = copies.prepare(here, *former) if former else None
        entry, is_back = _move(_Place(here, name, top, aside), entry, ready, journal)
        if former is None:
            return Outcome(change.path, "moved")
        try:
            if not is_back:
                ready = ready or copies.prepare(here, *former)
                os.rename(ready, name, src_dir_fd=here, dst_dir_fd=here)
        except OSError as error:
            why = f"it is kept as {entry.kept}, what was there before is not back: {error}"
            return Outcome(change.path, "emptied", why)
        return Outcome(change.path, "restored")
    except (OSError, ValueError) as error:
        if ready is not None:
            with contextlib.suppress(OSError):  # another session may take it away
                os.unlink(ready, dir_fd=here)
        return Outcome(change.path, "failed", str(error))
    finally:
        if here >= 0:
            os.close(here)


def _move(place: _Place, entry: Kept, ready: str | None, journal: Journal) -> tuple[Kept, bool]:
    """Take a file out of its place, into the quarantine, or else to a name that nothing runs.

    Returns:
        what is kept of it, and whether that which is ready is in its place.
    """
    here, name, top, aside = place
    if aside is not None:
        journal.note(entry)
        try:
            copies.copy(here, name, aside, entry.kept)
            if ready is None:
                os.unlink(name, dir_fd=here)
            else:
                os.rename(ready, name, src_dir_fd=here, dst_dir_fd=here)
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                os.unlink(entry.kept, dir_fd=aside)
        else:
            return entry, ready is not None
    entry = entry._replace(kept=f".quarantined-{os.urandom(8).hex()}")
    journal.note(entry)
    os.rename(name, entry.kept, src_dir_fd=here, dst_dir_fd=top)
    return entry, False


def _former(here: int, name: str, change: Change) -> tuple[bytes, int] | None:
    """Return content and mode of what belongs in the place of a change."""
    old = change.former
    if change.names and change.view == "git" and (data := content(here, name, copies.MAX_COPY)) is not None:
        former = (old and old.settings) or {}
        mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
        try:
            return git_config.put_back(data, change.names, former), mode
        except ValueError:
            pass
    if old is None or (old.content is None and not stat.S_ISREG(old.mode)):
        return None
    if old.content is None:
        # Away from its place, what the user had there would be lost.
        raise OSError("too large to put back what was there before: look at it yourself")
    return old.content, old.mode
