"""One line of JSON on stdout for each decision: for who wants to know.

No query, no header, no body: it would hold what the user works on. The engine bounds what it keeps, and a
hostile session must not push out what happened before, so only so many lines are written in a time.
"""

from __future__ import annotations

import contextlib
import json
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

# Lines in a span of so many seconds: of one session by its sockets, and of each by an address.
_MOST, _MOST_EACH, _SPAN = 500, 100, 10.0


class Journal:
    """Where decisions are written.

    Args:
        out: takes the lines.
        clock: of seconds that never goes back.

    Attributes:
        refused: how many attempts were.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._until = 0.0
        # Lines that were written in this span, and those that were not, by who had them written.
        self._written: dict[str, int] = {}
        self._dropped: dict[str, int] = {}
        self.refused = 0

    def write(self, kind: str, decision: str, source: str = "", **facts: object) -> None:
        """Write a line.

        Args:
            kind: of the socket, or "policy".
            decision: "allow", "deny" or "error".
            source: the address of who asked, "" where there is one session and no address.
            facts: what else there is to say; what is None or "" is left out.
        """
        now = self._clock()
        self.refused += decision == "deny"
        if now >= self._until:
            self._begin(now)
        # What is said of the list was asked for by the user, and no session can have it said often.
        if kind != "policy":
            written = self._written.get(source, 0)
            if written >= (_MOST_EACH if source else _MOST):
                self._dropped[source] = self._dropped.get(source, 0) + 1
                return
            self._written[source] = written + 1
        self._line({"kind": kind, "decision": decision, "from": source, **facts})

    def _begin(self, now: float) -> None:
        dropped, self._dropped = self._dropped, {}
        self._until, self._written = now + _SPAN, {}
        for source, count in dropped.items():
            told = {"kind": "journal", "decision": "error", "reason": "too-many", "dropped": count}
            self._line({**told, "from": source})

    def _line(self, facts: dict[str, object]) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        known = {name: value for name, value in facts.items() if value not in (None, "")}
        # Who does not read it, or has closed it, must not end the gateway.
        with contextlib.suppress(OSError, ValueError):
            print(json.dumps({"time": stamp, **known}), file=self._out, flush=True)
