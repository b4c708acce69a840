"""What a session may reach, as the user wrote it: EGRESS, EGRESS_ALLOW, config/egress.yml.

A policy that cannot be read never means "all": the gateway does not start with it, or keeps the one in force.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from gateway import lines, profiles
from gateway.policy import Entry, Policy
from init.errors import SandboxError
from init.formats import small_file, yaml_text
from init.formats.entries import Entries, is_missing, unreadable
from init.settings import EGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE, SHORT = "config/egress.yml", "EGRESS_ALLOW"
_MOST_ENTRIES = 10_000
# Of the file: as many entries, each of the longest name.
_MOST_BYTES = 4 << 20
# What YAML takes for a reference to something else, and what to do about it.
_BARE = re.compile(r"[-,:\[]\s+\*|\[\*")
_QUOTES = "Put a name that begins with * into quotes."
# Faults that are told at one time.
_MOST_TOLD = 10


def read(variables: Mapping[str, str], directory: str, shipped: Path = profiles.FILE) -> Policy:
    """Return the policy.

    Args:
        variables: EGRESS and EGRESS_ALLOW, by name.
        directory: where egress.yml is; it may be missing.
        shipped: the file with the profiles, which is read where one is asked for.

    Raises:
        SandboxError: names every bad line.
    """
    mode = variables.get("EGRESS") or "model"
    if mode not in EGRESS:
        raise SandboxError(f"EGRESS={mode!r} is not known", f"EGRESS is one of {', '.join(EGRESS)}.")
    faults = _Faults()
    listed, named = _from_file(directory, shipped, faults)
    for text in re.split(r"[\s,;]+", variables.get(SHORT, "")):
        with faults.at(SHORT):
            listed += [lines.entry(text, SHORT)] if text else []
    # The first of a name counts: who wrote it himself means that, and who wrote more about it, in the file.
    listed += named
    faults.tell()
    if len(listed) > _MOST_ENTRIES:
        raise SandboxError(
            f"the list of what may be reached has {len(listed)} entries",
            f"Keep it to {_MOST_ENTRIES}; *.example.com allows all names below one.",
        )
    return Policy(mode, listed)


class _Faults:
    """What is wrong, collected instead of stopping at the first fault."""

    def __init__(self) -> None:
        self._found: list[SandboxError] = []

    @contextlib.contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Keep the error that is raised meanwhile, with its place, if it has none."""
        try:
            yield
        except SandboxError as error:
            what = error.what if error.what.startswith(FILE) else f"{place}: {error.what}"
            self._found.append(SandboxError(what, error.fix))

    def tell(self) -> None:
        """Raise all of them as one.

        Raises:
            SandboxError: there is one.
        """
        if not self._found:
            return
        told, more = self._found[:_MOST_TOLD], len(self._found) - _MOST_TOLD
        whats = [*(error.what for error in told), *([f"and {more} more"] if more > 0 else [])]
        raise SandboxError("; ".join(whats), " ".join(dict.fromkeys(error.fix for error in told)))


def _from_file(directory: str, shipped: Path, faults: _Faults) -> tuple[list[Entry], list[Entry]]:
    """Return what the file's own lines allow, and what the profiles do that it names."""
    entries, own, named = _entries(directory), [], []
    with faults.at(FILE):
        entries.names(("profiles", "allow"))
    with faults.at(FILE):
        for place, item in entries.each("allow"):
            where = entries.place(place)
            with faults.at(where):
                own.append(_line(item, where.partition(", column")[0]))
    with faults.at(FILE):
        asked = entries.each("profiles")
        known = profiles.read(shipped) if asked else {}
        for place, item in asked:
            with faults.at(entries.place(place)):
                named += _of_profile(item, known)
    return own, named


def content(directory: str) -> bytes:
    """Return what the file holds.

    Raises:
        OSError: it is missing, or cannot be read.
    """
    return small_file.read(f"{directory}/egress.yml", _MOST_BYTES)


def _entries(directory: str) -> Entries:
    """Return what the file holds.

    Raises:
        SandboxError: it cannot be read.
    """
    text = ""
    try:
        text = content(directory).decode()
        parsed = yaml_text.parse(text)
    except (OSError, ValueError) as error:
        if is_missing(error):
            return Entries({}, FILE)
        told = unreadable(FILE, error)
        raise SandboxError(told.what, _QUOTES if _BARE.search(text) else told.fix) from error
    return Entries(parsed or {}, FILE, places=yaml_text.places(text))


def _of_profile(name: object, known: Mapping[str, profiles.Profile]) -> list[Entry]:
    if not isinstance(name, str) or name not in known:
        raise SandboxError(f"there is no profile {name!r:.80}", f"There are {', '.join(known)}.")
    if not known[name].lines:
        raise SandboxError(
            f"the profile {name} allows nothing: {known[name].lacks}", "Write the hosts under `allow:`."
        )
    return [_line(item, f"profile {name}") for _, item in known[name].lines]


def _line(written: object, source: str) -> Entry:
    if isinstance(written, str):
        return lines.entry(written, source)
    if not isinstance(written, Entries):
        raise SandboxError("this is no text", "Write a name, or `{host: mirror.lan, private: true}`.")
    written.names(("host", "private", "tls"))
    if not written.text("host"):
        written.refuse("has no host", "Write `- {host: mirror.lan, private: true}`.")
    return lines.entry(
        written.text("host"), source, private=written.truth("private", default=False),
        tls=written.truth("tls", default=True),
    )  # fmt: skip
