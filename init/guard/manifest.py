"""The manifest of a quarantine: what is kept in it, and where it was.

The agent can write there, so nothing that is read is believed: no path of it leads out of the workspace.
"""

from __future__ import annotations

import json
import re

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from init.guard.snapshot import Change

NAME = "manifest.json"
# Bytes, far above what 5,000 paths take, and a search finds no more.
MAX = 64 << 20
# Bytes of an entry beside its path, and some more.
_ENTRY = 256
_KEPT = re.compile(r"[0-9]+|\.quarantined-[0-9a-f]+")


class Kept(Record):
    """What is kept of one path: a line of the manifest.

    Attributes:
        path: where it was, and is put back when it is accepted.
        kept: its name now. One of digits is in the quarantine's folder, another at the top of the workspace.
        mode: its type and permissions.
        left: the digest of what was left in its place; empty if nothing was.
    """

    path: str
    kept: str
    mode: int
    left: str


def room(changes: Iterable[Change]) -> int:
    """Return how many bytes a manifest of these changes takes at most."""
    return sum(len(json.dumps(change.path)) + _ENTRY for change in changes)


def text(entries: Sequence[Kept]) -> bytes:
    """Return the file's content."""
    # JSON escapes what is no text in a path, and reads it again.
    return json.dumps([entry._asdict() for entry in entries], indent=1).encode()


def parse(data: bytes) -> list[Kept]:
    """Read the file's content.

    Raises:
        ValueError: it is none that we wrote.
    """
    try:
        entries = [Kept(**entry) for entry in json.loads(data)]
        if not all(map(_plausible, entries)):
            raise ValueError("a path leads out")  # noqa: TRY301 - told like any other fault
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{NAME} is none of ours: {error}") from error
    return entries


def _plausible(entry: Kept) -> bool:
    path, kept, mode, left = entry
    return (
        isinstance(path, str)
        and all(name not in ("", ".", "..") and "\0" not in name for name in path.split("/"))
        and isinstance(kept, str)
        and _KEPT.fullmatch(kept) is not None
        and isinstance(mode, int)
        and isinstance(left, str)
    )
