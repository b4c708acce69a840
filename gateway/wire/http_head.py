"""The head of an HTTP/1 message, RFC 9112: what two parsers may read in two ways is refused."""

from __future__ import annotations

import re

from gateway.refusal import Refusal
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

# Bytes of a head, and fields in it: what tools and servers send is a tenth of it.
MOST_BYTES, _MOST_FIELDS = 32 << 10, 100
END = b"\r\n\r\n"

# RFC 9110 section 5.6.2; RFC 9112 sections 3 and 4. A value: visible characters, space and tab.
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]+) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)

# RFC 9110 section 7.6.1: of one connection, not of the message.
HOP_BY_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
))  # fmt: skip


class Fields(Record):
    """The fields of a head, in their order; names in lower case."""

    items: tuple[tuple[str, str], ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of a name."""
        return tuple(value for known, value in self.items if known == name)

    def without(self, names: Container[str]) -> Fields:
        """Return these without some names, and without what is of one connection only."""
        nominated = {part.strip().lower() for value in self.all("connection") for part in value.split(",")}
        return Fields(
            tuple(
                (name, value)
                for name, value in self.items
                if name not in HOP_BY_HOP and name not in nominated and name not in names
            )
        )

    def only(self, names: Container[str]) -> Fields:
        """Return these names alone."""
        return Fields(tuple(item for item in self.without(()).items if item[0] in names))


class Request(Record):
    """A request's head: method and target as they were sent; minor is the 1 of HTTP/1.1."""

    method: str
    target: str
    minor: int
    fields: Fields


class Answer(Record):
    """An answer's head."""

    status: int
    phrase: str
    minor: int
    fields: Fields


def request(head: bytes) -> Request:
    """Read a request's head, with the empty line that ends it.

    Raises:
        Refusal: it is not exactly one.
    """
    first, fields = _split(head)
    match = _REQUEST.fullmatch(first)
    if match is None:
        raise Refusal("bad-request", "this is no request of HTTP/1")
    return Request(match[1].decode(), match[2].decode(), int(match[3]), fields)


def answer(head: bytes) -> Answer:
    """Read an answer's head, with the empty line that ends it.

    Raises:
        Refusal: it is not exactly one.
    """
    try:
        first, fields = _split(head)
    except Refusal as refusal:
        raise Refusal("bad-answer", f"the server's answer: {refusal.text}") from refusal
    match = _STATUS.fullmatch(first)
    if match is None:
        raise Refusal("bad-answer", "the server's answer is none of HTTP/1")
    return Answer(int(match[2]), (match[3] or b"").decode("latin-1"), int(match[1]), fields)


def length(fields: Fields, minor: int) -> int | None:
    """Return how many bytes of body a request has, None where it is chunked. RFC 9112 section 6.3.

    Raises:
        Refusal: two readers could take it for two lengths.
    """
    lengths, codings = fields.all("content-length"), fields.all("transfer-encoding")
    if codings:
        if lengths or minor == 0 or len(codings) > 1 or codings[0].lower() != "chunked":
            raise Refusal(
                "bad-request", "the body's length is said in more than one way, or in one unknown here"
            )
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refusal("bad-request", "the body's length is no number, or said more than once")
    return int(lengths[0])


def written(first: str, fields: Fields) -> bytes:
    """Return a head as it is sent."""
    lines = [first, *(f"{name}: {value}" for name, value in fields.items), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _split(head: bytes) -> tuple[bytes, Fields]:
    if len(head) > MOST_BYTES:
        raise Refusal("too-large", f"a head of more than {MOST_BYTES >> 10} KiB")
    first, *lines = head.removesuffix(END).split(b"\r\n")
    if not head.endswith(END) or len(lines) > _MOST_FIELDS:
        raise Refusal("too-large", "the head does not end, or has too many fields")
    return first, Fields(tuple(map(_field, lines)))


def _field(line: bytes) -> tuple[str, str]:
    # A line that begins with a space goes on with the one before, for some: RFC 9112 section 5.2.
    name, colon, value = line.partition(b":")
    if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise Refusal("bad-request", "a line of the head is no field")
    return name.decode().lower(), value.strip(b" \t").decode("latin-1")
