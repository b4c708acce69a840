"""Folders and files of the agent's, which it may have locked or put something else in the place of."""

from __future__ import annotations

import contextlib
import os
import stat
import time


def open_own(path: str) -> None:
    """Let ourselves into a folder that is ours; another's, or none, stays as it is."""
    with contextlib.suppress(OSError):
        status = os.stat(path)
        if status.st_uid == os.geteuid() and status.st_mode & 0o700 != 0o700:
            os.chmod(path, stat.S_IMODE(status.st_mode) | 0o700)


def own(path: str) -> bool:
    """Have a folder of ours, closed to others; what is in its place, or a link, is moved aside.

    Returns:
        whether something else was there, or a folder that was closed to us.

    Raises:
        OSError: there can be none.
    """
    changed = False
    try:
        mode = os.stat(path, follow_symlinks=False).st_mode
    except FileNotFoundError:
        os.mkdir(path, 0o700)
    else:
        changed = not stat.S_ISDIR(mode) or mode & 0o700 != 0o700
        if not stat.S_ISDIR(mode):
            move_aside(path)
            os.mkdir(path, 0o700)
    # Also a new one: what is above may have a default ACL, acl(5).
    os.chmod(path, 0o700)
    return changed


def write(path: str, text: str) -> None:
    """Write a file of ours in the place of whatever is there.

    Raises:
        OSError: that cannot be.
    """
    new = f"{path}.{time.time_ns()}"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    if os.path.isdir(path) and not os.path.islink(path):
        move_aside(path)
    os.replace(new, path)


def move_aside(path: str) -> None:
    """Give something another name, so that there is room for ours.

    Raises:
        OSError: that cannot be.
    """
    os.rename(path, f"{path}.{time.time_ns()}")
