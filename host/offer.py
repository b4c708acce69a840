"""A session that runs in this folder while nobody is there: the next start says so, and offers it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from host import remains
from host.messages import printable, say
from host.options.start import Start

if TYPE_CHECKING:
    from host.control import Place
    from host.roster import Known


def made(place: Place, start: Start, *, at_terminal: bool) -> Known | None:
    """Return the session to come back to, if the user takes it.

    Raises:
        Interrupted: somebody asked for the end.
    """
    alone = unattended(place)
    if not alone:
        return None
    # Who asks for something of his own means a new one.
    if not at_terminal or replace(start, build=True, build_options=(), bootstrap=False) != Start():
        for one in alone:
            say(f"{described(one)}: ./start.sh attach {one.name}")
        return None
    for one in alone:
        say(described(one))
    return _ask(place, alone)


def unattended(place: Place) -> list[Known]:
    """Return the sessions on this very folder that run while nobody is there, the newest first."""
    folder = place.configuration.workspace
    here = str(folder.resolve()) if folder else ""
    return [
        one for one in place.running()
        if one.workspace == here and not remains.is_attended(place.state, one.session)
    ]  # fmt: skip


def described(one: Known) -> str:
    """Return what is said of one."""
    since = f" since {one.since.astimezone():%H:%M}" if one.since else ""
    return f"{one.name} ({printable(one.runs_what)}) runs in this folder{since}, and nobody is attached"


def _ask(place: Place, alone: list[Known]) -> Known | None:
    """Ask until the answer is one; the end of the input starts a new session."""
    more = ", or one of these names" if len(alone) > 1 else ""
    while True:
        sys.stderr.write(f"Enter comes back to {alone[0].name}, n starts a new session{more}: ")
        sys.stderr.flush()
        line = place.supervisor.read_line()
        answer = line.decode(errors="replace").strip()
        if not line or answer in ("n", "N"):
            return None
        chosen = [one for one in alone if answer == one.name] if answer else alone[:1]
        if chosen:
            return chosen[0]
