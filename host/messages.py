"""Lines for the user. All go to stderr: stdout is the tool's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.errors import HostError


def say(line: str) -> None:
    """Tell something on the way."""
    sys.stderr.write(f"sandbox: {line}\n")
    sys.stderr.flush()


def tell(error: HostError) -> None:
    """Tell what is wrong and what to do."""
    say(f"error: {error.what}")
    sys.stderr.write("".join(f"  {line}\n" for line in error.todo))
    sys.stderr.flush()
