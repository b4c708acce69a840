"""A file that the user wrote: a pipe is not waited for, and what has no end is not read."""

from __future__ import annotations

import errno
import os
import stat


def read(path: str, most: int) -> bytes:
    """Return what a file holds.

    Args:
        path: of the file; links are followed.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read, is no file (EINVAL; EISDIR for a folder), or is larger (EFBIG).
        ValueError: the path holds a NUL character.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "it is no file", path)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 10} KiB", path)
    return content
