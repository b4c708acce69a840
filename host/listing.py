"""What `start.sh egress` shows: for a person, and as JSON.

Names come from the agent, from a project and from files: none steers the terminal.
"""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from host import journal
from host.messages import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from host.journal import Refusal, Tally

MODES = {
    "open": "what this machine reaches",
    "model": "the model servers, and nothing else",
    "list": "the model servers, and what is on the list",
}
ALLOW = "./start.sh egress allow"
# Lines of a part; the rest is counted. A list may have 10,000.
MOST = 100
# Words of a command that takes a proposal over: more is for nobody to judge.
MOST_WORDS = 40


class Proposed(NamedTuple):
    """A project's list, as it was read.

    Attributes:
        place: below the workspace.
        problem: why it cannot be read, "" where it can.
        told: what it asks for.
    """

    place: str
    problem: str
    told: Mapping[str, Any]

    def commands(self) -> list[str]:
        """Return what takes over what is shown, and nothing that is written later."""
        entries = self.told.get("entries", ())
        groups: dict[str, list[str]] = {}
        for entry in entries[:MOST_WORDS]:
            no_tls = "" if entry["tls"] or entry["port"] == 80 else "--no-tls "
            options = ("--private " if entry["private"] else "") + no_tls
            groups.setdefault(options, []).append(address(entry))
        found = [
            f"{ALLOW} {options}{' '.join(map(shlex.quote, names))}"
            for options, names in groups.items()
            if names
        ]
        profiles = " ".join(f"--profile {shlex.quote(name)}" for name in self.told.get("profiles", ()))
        return [*found, f"{ALLOW} {profiles}"] if profiles else found


def as_data(
    told: Mapping[str, Any], refused: Tally, proposed: Sequence[Proposed], running: int
) -> dict[str, Any]:
    """Return what is known, for programs."""
    allowed = dict(enumerate(told["allowed"]))
    known = {name: value for name, value in told.items() if name != "allowed"}
    return {
        **known, "gateways": running,
        "refused": [
            {**_refusal(one), "allowed": allowed.get(index, "")} for index, one in enumerate(refused.newest())
        ],
        "refused_others": refused.others,
        "proposals": [
            {"place": one.place, "problem": one.problem, **one.told, "commands": one.commands()}
            for one in proposed
        ],
    }  # fmt: skip


def as_text(told: Mapping[str, Any], refused: Tally, proposed: Sequence[Proposed], running: int) -> str:
    """Return what is known, for a person; each part begins with its title."""
    mode = told["mode"]
    lines = [
        f"EGRESS={mode} ({told['set']}): a session reaches {MODES.get(mode, 'nothing: it is not known')}"
    ]
    if running:
        lines.append(
            f"{running} gateway{'s run' if running > 1 else ' runs'}: ./start.sh egress log --follow"
        )
    parts = [
        ("what is wrong", list(_problems(told))),
        ("model servers", _table(map(_server, told["servers"])) or ["  none"]),
        (_title(mode), _table(map(_entry, told["entries"])) or ["  nothing"]),
        ("refused", list(_refused(refused, told["allowed"])) or ["  nothing so far"]),
    ]
    for one in proposed:
        title = f"proposed by {one.place} in the workspace, and followed by nobody"
        parts.append((title, list(_proposed(one)) or ["  nothing"]))
    for title, part in parts:
        if part:
            lines += ["", title, *part]
    return "".join(f"{printable(line)}\n" for line in lines)


def address(entry: Mapping[str, Any]) -> str:
    """Return name and port of an entry, as it is written."""
    return str(entry["name"]) + (f":{entry['port']}" if entry["port"] != 443 else "")


def _title(mode: str) -> str:
    return "the list" if mode == "list" else f"the list, which has no effect with EGRESS={mode}"


def _problems(told: Mapping[str, Any]) -> Iterator[str]:
    for problem in told["problems"]:
        yield f"  {problem['what']}"
        yield f"      {problem['fix']}"


def _server(server: Mapping[str, Any]) -> tuple[str, str, str]:
    return server["name"], server["url"], "with a key" if server["has_key"] else "without a key"


def _entry(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    kind = "TLS" if entry["tls"] else "plain http" if entry["port"] == 80 else "any bytes"
    return address(entry), kind + (", at a private address, too" if entry["private"] else ""), entry["source"]


def _refused(refused: Tally, allowed: Sequence[str]) -> Iterator[str]:
    found, now = refused.newest(), dict(enumerate(allowed))
    for index, one in enumerate(found[:MOST]):
        yield f"  {one.place or 'no name'}: {one.why} ({one.times}x, last {journal.moment(one.last)})"
        if now.get(index):
            yield f"      allowed by now: {now[index]}"
        else:
            yield f"      {ALLOW} {one.command}" if one.command else "      nothing can allow it"
    left = len(found[MOST:])
    if left or refused.others:
        yield f"  and {left + refused.others} more, not told one by one"


def _proposed(one: Proposed) -> Iterator[str]:
    if one.problem:
        yield f"  it is not read: {one.problem}"
        return
    entries = one.told["entries"]
    yield from _table((name, kind, "") for name, kind, _ in map(_entry, entries[:MOST_WORDS]))
    yield from (f"  the profile {name}" for name in one.told["profiles"])
    yield from (f"  refused: {what}" for what in one.told["refused"][:MOST_WORDS])
    left = one.told["left"] + sum(len(part[MOST_WORDS:]) for part in (entries, one.told["refused"]))
    if left:
        yield f"  and {left} more, which are left out"
    if commands := one.commands():
        yield "  If that is what you want, this allows it:"
        yield from (f"      {command}" for command in commands)


def _table(rows: Iterator[tuple[str, str, str]]) -> list[str]:
    """Return lines with the columns one below the other."""
    found = list(rows)
    widths = [max((len(row[column]) for row in found), default=0) for column in (0, 1)]
    lines = [
        f"  {one:<{widths[0]}}  {two:<{widths[1]}}  {three}".rstrip() for one, two, three in found[:MOST]
    ]
    return [*lines, *([f"  and {len(found) - MOST} more"] if len(found) > MOST else [])]


def _refusal(one: Refusal) -> dict[str, Any]:
    last = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.last)) if one.last else ""
    return {
        "host": one.host, "port": one.port, "reason": one.reason, "count": one.times, "last": last,
        "why": one.why, "command": f"{ALLOW} {one.command}" if one.command else "",
    }  # fmt: skip
