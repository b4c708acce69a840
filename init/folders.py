"""Folders of the agent's, which it may have locked or put something else in the place of."""

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


def own(path: str) -> None:
    """Have a folder of ours, closed to others; what is in its place, or a link, is moved aside.

    Raises:
        OSError: there can be none.
    """
    try:
        is_folder = stat.S_ISDIR(os.stat(path, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        os.mkdir(path, 0o700)
        return
    if is_folder:
        os.chmod(path, 0o700)
        return
    os.rename(path, f"{path}.{time.time_ns()}")
    os.mkdir(path, 0o700)
