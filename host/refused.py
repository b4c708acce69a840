"""What gateways refused that are gone: a small file outside of all that the agent can write.

A gateway's container goes with its session, and its log with it. The folder is that of the user's state (XDG
base directories), not the checkout's, which may be another user's or read-only. What the file says was the
agent's choice once: it is read as such.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host import answers, folder_lock, journal
from host.journal import Refusal, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

# Bytes of a file that is read: MOST refusals have less.
LARGEST = 1 << 20
FILE = "refused.json"
# Seconds to wait for another session that writes: it takes milliseconds, or is stopped.
PATIENCE = 2.0


def folder(environ: Mapping[str, str], project: str) -> Path:
    """Return where the record of a project is.

    Args:
        environ: XDG_STATE_HOME, HOME.
        project: Compose's name of it.
    """
    home = environ.get("XDG_STATE_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "agentic-sandbox" / project


def read(place: Path) -> Tally:
    """Return what was refused before; nothing where there is no record, or one that is none."""
    tally = Tally()
    try:
        with (place / FILE).open("rb") as file:
            told = answers.parse(file.read(LARGEST))
    except (OSError, ValueError):
        return tally
    for entry in answers.entries(told, "refused")[: journal.MOST]:
        if (one := _refusal(entry)) is not None:
            tally.count(one)
    tally.others += journal.number(told.get("others")) if isinstance(told, dict) else 0
    return tally


def add(place: Path, refused: Tally) -> None:
    """Add what a gateway refused.

    Raises:
        OSError: it cannot be kept.
    """
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Another session of this project may write.
    with folder_lock.held(place, PATIENCE, lambda: time.sleep(0.05)):
        # The newest first: what is too much is what was refused long ago.
        both, before = Tally(), read(place)
        for one in sorted([*refused.newest(), *before.newest()], key=lambda one: -one.last):
            both.count(one)
        both.others += refused.others + before.others
        text = json.dumps({"refused": [one._asdict() for one in both.newest()], "others": both.others})
        with tempfile.NamedTemporaryFile("w", dir=place, encoding="ascii", delete=False) as file:
            file.write(f"{text}\n")
        Path(file.name).replace(place / FILE)


def _refusal(told: Any) -> Refusal | None:
    if not isinstance(told, dict) or told.get("reason") not in journal.REASONS:
        return None
    last = told.get("last")
    return Refusal(
        answers.text(told.get("host"))[:255], journal.number(told.get("port")), told["reason"],
        answers.text(told.get("way"))[:10], told.get("never") is True, journal.number(told.get("times")),
        float(last) if isinstance(last, (int, float)) and 0 <= last < 1 << 40 else 0.0,
    )  # fmt: skip
