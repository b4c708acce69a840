"""A file of the user's replaced at once: who reads it has all of the old or of the new one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from host.errors import HostError

# For a file that was not there: the gateway reads it as another user.
MODE = 0o644


def replace(file: Path, text: str, before: str) -> str:
    """Replace what a file holds, and return what tells it from others: SHA-256.

    Args:
        file: its path; a link is followed, and what it leads to is replaced.
        text: what it is to hold.
        before: SHA-256 of what it has to hold until now, of nothing where it is missing.

    Raises:
        HostError: it holds something else by now, or cannot be replaced.
    """
    target, content = Path(os.path.realpath(file)), text.encode()
    try:
        if hashlib.sha256(_content(target)).hexdigest() != before:
            raise HostError(f"{file} is not changed: somebody else changes it right now.", "Try it again.")
        _replace(target, content)
    except OSError as error:
        raise HostError(
            f"{file} is not changed: {error.strerror}.", "May you write it, and its folder?"
        ) from error
    return hashlib.sha256(content).hexdigest()


def _content(target: Path) -> bytes:
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return b""


def _replace(target: Path, content: bytes) -> None:
    try:
        status = target.stat()
    except FileNotFoundError:
        status = target.parent.stat()
        mode = MODE
    else:
        mode = stat.S_IMODE(status.st_mode)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as made:
            made.write(content)
            made.flush()
            new = os.fstat(descriptor)
            if (status.st_uid, status.st_gid) != (new.st_uid, new.st_gid):
                os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
