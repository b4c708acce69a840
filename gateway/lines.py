"""A line of the list: what it allows, or what to write in its place."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import unquote

from gateway import names
from gateway.policy import HTTP, HTTPS, Entry
from gateway.refusal import Refusal
from init.errors import SandboxError

_FIX = "Write a name such as git.example.com, *.example.com for all below it, or mirror.example.com:8443."
_NAME_IT = (
    "Write the host's name. One that no name server knows goes under `extra_hosts:` of the service gateway,"
    " in compose.override.yml."
)
_SHOWN = 80
_TOP_LEVEL = re.compile(r"\*\.[^.:]*\.?(:.*)?")


def entry(text: str, source: str, *, private: bool = False, tls: bool = True) -> Entry:
    """Return what a line allows.

    Args:
        text: a name, or ``*.`` and one, with a port where it is not 443.
        source: where the user wrote it, for the entry.
        private: whether it may be at a private address.
        tls: whether only TLS passes.

    Raises:
        SandboxError: it is no such line, or allows more than anybody can mean; says what to write.
    """
    # Not the password of a URL.
    public = f"…@{text.rpartition('@')[2]}" if "@" in text else text
    shown = repr(public if len(public) <= _SHOWN else f"{public[:_SHOWN]}…")
    if text == "*" or _TOP_LEVEL.fullmatch(text):
        raise SandboxError(f"{shown} allows every name of a top-level domain, or of all", _FIX)
    try:
        name, port = _name(text)
    except Refusal as refusal:
        raise SandboxError(*_fault(text, shown)) from refusal
    if private and name.startswith("*"):
        raise SandboxError(f"{shown} is private, and stands for any name", "Name each private host.")
    return Entry(name, port, private, tls and port != HTTP, source)


def _name(text: str) -> tuple[str, int]:
    """Return the name or the wildcard of a line, and the port.

    Raises:
        Refusal: it has none.
    """
    below = text.removeprefix("*.")
    name, port = names.host_and_port(below, HTTPS)
    return name if below == text else f"*.{name}", port


def _fault(text: str, shown: str) -> tuple[str, str]:
    """Return what is wrong with a line that is none, and what to do."""
    if not text.strip():
        return "this is empty", _FIX
    host, port = _meant(text)
    if _is_address(host):
        return f"{shown} is an address, and only names are allowed", _NAME_IT
    if re.fullmatch(r"[+-]?[0-9]+", port) and not 0 < int(port[:9]) < 1 << 16:
        return f"{shown} has the port {port[:9]}, and ports are 1 to 65535", _FIX
    host = "*." + _ascii(host[2:]) if host.startswith("*.") else _ascii(host)
    instead = f"{host}:{port}" if port and port != str(HTTPS) else host
    try:
        _name(instead)
    except Refusal:
        return f"{shown} is no name of a host", _FIX
    quoted = f'"{instead}"' if instead.startswith("*") else instead
    return f"{shown} is no plain name of a host: write {quoted}", _FIX


def _meant(text: str) -> tuple[str, str]:
    """Return the host and the port of what people paste: a URL, git's short form, a wildcard of others."""
    scheme, found, rest = text.strip().rpartition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2].strip()
    if authority.startswith("[") or authority.count(":") > 1:
        return authority.strip("[]").partition("]")[0], ""
    host, _, port = authority.partition(":")
    # Not the port of ssh, which is not offered; git@host:path has none.
    port = "" if scheme == "ssh" or (not found and "@" in rest) else port.strip()
    port = port or (str(HTTP) if scheme.lower() == "http" else "")
    host = unquote(host).strip()
    return ("*." + host.lstrip("*.") if re.match(r"\*?\*?\.", host) else host), port


def _ascii(host: str) -> str:
    """Return a name in the form in which it travels, RFC 5891 section 4: nobody's eye tells ä from ä."""
    labels = unicodedata.normalize("NFKC", host).lower().replace("。", ".").split(".")
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}" for label in labels
    )


def _is_address(host: str) -> bool:
    """Tell whether it is an address, in any form that a program may read as one."""
    try:
        ipaddress.ip_network(host.partition("%")[0], strict=False)
    except ValueError:
        pass
    else:
        return True
    try:
        names.host_name(host)
    except Refusal as refusal:
        return "is an address" in refusal.text
    return False
