"""What the gateway writes down, read on this machine: in plain words, and counted.

Names in it are the agent's choice: what is shown is printable and cut, and no more is kept than is read.
"""

from __future__ import annotations

import calendar
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from host import answers
from host.messages import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

# What the doctor asks for, to see it refused: a name that is nobody's, RFC 6761.
PROBE = "sandbox-doctor.invalid"
# Refusals that are told one by one; those beyond are counted.
MOST = 200
# Characters of a line.
LONGEST = 400
# Characters of a name that is none; RFC 1035 allows a name 253.
SHOWN = 60

_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,252}", re.ASCII)
# The URL standard, "ends in a number".
_ADDRESS = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)", re.ASCII | re.DOTALL)
_HTTP, _HTTPS = 80, 443

# What the sandbox decided against; all else failed on its way.
REASONS = {
    "not-allowed": "not on the list",
    "private-address": "it is at a private address",
    "name-differs": "TLS asked for another name than the proxy's request",
    "not-tls": "it is not TLS",
    "no-name": "TLS without a name",
    "endpoint": "no tool needs that of a model server",
    "address": "an address, and only names are allowed",
}
_FAILURES = {
    "unresolved": "the name has no address",
    "unreachable": "it cannot be reached",
    "server": "the model server cannot be reached",
    "bad-answer": "its answer is odd",
    "bad-request": "the request is odd",
    "too-large": "the request is too large",
    "slow": "nothing came in time",
    "busy": "too many connections at one time",
    "tls": "TLS fails",
    "client-left": "the program left",
    "ready": "the gateway is ready",
    "read": "the list was read",
    "not-read": "the list cannot be read; the one before holds",
    "too-many": "too much at one time to write it all down",
}


class Entry(NamedTuple):
    """One line of the gateway's.

    Attributes:
        time: of the event, seconds since 1970; 0 where it is not told.
        kind: of the socket: model, proxy, tls, dns; or policy, journal.
        decision: allow, deny or error.
        reason: why; "" where it passed.
        host: the name that was asked for, in lower case; "" where none could be read.
        port: 0 where none is told.
        way: "http" for plain HTTP.
        never: whether nothing could allow it.
        facts: all that was told.
    """

    time: float
    kind: str
    decision: str
    reason: str
    host: str
    port: int
    way: str
    never: bool
    facts: dict[str, Any]


class Refusal(NamedTuple):
    """What was refused, and how often.

    Attributes:
        host: the name that was asked for; "" for what names none.
        port: 443 where none is told.
        reason: one of REASONS.
        way: as in Entry.
        never: as in Entry.
        times: how often.
        last: when last, seconds since 1970.
    """

    host: str
    port: int
    reason: str
    way: str
    never: bool
    times: int
    last: float

    @property
    def place(self) -> str:
        """Return name and port, printable, as they are shown."""
        return shown(self.host) + (f":{self.port}" if self.port != _HTTPS else "")

    @property
    def why(self) -> str:
        """Return why it was refused."""
        return REASONS[self.reason] + (" that nothing may reach" if self.never else "")

    @property
    def command(self) -> str:
        """Return the words behind `./start.sh egress allow` that would allow it; "" where none would."""
        if self.never or not _NAME.fullmatch(self.host):
            return ""
        place = self.host if self.port == _HTTPS else f"{self.host}:{self.port}"
        if self.reason == "not-tls" or (self.way == "http" and self.port != _HTTP):
            return f"--no-tls {place}" if self.reason in ("not-allowed", "not-tls") else ""
        options = {"not-allowed": "", "private-address": "--private "}
        return f"{options[self.reason]}{place}" if self.reason in options else ""


