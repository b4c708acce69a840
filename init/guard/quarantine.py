"""The quarantine: what was written that would run is kept aside, until somebody accepts it.

Nothing here follows a link: a folder is entered name by name. What cannot be copied (too large, no file) is
moved to the top of the workspace, under a name that nothing runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat

from init.guard import git_config, manifest
from init.guard.manifest import Kept
from init.guard.snapshot import content, enter
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from init.guard.snapshot import Change

# Bytes of a file that is copied; what is larger only gets another name.
MAX_COPY = 64 << 20
# Bytes of all that are copied, half a second's work: `docker stop` does not wait for long.
MAX_COPIED = 256 << 20

_TO_WRITE = 0o700
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Outcome(Record):
    """What became of one path, and why it failed.

    "moved"; "restored", if something is back in its place; "emptied", if nothing could be put back there;
    "accepted"; or "failed", and it is where it was.
    """

    path: str
    what: str
    why: str = ""


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
    aside = None if folder is None else _make(folder, root, manifest.room(changes))
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    entries: list[Kept] = []
    ends = {change.path for change in changes if _leads_nowhere_once_undone(change)}
    to_undo = [change for change in changes if not change.via <= ends]
    outcomes, left = [], MAX_COPIED
    for number, change in enumerate(to_undo):
        outcomes.append(_put_away(top, aside if left > 0 else None, change, str(number), entries))
        left -= _size(aside, str(number))
    if aside is not None:
        outcomes += _list(aside, entries)
        os.close(aside)
    os.close(top)
    return tuple(outcomes)


def _make(folder: str, root: str, room: int) -> int:
    """Make the folder, and keep as much room for the manifest as it may take: the disk may be full."""
    os.makedirs(os.path.dirname(os.path.abspath(folder)), 0o700, exist_ok=True)
    os.mkdir(folder, 0o700)
    if os.path.realpath(folder).startswith(f"{os.path.realpath(root)}/"):
        os.rmdir(folder)
        raise OSError(f"{folder} is in the workspace")
    aside = os.open(folder, _FOLDER)
    try:
        _write(aside, manifest.NAME, bytes(room), stat.S_IFREG | 0o600)
    except OSError:
        os.close(aside)
        os.rmdir(folder)
        raise
    return aside


def _list(aside: int, entries: list[Kept]) -> Iterator[Outcome]:
    """Write the manifest; what is kept without one is told by its own names."""
    try:
        os.unlink(manifest.NAME, dir_fd=aside)
        _write_manifest(aside, entries)
    except OSError as error:
        names = ", ".join(f"{entry.kept} is {entry.path}" for entry in entries)
        yield Outcome(manifest.NAME, "failed", f"cannot be written: {error}. {names}")


def accept(root: str, folder: str) -> tuple[Outcome, ...]:
    """Put everything that is kept into its place, but for what somebody has written there since.

    The folder was in the agent's reach, so nothing in it is believed; it can lead to nothing but the root.

    Raises:
        OSError: the folder or its manifest cannot be read.
        ValueError: the manifest is none.
    """
    top, aside = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), os.open(folder, _FOLDER)
    outcomes, waiting = [], []
    try:
        entries = _read_manifest(aside)
        for entry in entries:
            try:
                _accept(top, aside, entry)
                outcomes.append(Outcome(entry.path, "accepted"))
            except OSError as error:
                waiting.append(entry)
                outcomes.append(Outcome(entry.path, "failed", str(error)))
        os.unlink(manifest.NAME, dir_fd=aside)
        if waiting:
            _write_manifest(aside, waiting)
    finally:
        os.close(aside)
        os.close(top)
    if not waiting:
        os.rmdir(folder)
    return tuple(outcomes)


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


def _put_away(top: int, aside: int | None, change: Change, number: str, entries: list[Kept]) -> Outcome:
    folder, _, name = change.path.rpartition("/")
    kept = ""
    try:
        here = enter(top, folder, _TO_WRITE)
        try:
            former = _former(here, name, change)
            mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
            kept = _move(here, name, top, aside, number)
            entries.append(Kept(change.path, kept, mode, ""))
            if former is None:
                return Outcome(change.path, "moved")
            # First it is taken away: where there is no room for more, nothing runs at least.
            _write(here, name, *former)
            entries[-1] = Kept(change.path, kept, mode, _digest(here, name))
            return Outcome(change.path, "restored")
        finally:
            os.close(here)
    except (OSError, ValueError) as error:
        if not kept:
            return Outcome(change.path, "failed", str(error))
        return Outcome(
            change.path, "emptied", f"it is kept as {kept}, what was there before is not back: {error}"
        )


def _move(here: int, name: str, top: int, aside: int | None, number: str) -> str:
    """Take a file out of its place, and return its name: in the quarantine, or one that nothing runs."""
    if aside is not None:
        try:
            _copy(here, name, aside, number)
            os.unlink(name, dir_fd=here)
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                os.unlink(number, dir_fd=aside)
        else:
            return number
    kept = f".quarantined-{os.urandom(8).hex()}"
    os.rename(name, kept, src_dir_fd=here, dst_dir_fd=top)
    return kept


def _former(here: int, name: str, change: Change) -> tuple[bytes, int] | None:
    """Return content and mode of what belongs in the place of a change."""
    old = change.former
    if change.names and change.view == "git" and (data := content(here, name, MAX_COPY)) is not None:
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


def _accept(top: int, aside: int, entry: Kept) -> None:
    folder, _, name = entry.path.rpartition("/")
    here = enter(top, folder, _TO_WRITE)
    try:
        if _digest(here, name) != entry.left:
            raise OSError("something else is there now")
        if entry.kept.startswith("."):
            os.rename(entry.kept, name, src_dir_fd=top, dst_dir_fd=here)
            return
        _copy(aside, entry.kept, here, name, entry.mode)
        os.unlink(entry.kept, dir_fd=aside)
    finally:
        os.close(here)


def _copy(source: int, name: str, target: int, new: str, mode: int | None = None) -> None:
    """Copy a file or a link.

    Raises:
        OSError: it is neither, or too large, or cannot be read or written.
    """
    data = content(source, name, MAX_COPY)
    if data is None:
        raise OSError("is no file that can be copied")
    own = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
    _write(target, new, data, own if stat.S_ISLNK(own) or mode is None else stat.S_IFREG | stat.S_IMODE(mode))


def _write(folder: int, name: str, data: bytes, mode: int) -> None:
    """Write a file or a link and move it into its place, so that no hard link of the old one changes."""
    new = f".quarantined-{os.urandom(8).hex()}"
    try:
        if stat.S_ISLNK(mode):
            os.symlink(data, new, dir_fd=folder)
        else:
            with os.fdopen(os.open(new, _NEW, 0o600, dir_fd=folder), "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode & 0o777)
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        raise


def _digest(folder: int, name: str) -> str:
    """Return what tells a content from others; empty if nothing is there."""
    try:
        kind = stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return ""
    data = content(folder, name, MAX_COPY)
    return f"{kind:o}:" + ("" if data is None else hashlib.sha256(data).hexdigest())


def _write_manifest(aside: int, entries: list[Kept]) -> None:
    _write(aside, manifest.NAME, manifest.text(entries), stat.S_IFREG | 0o600)


def _read_manifest(aside: int) -> list[Kept]:
    data = content(aside, manifest.NAME, manifest.MAX)
    if data is None or stat.S_ISLNK(os.stat(manifest.NAME, dir_fd=aside, follow_symlinks=False).st_mode):
        raise OSError(f"{manifest.NAME} cannot be read")
    return manifest.parse(data)
