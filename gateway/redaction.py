"""A key that comes back in an answer: some servers write the request's headers into their errors."""

from __future__ import annotations

import base64
import html
import json
import re
import string
import urllib.parse

_ALNUM = frozenset(string.ascii_letters + string.digits)
# RFC 3986 section 2.3.
_UNRESERVED = _ALNUM | set("-._~")
# Characters of another form: a shorter one stands in answers that hold no key.
_SHORTEST = 8
# RFC 4648 section 5.
_FOR_URLS = str.maketrans("+/", "-_")


class Redaction:
    """Replaces a key in a stream of bytes, however the stream is cut. The length stays.

    Only an end that may be the begin of a key is held back, so that what else a server sends goes on at once.

    Args:
        key: the secret, "" for none.
    """

    def __init__(self, key: str) -> None:
        forms = {form.encode() for form in _forms(key)} if key else set()
        # The longest first: one may hold another.
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms))) if forms else None
        self._begins = frozenset(form[:length] for form in forms for length in range(1, len(form)))
        self._longest = max(map(len, forms), default=0)
        self._held = b""

    @property
    def has_key(self) -> bool:
        """Whether there is anything to look for."""
        return self._pattern is not None

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on of what came so far."""
        if self._pattern is None:
            return data
        text = self._hide(self._held + data)
        cut = len(text) - self._length_of_begin(text)
        self._held = text[cut:]
        return text[:cut]

    def end(self) -> bytes:
        """Return what was held back."""
        held, self._held = self._held, b""
        return held

    def whole(self, text: str) -> str:
        """Return a text without the key."""
        return self._hide(text.encode("latin-1", "replace")).decode("latin-1") if self._pattern else text

    def _hide(self, data: bytes) -> bytes:
        return self._pattern.sub(lambda match: b"*" * len(match[0]), data) if self._pattern else data

    def _length_of_begin(self, text: bytes) -> int:
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            if text[-length:] in self._begins:
                return length
        return 0


def _forms(key: str) -> set[str]:
    """Return how an answer may write a key: as it is, in JSON, a URL, HTML, base64, hexadecimal."""
    in_json, in_url = json.dumps(key)[1:-1], urllib.parse.quote(key, safe="")
    forms = {key, in_json, in_json.replace("/", "\\/"), in_url, urllib.parse.quote(key), html.escape(key)}
    # Some writers escape what they need not, and some in lower case.
    for plain in (_ALNUM, _UNRESERVED):
        for code in ("\\u{:04x}", "\\u{:04X}", "&#x{:x};", "&#x{:X};", "&#{};"):
            forms.add("".join(one if one in plain else code.format(ord(one)) for one in key))
    forms.add(re.sub("%..", lambda match: match[0].lower(), in_url))
    forms |= {key.encode().hex(), key.encode().hex().upper()}
    forms |= {form.translate(_FOR_URLS) for form in _in_base64(key)} | _in_base64(key)
    return {form for form in forms if form == key or len(form) >= _SHORTEST}


def _in_base64(key: str) -> set[str]:
    """Return the characters that are the key's alone, whatever stands before and behind it."""
    found = set()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + key.encode()).decode().rstrip("=")
        bits = 8 * (before + len(key))
        # The first has bits of what stands before, and the last may have some of what comes behind.
        found.add(text[-(-8 * before // 6) : bits // 6])
    return found - {""}
