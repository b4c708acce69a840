"""Lines for the user. All go to stderr: stdout is the tool's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.errors import HostError


def say(line: str) -> None:
    """Tell something on the way."""
    _write(f"sandbox: {line}\n")


def tell(error: HostError) -> None:
    """Tell what is wrong and what to do."""
    say(f"error: {error.what}")
    _write("".join(f"  {line}\n" for line in error.todo))


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return lines with their cells one below the other; there is one row at least, as of headings."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "".join(f"{'  '.join(map(str.ljust, row, widths)).rstrip()}\n" for row in rows)


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # Nobody can be told: the exit code still tells it.
        give_up(2)


def give_up(descriptor: int) -> None:
    """Write no more to a stream that refuses it: the interpreter would try again, and end with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def printable(text: str) -> str:
    """Escape what is not printable: what others named must not steer the terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
