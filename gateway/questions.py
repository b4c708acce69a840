"""What start.sh asks of the gateway's program: a question is its argument, JSON its input and its answer.

So the list is read and changed by the one program that decides by it, and start.sh needs no reader of YAML.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

from gateway import amendment, lines, names, policy_file, profiles
from gateway.policy import HTTPS
from gateway.refusal import Refusal
from init import log
from init.errors import EX_CONFIG, SandboxError
from init.formats import yaml_text
from init.model import configuration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gateway.policy import Entry, Policy
    from init.model.servers import Places

# Entries of a proposal that are read: more is for nobody to judge.
_MOST_PROPOSED = 200


def answer(question: str, places: Places) -> int:
    """Answer a question on stdout; return the exit code.

    Args:
        question: one of QUESTIONS.
        places: where the files are.
    """
    try:
        told = QUESTIONS[question](json.load(sys.stdin), places)
    except SandboxError as error:
        print(json.dumps({"error": _problem(error)}))  # noqa: T201 - the answer
        return EX_CONFIG
    print(json.dumps(told))  # noqa: T201 - the answer
    return 0


def show(asked: Any, places: Places) -> dict[str, Any]:
    """Return what a session may reach, and what is wrong with how that was written.

    Args:
        asked: {"refused": [{"host", "port", "reason", "way"}]}: whether the list allows it by now is told.
        places: where the files are.
    """
    told: dict[str, Any] = {"mode": os.environ.get("EGRESS") or "model", "problems": []}
    warnings: list[str] = []
    try:
        described = configuration.read(os.environ, lambda what, _fix: warnings.append(what), places)
        told["servers"] = [
            {"name": server.name, "url": server.url, "has_key": bool(server.key)}
            for server in described.servers
        ]
    except SandboxError as error:
        told["problems"].append(_problem(error))
    try:
        policy = policy_file.read(os.environ, places.config)
        told["entries"] = [_shown(one) for one in policy.entries]
        told["allowed"] = [_allowed(policy, one) for one in asked.get("refused", ())]
    except SandboxError as error:
        told["problems"].append(_problem(error))
    return {"servers": [], "entries": [], "allowed": [], **told}


def amend(asked: Any, places: Places) -> dict[str, Any]:
    """Return the text of egress.yml with what was asked for, and what is told of each name.

    Args:
        asked: {"allow" or "deny": names, "profiles": names, "private", "tls": of what is allowed}.
        places: where the file is.

    Raises:
        SandboxError: a name may not be allowed, or the file is not as it is expected to be.
    """
    # What is wrong in it now is told first.
    policy = policy_file.read(os.environ, places.config)
    text = before = _text(places)
    notes: list[str] = []
    for name in asked.get("profiles", ()):
        text = _with_profile(text, name, notes, wanted="allow" in asked)
    for name in asked.get("allow", ()):
        entry = lines.entry(name, "", private=asked["private"], tls=asked["tls"])
        text = _allow(text, entry, notes)
    denied = [lines.entry(name, "") for name in asked.get("deny", ())]
    for entry in denied:
        text = _deny(text, entry, _others(policy, entry, denied), notes)
    return {"before": digest(places), "text": None if text == before else text, "notes": notes}


def proposal(asked: Any, _places: Places) -> dict[str, Any]:
    """Return what a project's own list asks for: it is anybody's, and nothing follows it.

    Args:
        asked: {"text": of the file}.

    Raises:
        SandboxError: it is no list.
    """
    try:
        content = yaml_text.parse(asked["text"])
    except ValueError as error:
        raise SandboxError(f"it is not valid: {error}", "") from error
    if not isinstance(content, dict):
        raise SandboxError("it is no mapping", "")
    listed, named = content.get("allow") or [], content.get("profiles") or []
    if not isinstance(listed, list) or not isinstance(named, list):
        raise SandboxError("allow or profiles is no list", "")
    entries, refused = [], []
    for item in listed[:_MOST_PROPOSED]:
        try:
            entries.append(_of(item))
        except SandboxError as error:
            refused.append(error.what)
    shipped = profiles.read() if named else {}
    known = [name for name in named[:_MOST_PROPOSED] if isinstance(name, str) and name in shipped]
    refused += [
        f"there is no profile {str(name)[:100]!r}" for name in named[:_MOST_PROPOSED] if name not in known
    ]
    left = max(0, len(listed) - _MOST_PROPOSED) + max(0, len(named) - _MOST_PROPOSED)
    return {"entries": [_shown(one) for one in entries], "profiles": known, "refused": refused, "left": left}


def digest(places: Places) -> str:
    """Return what tells one list from another: SHA-256 of the file, of nothing where there is none."""
    try:
        content = policy_file.content(places.config)
    except OSError:
        content = b""
    return hashlib.sha256(content).hexdigest()


QUESTIONS: dict[str, Callable[[Any, Places], dict[str, Any]]] = {
    "--show": show,
    "--amend": amend,
    "--proposal": proposal,
}


def _allowed(policy: Policy, refused: Mapping[str, Any]) -> str:
    """Return what allows by now what was refused, "" for nothing."""
    try:
        host = names.host_name(refused["host"])
        entry = policy.decide(host, refused["port"], "http" if refused["way"] else "connect")
    except Refusal:
        return ""
    if refused["reason"] == "private-address" and not entry.private:
        return ""
    return entry.source


def _with_profile(text: str, name: str, notes: list[str], *, wanted: bool) -> str:
    there, known = amendment.found(text, amendment.PROFILES), profiles.read()
    if name not in known:
        raise SandboxError(f"there is no profile {name!r}", f"There are {', '.join(known)}.")
    if wanted and not known[name].lines:
        raise SandboxError(f"the profile {name} allows nothing, for {known[name].lacks}", "Name the hosts.")
    if wanted == (name in there):
        notes.append(f"the profile {name} is {'there already' if wanted else 'not in the list'}")
        return text
    if wanted:
        notes.append(f"allowed: the profile {name}")
        return amendment.added(text, amendment.PROFILES, name)
    notes.append(f"no longer allowed: the profile {name}")
    return amendment.removed(text, amendment.PROFILES, there.index(name))


def _allow(text: str, entry: Entry, notes: list[str]) -> str:
    written = amendment.written(entry)
    same = _places_of(text, entry)
    there = amendment.found(text, amendment.ALLOW)
    if any(amendment.written(_of(there[index])) == written for index in same):
        notes.append(f"{written} is there already")
        return text
    # Of two entries for one name and port the first counts.
    for index in reversed(same):
        text = amendment.removed(text, amendment.ALLOW, index)
    text = amendment.added(text, amendment.ALLOW, written)
    line = amendment.lines(text, amendment.ALLOW)[-1]
    notes.append(f"{'changed' if same else 'allowed'}: {written} ({policy_file.FILE}, line {line})")
    return text


def _others(policy: Policy, entry: Entry, denied: list[Entry]) -> list[str]:
    """Return what goes on to allow a name that is taken out of the file: another source, or a wildcard."""
    found = []
    for one in policy.entries:
        goes = one.source.startswith(policy_file.FILE) and any(_is_same(one, other) for other in denied)
        covers = one.name.startswith("*.") and entry.name.endswith(one.name[1:]) and one.port == entry.port
        if not goes and (covers or _is_same(one, entry)):
            found.append(f"{_address(one)} ({one.source})" if covers else one.source)
    return list(dict.fromkeys(found))


def _deny(text: str, entry: Entry, others: list[str], notes: list[str]) -> str:
    name, there = _address(entry), _places_of(text, entry)
    for index in reversed(there):
        line = amendment.lines(text, amendment.ALLOW)[index]
        text = amendment.removed(text, amendment.ALLOW, index)
        notes.append(f"no longer allowed: {name} (was line {line})")
    if others:
        notes.append(f"{name} is still allowed by {', '.join(others)}: take it out there")
    elif not there:
        notes.append(f"{name} is not in {policy_file.FILE}, so there is nothing to take out")
    return text


def _places_of(text: str, entry: Entry) -> list[int]:
    items = amendment.found(text, amendment.ALLOW)
    return [index for index, item in enumerate(items) if _is_same(_of(item), entry)]


def _of(item: object) -> Entry:
    """Return what an item of a list allows, without its place.

    Raises:
        SandboxError: it is none.
    """
    if isinstance(item, str):
        return lines.entry(item, "")
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("host"), str)
        or not {*item} <= {"host", "private", "tls"}
    ):
        raise SandboxError(f"{str(item)[:100]} is no entry", "")
    flags = {name: str(item.get(name, "")).lower() in ("true", "yes", "on") for name in ("private", "tls")}
    return lines.entry(item["host"], "", private=flags["private"], tls=flags["tls"] or not item.get("tls"))


def _is_same(one: Entry, other: Entry) -> bool:
    return (one.name, one.port) == (other.name, other.port)


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "port": entry.port,
        "private": entry.private,
        "tls": entry.tls,
        "source": entry.source,
    }


def _address(entry: Entry) -> str:
    return entry.name if entry.port == HTTPS else f"{entry.name}:{entry.port}"


def _text(places: Places) -> str:
    """Return the list as it stands in the file, "" where there is none; read was it before."""
    try:
        return policy_file.content(places.config).decode()
    except (OSError, UnicodeDecodeError):
        return ""


def _problem(error: SandboxError) -> dict[str, str]:
    return {"what": log.printable(error.what), "fix": log.printable(error.fix)}
