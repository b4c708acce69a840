"""The lines of a chunked body, RFC 9112 section 7.1. Extensions and trailers have no use here, and go."""

from __future__ import annotations

import re

from gateway.refusal import Refusal

# Bytes of a line that says how long the next chunk is, extensions included.
MOST_BYTES = 4096

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
LAST = b"0\r\n\r\n"


def size(line: bytes) -> int:
    """Return the bytes of the chunk that a line, with its end, announces; 0 ends the body.

    Raises:
        Refusal: it is no such line.
    """
    match = _SIZE.fullmatch(line)
    if match is None:
        raise Refusal("bad-request", "the body is not chunked as it says")
    return int(match[1], 16)


def written(data: bytes) -> bytes:
    """Return a chunk as it is sent; data is not empty: that would end the body."""
    return b"%x\r\n%s\r\n" % (len(data), data)
