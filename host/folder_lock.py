"""A folder that one process at a time works on: flock(2) on the folder itself, so that no file is left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def held(folder: Path, seconds: float, pause: Callable[[], None]) -> Iterator[None]:
    """Have nobody else hold it meanwhile.

    Where it cannot be locked (NFS wants what is locked opened for writing), or the time is over, two may do
    so.

    Args:
        folder: is there.
        seconds: the most to wait.
        pause: is called between two tries.

    Raises:
        OSError: the folder cannot be opened.
    """
    deadline = time.monotonic() + seconds
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while not _lock(opened) and time.monotonic() < deadline:
            pause()
        yield
    finally:
        os.close(opened)


def is_held(folder: Path) -> bool:
    """Tell whether somebody holds it; not where nobody can."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(opened)
    finally:
        os.close(opened)


def _lock(folder: int) -> bool:
    """Take the lock; tell whether there is nothing to wait for, since it is ours or cannot be had."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
