"""The lists of hosts that go by a name, as the image's build wrote them: scripts/build/profiles.py."""

from __future__ import annotations

from pathlib import Path

from init.errors import SandboxError
from init.formats import yaml_text
from init.formats.entries import Entries
from init.record import Record

FILE = Path("/opt/sandbox/profiles.json")
_FIX = "Build the image anew, or write the hosts under `allow:`."


class Profile(Record):
    """One list.

    Attributes:
        lines: as under `allow:` in config/egress.yml, each with its place.
        lacks: what the build could not learn, "" where that is nothing.
    """

    lines: tuple[tuple[str, str | Entries], ...]
    lacks: str


def read(file: Path = FILE) -> dict[str, Profile]:
    """Return the profiles by name.

    Raises:
        SandboxError: the image has none, or they are broken.
    """
    try:
        # JSON is YAML, and as text it is what egress.yml holds.
        entries = Entries(yaml_text.parse(file.read_text(encoding="utf-8")), str(file))
        return {name: _profile(entries.inner(name)) for name in entries.names()}
    except FileNotFoundError as error:
        raise SandboxError("this image, of an older version, has no profiles", _FIX) from error
    except (OSError, ValueError, SandboxError) as error:
        raise SandboxError(f"{file}, a file of the image, cannot be read: {error}", _FIX) from error


def _profile(entries: Entries) -> Profile:
    return Profile(tuple(entries.either("allow")), entries.text("lacks"))
