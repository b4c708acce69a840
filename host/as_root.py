"""A container of the image that works on folders as root: what is in a copy may have any owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Of root in a container that works on a copy.
RIGHTS = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD")


def command(image: str, mounts: Iterable[str], *words: str) -> list[str]:
    """Return the command line that works on some folders as root of a container, which has nothing else.

    Args:
        image: the sandbox's.
        mounts: as `docker run --mount` has them.
        words: the program and its arguments.
    """
    rights = ("--cap-drop=ALL", *(f"--cap-add={name}" for name in RIGHTS))
    places = (word for mount in mounts for word in ("--mount", mount))
    closed = ("--init", "--network=none", "--read-only", "--security-opt=no-new-privileges", *rights)
    program = (f"--entrypoint={words[0]}", image, *words[1:])
    return ["docker", "run", "--rm", *closed, "--user=0:0", *places, *program]


def bound(source: Path, target: str, *more: str) -> str:
    """Return a bind mount as `docker run --mount` takes it: a line of comma-separated values."""
    quoted = str(source).replace('"', '""')
    return ",".join(("type=bind", f'"source={quoted}"', f"target={target}", *more))
