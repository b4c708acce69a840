"""The name that a TLS client asks for: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3."""

from __future__ import annotations

from gateway import names
from gateway.refusal import Refusal

# Bytes until the name must be known. With the keys of post-quantum exchanges a hello has 2 KiB.
MOST_BYTES = 32 << 10

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_RECORD_HEAD, _MESSAGE_HEAD, _MOST_IN_RECORD = 5, 4, 1 << 14


class More(Exception):  # noqa: N818 - not an error: what came so far is right
    """The hello goes on after the bytes that came so far."""


def server_name(data: bytes) -> str:
    """Return the host name that a ClientHello asks for.

    Args:
        data: the first bytes of a connection.

    Raises:
        More: they are the begin of a ClientHello.
        Refusal: they are none, or it names no host.
    """
    reader = _Reader(_message(data))
    reader.take(2 + 32)  # the version, and the random
    reader.block(1)  # the session, which is no more
    reader.block(2)  # the ciphers
    reader.block(1)  # the compressions
    if reader.is_empty():
        raise Refusal("no-name", "the TLS client names no host")
    found = None
    extensions = _Reader(reader.block(2))
    reader.must_be_empty()
    while not extensions.is_empty():
        kind, content = extensions.number(2), extensions.block(2)
        if kind == _SERVER_NAME:
            if found is not None:
                raise _odd()
            found = _host(content)
    if found is None:
        raise Refusal("no-name", "the TLS client names no host")
    return names.host_name(found)


def _message(data: bytes) -> bytes:
    """Return the body of the first handshake message, which may be cut into records."""
    # By a place in the bytes, which are not copied: a record may hold a single one, and there are 64 KiB.
    message, at = bytearray(), 0
    while True:
        head = data[at : at + _RECORD_HEAD]
        if head[:1] not in (b"", bytes([_HANDSHAKE])) or head[1:2] not in (b"", b"\x03"):
            raise Refusal("not-tls", "only TLS passes to this host")
        length = int.from_bytes(head[3:])
        is_whole = len(head) == _RECORD_HEAD
        if is_whole and not 0 < length <= _MOST_IN_RECORD:
            raise _odd()
        end = at + _RECORD_HEAD + length
        if is_whole:
            message += data[at + _RECORD_HEAD : end]
        if message[:1] not in (b"", bytes([_CLIENT_HELLO])):
            raise _odd()
        whole = _MESSAGE_HEAD + int.from_bytes(message[1:_MESSAGE_HEAD])
        if len(message) >= _MESSAGE_HEAD and whole > MOST_BYTES:
            raise Refusal("too-large", "the TLS client's hello is too long")
        if len(message) >= _MESSAGE_HEAD and len(message) >= whole:
            return bytes(message[_MESSAGE_HEAD:whole])
        if not is_whole or len(data) < end:
            raise More
        at = end


def _host(content: bytes) -> str:
    # One name: RFC 6066 allows no two of a type, and there is only this type.
    entries = _Reader(_Reader(content).only_block(2))
    if entries.number(1) != _HOST_NAME:
        raise _odd()
    name = entries.only_block(2)
    if not name.isascii():
        raise _odd()
    return name.decode()


def _odd() -> Refusal:
    return Refusal("not-tls", "the TLS client's hello is not one of TLS 1.2 or 1.3")


class _Reader:
    """Reads a vector of TLS, which is never read past its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise _odd()
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def block(self, size: int) -> bytes:
        """Return what follows a length of this size."""
        return self.take(self.number(size))

    def only_block(self, size: int) -> bytes:
        content = self.block(size)
        self.must_be_empty()
        return content

    def is_empty(self) -> bool:
        return self._at == len(self._data)

    def must_be_empty(self) -> None:
        if not self.is_empty():
            raise _odd()
