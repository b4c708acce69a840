"""Files by which one folder of git names another: ``.git``, ``commondir`` and ``objects/info/alternates``.

Each is read as git reads it (setup.c, read_gitfile_gently and get_common_dir_noenv; odb.c, parse_alternates),
and as more lenient programs do (libgit2 drops all blanks at both ends). Where these differ, or it has a byte
that nobody's program writes, the file is odd: it may be there to be read in two ways, so it is told.
"""

from __future__ import annotations

import os

from init.guard.budget import MAX_PATH
from init.record import Record

_PREFIX = b"gitdir: "
# Git refuses a larger one.
_LARGEST = 1 << 20


class Pointer(Record):
    """What a file names.

    Attributes:
        targets: paths, relative to the file's folder: as git reads it, then as others do.
        odd: whether no program writes such a file.
    """

    targets: tuple[str, ...]
    odd: bool


def gitdir(data: bytes) -> Pointer:
    """Read a ``.git`` file."""
    text = data.rstrip(b"\r\n")
    lenient = text.partition(b"\0")[0].removeprefix(b"gitdir:").strip()
    if not text.startswith(_PREFIX):
        return Pointer((os.fsdecode(lenient),), odd=True)
    return _pointer(data, text[len(_PREFIX) :].partition(b"\0")[0], lenient)


def commondir(data: bytes) -> Pointer:
    """Read a ``commondir`` file."""
    strict = data.rstrip(b"\r\n").partition(b"\0")[0]
    return _pointer(data, strict, strict.strip())


def alternates(data: bytes) -> tuple[str, ...]:
    """Read ``objects/info/alternates``: folders of objects, relative to ``objects/``."""
    lines = data.partition(b"\0")[0].split(b"\n")
    # What is quoted is left quoted: no path of the workspace looks so, which makes it one that leads out.
    return tuple(os.fsdecode(line.rstrip(b"/")) for line in lines if line and not line.startswith(b"#"))


def _pointer(data: bytes, strict: bytes, lenient: bytes) -> Pointer:
    text = os.fsdecode(strict)
    # isprintable: no control character, and nothing that is not UTF-8.
    odd = (
        not strict
        or strict != lenient
        or b"\0" in data
        or not text.isprintable()
        or len(strict) >= MAX_PATH
        or len(data) > _LARGEST
    )
    return Pointer(tuple(dict.fromkeys((text, os.fsdecode(lenient)))), odd)
