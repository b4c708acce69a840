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

# Lines in a span of so many seconds.
_MOST, _SPAN = 500, 10.0


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
        self._until, self._left, self._dropped = 0.0, _MOST, 0
        self.refused = 0

    def write(self, kind: str, decision: str, **facts: object) -> None:
        """Write a line.

        Args:
            kind: of the socket, or "policy".
            decision: "allow", "deny" or "error".
            facts: what else there is to say; what is None or "" is left out.
        """
        now = self._clock()
        self.refused += decision == "deny"
        if now >= self._until:
            self._begin(now)
        # What is said of the list was asked for by the user, and no session can have it said often.
        if kind != "policy":
            if self._left == 0:
                self._dropped += 1
                return
            self._left -= 1
        self._line({"kind": kind, "decision": decision, **facts})

    def _begin(self, now: float) -> None:
        dropped, self._dropped = self._dropped, 0
        self._until, self._left = now + _SPAN, _MOST
        if dropped:
            self._line({"kind": "journal", "decision": "error", "reason": "too-many", "dropped": dropped})

    def _line(self, facts: dict[str, object]) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        known = {name: value for name, value in facts.items() if value not in (None, "")}
        # Who does not read it, or has closed it, must not end the gateway.
        with contextlib.suppress(OSError, ValueError):
            print(json.dumps({"time": stamp, **known}), file=self._out, flush=True)
