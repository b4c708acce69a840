"""Who is at a session: each process that is holds a lock, flock(2), which goes with it however it ends.

The file is in the folder of the user's state, one for a session, by what its start is called. The engine does
not tell who is attached. A start holds it from before it has anything made, so that what it has made is
nobody's once it is free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Below the folder of the project's state: host/refused.py.
FOLDER = "sessions"


def is_held(place: Path, name: str) -> bool | None:
    """Tell whether somebody is at a session.

    Args:
        place: the folder of the project's state.
        name: the session's, as its start is called.

    Returns:
        None where nobody can tell: there is no file, which may be another user's, or no lock can be had.
    """
    try:
        opened = os.open(place / FOLDER / name, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(opened)


def is_any_held(place: Path) -> bool:
    """Tell whether somebody is at any session, or may be."""
    try:
        names = os.listdir(place / FOLDER)  # noqa: PTH208 - names are wanted
    except OSError:
        return False
    return any(is_held(place, name) is not False for name in names)


@contextlib.contextmanager
def held(place: Path, name: str, stays: Callable[[], bool]) -> Iterator[None]:
    """Be at a session. A client of ours is not: killed, we leave one that nobody looks at.

    Args:
        place: the folder of the project's state.
        name: the session's, as its start is called.
        stays: whether the session runs on without us, and so the file stays.
    """
    opened = _open(place, name)
    try:
        yield
    finally:
        if opened is not None:
            os.close(opened)
        if not stays():
            forget(place, name)


def forget(place: Path, name: str) -> None:
    """Take the file of a session away that is gone, unless another of that name has begun."""
    if is_held(place, name) is False:
        with contextlib.suppress(OSError):
            (place / FOLDER / name).unlink()


def _open(place: Path, name: str) -> int | None:
    """Open the file, and hold it with all others that do; None where that cannot be."""
    file = place / FOLDER / name
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # Who holds it alone does so for a moment.
                fcntl.flock(opened, fcntl.LOCK_SH)
                if _is(file, opened):
                    return opened
            except OSError:
                os.close(opened)
                return None
            os.close(opened)
    except OSError:
        return None


def _is(file: Path, opened: int) -> bool:
    """Tell whether it is still the file of that name: who forgets a session takes it away."""
    try:
        return os.path.samestat(file.stat(), os.fstat(opened))
    except FileNotFoundError:
        return False
