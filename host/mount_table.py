"""What is mounted on this machine, proc_pid_mountinfo(5)."""

from __future__ import annotations

import re
from pathlib import Path

TABLE = Path("/proc/self/mountinfo")


def mounted_below(folder: Path, table: Path = TABLE) -> list[str]:
    """Return what is mounted below a folder: an overlay does not show it.

    Args:
        folder: without links.
        table: where it is read.
    """
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return []
    points = (_unescaped(line.split(" ")[4]) for line in lines if line.count(" ") > 4)
    return sorted({point for point in points if point.startswith(f"{folder}/")})


def _unescaped(field: str) -> str:
    """Return a path of the mount table: space, tab, newline and backslash are three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