class Tally:
    """Refusals of one kind counted as one, and no more of them than somebody reads.

    Attributes:
        others: how many were refused besides those that are told one by one.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], Refusal] = {}
        self.others = 0

    def add(self, lines: Iterable[bytes | str]) -> Tally:
        """Count what lines of the gateway's tell; return itself."""
        for line in lines:
            entry = parse(line)
            if entry is None:
                continue
            if entry.reason == "too-many":
                self.others += number(entry.facts.get("dropped"))
            elif entry.decision == "deny" and entry.reason in REASONS and entry.host != PROBE:
                self.count(
                    Refusal(
                        entry.host, entry.port or _HTTPS, entry.reason, entry.way, entry.never, 1, entry.time
                    )
                )
        return self

    def count(self, refusal: Refusal) -> None:
        """Count one refusal, or some of a kind."""
        key = refusal[:5]
        known = self._found.get(key)
        if known is not None:
            times, last = known.times + refusal.times, max(known.last, refusal.last)
            self._found[key] = refusal._replace(times=times, last=last)
        elif len(self._found) < MOST:
            self._found[key] = refusal
        else:
            self.others += refusal.times

    def merge(self, more: Tally) -> None:
        """Count what another has, too."""
        for refusal in more._found.values():
            self.count(refusal)
        self.others += more.others

    def __bool__(self) -> bool:
        """Tell whether anything was refused."""
        return bool(self._found or self.others)

    def newest(self) -> list[Refusal]:
        """Return what was refused, the newest first."""
        return sorted(self._found.values(), key=lambda one: -one.last)

    def hosts(self) -> list[str]:
        """Return the hosts that were refused, printable, in the order of their first refusal."""
        return list(dict.fromkeys(shown(one.host) for one in self._found.values() if one.host))


def parse(line: bytes | str) -> Entry | None:
    """Return what a line of the gateway's tells; None for one that is none."""
    try:
        told = answers.parse(line)
    except ValueError:
        return None
    if not isinstance(told, dict) or "decision" not in told:
        return None
    kind, decision, reason, host, way = (
        answers.text(told.get(name)) for name in ("kind", "decision", "reason", "host", "way")
    )
    host = host.lower().rstrip(".")
    if decision == "deny" and reason in ("bad-request", "not-allowed") and _ADDRESS.fullmatch(host) and host:
        reason = "address"
    return Entry(
        _seconds(answers.text(told.get("time"))), kind, decision, reason, host,
        number(told.get("port")), way, told.get("never") is True, told,
    )  # fmt: skip


def words(entry: Entry) -> str:
    """Return a line for a person."""
    decision = {"allow": "passed", "deny": "refused"}.get(entry.decision, "failed")
    if entry.decision == "deny" and entry.reason not in REASONS:
        decision = "failed"
    why = REASONS.get(entry.reason) or _FAILURES.get(entry.reason) or entry.reason
    if entry.kind in ("policy", "journal"):
        decision = ""
        why = "; ".join(
            (why, *(answers.text(entry.facts.get(name)) for name in ("text", "fix") if entry.facts.get(name)))
        )
    place = entry.host if len(entry.host) <= SHOWN or _NAME.fullmatch(entry.host) else shown(entry.host)
    place += f":{entry.port}" if entry.port else ""
    status = f"status {number(entry.facts['status'])}" if "status" in entry.facts else ""
    moved = "" if entry.decision != "allow" or "sent" not in entry.facts else (
        f"{size(entry.facts['sent'])} sent, {size(entry.facts.get('received'))} received"
    )  # fmt: skip
    source = f"from {shown(told)}" if (told := answers.text(entry.facts.get("from"))) else ""
    parts = ", ".join(part for part in (why, status, moved, source) if part)
    line = f"{moment(entry.time):<15} {decision:<7} {entry.kind:<6} {place}  {parts}"
    return printable(line.rstrip()[:LONGEST])


def moment(seconds: float) -> str:
    """Return a time of this machine's own zone."""
    return time.strftime("%d %b %H:%M:%S", time.localtime(seconds)) if seconds else "-"


def size(count: object) -> str:
    """Return a number of bytes, to be read."""
    amount = number(count)
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if amount >= 10**power:
            return f"{amount / 10**power:.1f} {unit}"
    return f"{amount} B"


def shown(name: str) -> str:
    """Return a name as it can be shown: whole where it is one, else escaped and cut."""
    if _NAME.fullmatch(name):
        return name
    text = printable(name[: SHOWN + 1])
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def number(told: object) -> int:
    """Return a number that is one, else 0."""
    return told if isinstance(told, int) and 0 <= told < 1 << 53 else 0


def _seconds(stamp: str) -> float:
    try:
        return float(calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return 0.0
