"""Why something does not pass, in the words of the journal and of the answer to the program that asked."""

from __future__ import annotations

import json


class Refusal(Exception):  # noqa: N818 - not a fault of the gateway's: its very work
    """A request that does not pass.

    Args:
        reason: one of REASONS, for the journal and for who counts.
        text: a sentence for a person.
        details: what else the answer tells, by name.
    """

    def __init__(self, reason: str, text: str, **details: object) -> None:
        super().__init__(text)
        self.reason, self.text, self.details = reason, text, details

    @property
    def status(self) -> int:
        """Return the HTTP status that goes with the reason, RFC 9110."""
        return REASONS[self.reason]

    @property
    def phrase(self) -> str:
        """Return the reason phrase: of an answer to CONNECT most programs show nothing else."""
        allowing = self.details.get("allow")
        return "Refused by the sandbox" + (f", the user can allow it: {allowing}" if allowing else "")


# Each reason, with its HTTP status.
REASONS = {
    "bad-request": 400,
    "not-allowed": 403,
    "private-address": 403,
    "endpoint": 403,
    "no-name": 403,
    "name-differs": 403,
    "not-tls": 403,
    "too-large": 431,
    "busy": 503,
    "unresolved": 502,
    "unreachable": 502,
    "tls": 502,
    "bad-answer": 502,
    "slow": 504,
    "server": 502,
}


def body(refusal: Refusal, host: str = "") -> bytes:
    """Return what a program that was refused reads: one object of JSON, with what to tell the user.

    Args:
        refusal: why.
        host: what was asked for, "" where that could not be read.
    """
    content = {
        "error": f"refused by the sandbox: {refusal.text}",
        "reason": refusal.reason,
        "host": host,
        "advice": _advice(refusal),
        **refusal.details,
    }
    return json.dumps(content).encode() + b"\n"


def allowing(host: str, port: int, *options: str) -> str:
    """Return the command by which the user allows a name.

    Args:
        host: in the form of names.host_name.
        port: the server's.
        options: of the command.
    """
    place = host if port == 443 else f"{host}:{port}"
    return " ".join(("./start.sh egress allow", *options, place))


def _advice(refusal: Refusal) -> str:
    allowing = refusal.details.get("allow")
    if allowing:
        return f"Do not try again. Tell the user, who can allow it: {allowing}"
    if refusal.status == 403 or refusal.reason == "bad-request":
        return "Do not try again, and no other way: nothing can allow it. docs/egress.md says what passes."
    return "Tell the user, if it lasts. docs/egress.md says what passes."
