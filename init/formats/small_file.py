"""A file that the user wrote: a pipe is not waited for, and what has no end is not read."""

from __future__ import annotations

import errno
import os
import stat

# Bytes of a configuration file: instructions for a tool may be long.
MOST = 16 << 20
# What is mounted over a file to have an empty one.
_NULL = os.makedev(1, 3)


def text(path: str, most: int = MOST) -> str:
    """Return the text that a file holds; a line ends with a newline only, whatever it ends with there.

    Args:
        path: of the file; links are followed.
        most: bytes that it may have.

    Raises:
        OSError: see read().
        ValueError: it is no UTF-8 text, or the path holds a NUL character.
    """
    return read(path, most).decode().replace("\r\n", "\n").replace("\r", "\n")


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
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(status.st_mode) and not _is_null(status):
            raise OSError(errno.EINVAL, "it is no file", path)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 10} KiB", path)
    return content


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == _NULL
