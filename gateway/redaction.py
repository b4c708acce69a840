"""A key that comes back in an answer: some servers write the request's headers into their errors."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse


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
    """Return how an answer may write a key: as it is, in JSON, in a URL, in base64."""
    escaped = json.dumps(key)[1:-1]
    return {
        key, escaped, escaped.replace("/", "\\/"), urllib.parse.quote(key, safe=""), urllib.parse.quote(key),
        base64.b64encode(key.encode()).decode().rstrip("="),
    }  # fmt: skip
