"""Host names, in the one form in which they are compared: ASCII, lower case, no last dot."""

from __future__ import annotations

import re

from gateway.refusal import Refusal

# RFC 1035 section 2.3.4. An underscore is no part of a host name, RFC 952, but of names that are in use.
_LONGEST = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What the C library's inet_aton(3) and the URL standard read as part of an address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def host_name(text: str) -> str:
    """Return a host name as it is compared.

    Raises:
        Refusal: it is an address, or no host name: RFC 1123 section 2.1; URL standard, "ends in a number".
    """
    name = text.lower().removesuffix(".") if text.isascii() else text
    if not name or len(name) > _LONGEST or not all(map(_LABEL.fullmatch, name.split("."))):
        raise Refusal("bad-request", f"{text[:_LONGEST]!r} is no host name")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise Refusal("bad-request", f"{name!r} is an address, and only names are allowed", address=name)
    return name


def host_and_port(text: str, usual: int | None = None) -> tuple[str, int]:
    """Return the two parts of an authority, RFC 3986 section 3.2.

    Args:
        text: ``name:port``, or ``name`` where there is a usual port.
        usual: the port where none is written.

    Raises:
        Refusal: it is anything else: user information, an address in brackets, a port that is none.
    """
    name, colon, digits = text.partition(":")
    if not colon and usual is not None:
        return host_name(name), usual
    if not re.fullmatch(r"[0-9]{1,5}", digits, re.ASCII) or not 0 < int(digits) < 1 << 16:
        raise Refusal("bad-request", f"{text[:_LONGEST]!r} is no name with a port")
    return host_name(name), int(digits)
