"""What other programs answer, as JSON."""

from __future__ import annotations

import json
from typing import Any


def parse(text: str | bytes) -> Any:  # whoever reads it looks at what it is
    """Return what a JSON text says.

    Raises:
        ValueError: it is none, or is nested too deeply to be read.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def text(told: object) -> str:
    """Return a text, or a number as one; empty for anything else."""
    return str(told) if isinstance(told, (str, int, float)) else ""


def entries(told: object, name: str) -> list[Any]:
    """Return the list that an object has under a name; none where it has no such list."""
    found = told.get(name) if isinstance(told, dict) else None
    return found if isinstance(found, list) else []
