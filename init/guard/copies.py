"""Copies of files and links, made so that a name has either its old content or all of the new one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat

from init.guard.snapshot import content

# Bytes of a file that is copied; what is larger only gets another name.
MAX_COPY = 64 << 20

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def copy(source: int, name: str, target: int, new: str, mode: int | None = None) -> None:
    """Copy a file or a link.

    Raises:
        OSError: it is neither, or too large, or cannot be read or written.
    """
    data = content(source, name, MAX_COPY)
    if data is None:
        raise OSError("is no file that can be copied")
    own = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
    write(target, new, data, own if stat.S_ISLNK(own) or mode is None else stat.S_IFREG | stat.S_IMODE(mode))


def write(folder: int, name: str, data: bytes, mode: int) -> None:
    """Write a file or a link and move it into its place, so that no hard link of the old one changes."""
    new = prepare(folder, data, mode)
    try:
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(new, dir_fd=folder)
        raise


def prepare(folder: int, data: bytes, mode: int) -> str:
    """Write a file or a link under a name that nothing runs, and return the name."""
    new = f".quarantined-{os.urandom(8).hex()}"
    try:
        if stat.S_ISLNK(mode):
            os.symlink(data, new, dir_fd=folder)
        else:
            with os.fdopen(os.open(new, _NEW, 0o600, dir_fd=folder), "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode & 0o777)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        raise
    return new


def digest(folder: int, name: str) -> str:
    """Return what tells a content from others; empty if nothing is there."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return ""
    data = content(folder, name, MAX_COPY)
    # What cannot be read is equal to nothing.
    return f"{stat.S_IFMT(mode):o}:{os.urandom(8).hex()}" if data is None else digest_of(data, mode)


def digest_of(data: bytes, mode: int) -> str:
    """Return what tells a content of a kind from others."""
    return f"{stat.S_IFMT(mode):o}:{hashlib.sha256(data).hexdigest()}"
