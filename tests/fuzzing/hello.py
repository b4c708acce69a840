"""What a TLS client sends first, which OpenSSL reads, too."""

import contextlib
import functools
import json
import ssl
import subprocess
import tempfile
from pathlib import Path
from random import Random

from gateway.wire import client_hello
from tests.fuzzing.subject import Subject, refusable

HELLOS = {
    name: bytes.fromhex(text)
    for name, text in json.loads(Path(__file__).with_name("hellos.json").read_text()).items()
}
# Whose they are.
NAME = "git.example.test"


@functools.cache
def _server() -> ssl.SSLContext:
    """Return OpenSSL as a server that tells which name it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", "k", "-out", "c", "-days", "2", "-subj", "/CN=x"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        context.load_cert_chain(f"{folder}/c", f"{folder}/k")

    def asked(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> int:
        connection.session_names.append(name)  # type: ignore[union-attr] # of _Asked
        return ssl.ALERT_DESCRIPTION_ACCESS_DENIED

    context.sni_callback = asked
    context.sslobject_class = _Asked
    return context


class _Asked(ssl.SSLObject):
    """A connection that keeps the names."""

    @functools.cached_property
    def session_names(self) -> list[str | None]:
        return []


def names_for_openssl(data: bytes) -> list[str | None]:
    """Return the names that OpenSSL's server reads in the first bytes of a connection."""
    received = ssl.MemoryBIO()
    received.write(data)
    connection = _server().wrap_bio(received, ssl.MemoryBIO(), server_side=True)
    with contextlib.suppress(ssl.SSLError, UnicodeError):
        connection.do_handshake()
    assert isinstance(connection, _Asked)
    return connection.session_names


def in_records(data: bytes, random: Random) -> bytes:
    """Return the same messages, cut into other records."""
    message, at = b"", 0
    while at < len(data):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        message += data[at + 5 : at + 5 + length]
        at += 5 + length
    cut = b""
    while message:
        size = random.choice((1, 2, 5, 100, 1 << 14))
        part, message = message[:size], message[size:]
        cut += data[:3] + len(part).to_bytes(2, "big") + part
    return cut


def _check_hello(data: bytes, name: str, random: Random) -> None:
    for other in names_for_openssl(data):
        assert other is not None
        assert other.lower().removesuffix(".") == name
    whole = _first_records(data)
    assert client_hello.server_name(in_records(whole, random)) == name
    for _ in range(4):
        try:
            assert client_hello.server_name(data[: random.randrange(len(data))]) == name
        except client_hello.More:
            continue


def _first_records(data: bytes) -> bytes:
    """Return the records that hold the first message, which is whole."""
    message, at = b"", 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        message += data[at + 5 : at + 5 + length]
        at += 5 + length
    return data[:at]


_TLS = (
    b"\x16\x03\x01", b"\x16\x03\x03", b"\x00\x00", b"\x00\x00\x00\x05\x00\x03\x00\x00\x00", b"\xfe\x0d",
    b"\0",
    b"\x00\x00\x00\x13\x00\x11\x00\x00\x0eevil.example.x", b"\x00\x0eevil.example.x",
    b"\x15\x03\x01\x00\x02\x01\x00",
    b"\x14\x03\x03\x00\x01\x01", b"\xff\xff", b".", b"\x01", b"\x02", b"\x80", b"git.example.test",
)  # fmt: skip

HELLO = Subject(refusable(client_hello.server_name), _check_hello, tuple(HELLOS.values()), _TLS)
