"""What a session may reach, as the user wrote it: EGRESS, EGRESS_ALLOW, config/egress.yml.

A policy that cannot be read never means "all": the gateway does not start with it, or keeps the one in force.
"""

from __future__ import annotations

from pathlib import Path

from gateway import names, profiles
from gateway.policy import HTTP, HTTPS, Entry, Policy
from gateway.refusal import Refusal
from init.errors import SandboxError
from init.formats import yaml_text
from init.formats.entries import Entries, unreadable
from init.settings import EGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "config/egress.yml"
_MOST_ENTRIES = 10_000
_FIX = "Write a name such as git.example.com, *.example.com for all below it, or mirror.example.com:8443."


def read(variables: Mapping[str, str], directory: str, shipped: Path = profiles.FILE) -> Policy:
    """Return the policy.

    Args:
        variables: EGRESS and EGRESS_ALLOW, by name.
        directory: where egress.yml is; it may be missing.
        shipped: the file with the profiles, which is read where one is asked for.

    Raises:
        SandboxError: names a bad setting or line.
    """
    mode = variables.get("EGRESS") or "model"
    if mode not in EGRESS:
        raise SandboxError(f"EGRESS={mode!r} is not known", f"EGRESS is one of {', '.join(EGRESS)}.")
    short = (text.strip() for text in variables.get("EGRESS_ALLOW", "").split(","))
    entries = [entry(text, "EGRESS_ALLOW") for text in short if text]
    entries += _from_file(directory, shipped)
    if len(entries) > _MOST_ENTRIES:
        raise SandboxError(
            f"the list of what may be reached has {len(entries)} entries",
            f"Keep it to {_MOST_ENTRIES}; *.example.com allows all names below one.",
        )
    return Policy(mode, entries)


def entry(text: str, place: str, *, private: bool = False, tls: bool = True) -> Entry:
    """Return what one line allows.

    Args:
        text: a name, or ``*.`` and one, with a port where it is not 443.
        place: where the user wrote it.
        private: whether it may be at a private address.
        tls: whether only TLS passes.

    Raises:
        SandboxError: it is no such line, or allows more than anybody can mean.
    """
    wild = text.startswith("*.")
    try:
        name, port = names.host_and_port(text[2:] if wild else text, HTTPS)
    except Refusal as refusal:
        raise SandboxError(f"{place}: {refusal.text}", _FIX) from refusal
    if wild and "." not in name:
        raise SandboxError(f"{place}: {text!r} allows every name of a top-level domain", _FIX)
    if wild and private:
        raise SandboxError(
            f"{place}: {text!r} is private, and stands for any name", "Name each private host."
        )
    return Entry(f"*.{name}" if wild else name, port, private, tls and port != HTTP, place)


def _from_file(directory: str, shipped: Path) -> list[Entry]:
    try:
        content = yaml_text.parse((Path(directory) / "egress.yml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise unreadable(FILE, error) from error
    entries = Entries(content or {}, FILE)
    entries.names(("profiles", "allow"))
    # Who wrote a line of his own for a name means that one.
    listed = [_line(item, entries.place(place)) for place, item in entries.either("allow")]
    asked = entries.texts("profiles")
    known = profiles.read(shipped) if asked else {}
    for name in asked:
        listed += _of_profile(name, known)
    return listed


def _of_profile(name: str, known: Mapping[str, profiles.Profile]) -> list[Entry]:
    if name not in known:
        raise SandboxError(
            f"{FILE}, profiles: there is no profile {name!r}", f"There are {', '.join(known)}."
        )
    if not known[name].lines:
        raise SandboxError(
            f"{FILE}, profiles: {name} allows nothing, for {known[name].lacks}",
            "Write the hosts under `allow:`.",
        )
    return [_line(item, f"profile {name}") for _, item in known[name].lines]


def _line(written: str | Entries, source: str) -> Entry:
    if isinstance(written, str):
        return entry(written, source)
    written.names(("host", "private", "tls"))
    if not written.text("host"):
        written.refuse("has no host", "Write `- {host: mirror.lan, private: true}`.")
    return entry(
        written.text("host"), source, private=written.truth("private", default=False),
        tls=written.truth("tls", default=True),
    )  # fmt: skip
