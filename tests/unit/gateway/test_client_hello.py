"""The name in a TLS client's hello, as OpenSSL writes it, and as an attacker may."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.refusal import Refusal
from gateway.wire import client_hello
from gateway.wire.client_hello import More

NAME = "git.example.com"


def hello(name: str | None = NAME, *, oldest: bool = False) -> bytes:
    """Return what OpenSSL sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if oldest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


HELLO = hello()


def in_records(data: bytes, size: int) -> bytes:
    """Return the same message cut into records of so many bytes."""
    message = data[5:]
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(data[:3] + len(part).to_bytes(2) + part for part in parts)


@pytest.mark.parametrize("oldest", [False, True])
def test_the_name_is_read(oldest: bool) -> None:
    assert client_hello.server_name(hello(oldest=oldest)) == NAME
    assert client_hello.server_name(hello("GIT.Example.com", oldest=oldest)) == NAME


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 50, 511])
def test_a_hello_in_many_records_is_read(size: int) -> None:
    assert client_hello.server_name(in_records(hello(), size)) == NAME


@pytest.mark.parametrize("size", [1, 100, 1 << 14])
def test_every_begin_of_a_hello_asks_for_more(size: int) -> None:
    data = in_records(HELLO, size)
    for end in range(0, len(data), 7):
        with pytest.raises(More):
            client_hello.server_name(data[:end])


def test_a_hello_without_a_name_is_refused() -> None:
    with pytest.raises(Refusal) as told:
        client_hello.server_name(hello(None))
    assert told.value.reason == "no-name"


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"\x80\x2e\x01\x03\x01",
     b"\x15\x03\x01\x00\x02\x02\x28", b"\x16\x04\x01\x00\x05",
     b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x05\x02\x00\x00\x00\x00"],
)  # fmt: skip
def test_what_is_no_hello_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal) as told:
        client_hello.server_name(data)
    assert told.value.reason == "not-tls"


def test_a_hello_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refusal) as told:
        client_hello.server_name(b"\x16\x03\x01\x40\x00\x01\xff\xff\xff")
    assert told.value.reason == "too-large"


def with_extensions(*extensions: bytes, rest: bytes = b"") -> bytes:
    """Return a hello of this making."""
    block = b"".join(extensions)
    body = (
        b"\x03\x03"
        + bytes(32)
        + b"\0"
        + b"\0\x02\x13\x01"
        + b"\x01\0"
        + len(block).to_bytes(2)
        + block
        + rest
    )
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(message).to_bytes(2) + message


def name_extension(*names: bytes, kind: int = 0) -> bytes:
    entries = b"".join(bytes((kind,)) + len(name).to_bytes(2) + name for name in names)
    content = len(entries).to_bytes(2) + entries
    return b"\0\0" + len(content).to_bytes(2) + content


def test_our_own_hello_is_read() -> None:
    assert client_hello.server_name(with_extensions(name_extension(b"a.example"))) == "a.example"


ODD = {
    "two extensions": with_extensions(name_extension(b"a.example"), name_extension(b"b.example")),
    "two names": with_extensions(name_extension(b"a.example", b"b.example")),
    "another kind": with_extensions(name_extension(b"a.example", kind=1)),
    "an empty name": with_extensions(name_extension(b"")),
    "an address": with_extensions(name_extension(b"127.0.0.1")),
    "NUL": with_extensions(name_extension(b"a.example\0.evil")),
    "not ASCII": with_extensions(name_extension("ä.example".encode())),
    "bytes after the extensions": with_extensions(name_extension(b"a.example"), rest=b"x"),
    "an empty list": with_extensions(b"\0\0\0\0"),
    "a length past the end": with_extensions(b"\0\0\0\x09\0\x07\0\0\xff" + b"a.ex"),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_an_odd_hello_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        client_hello.server_name(data)


@given(st.binary(max_size=300))
def test_noise_has_no_name(data: bytes) -> None:
    with pytest.raises((Refusal, More)):
        client_hello.server_name(b"\x16\x03\x01" + data)


@given(st.data())
def test_a_changed_hello_has_the_name_or_is_refused(data: st.DataObject) -> None:
    changed = bytearray(HELLO)
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] = data.draw(st.integers(0, 255))
    try:
        name = client_hello.server_name(bytes(changed))
    except (Refusal, More):
        return
    begin = HELLO.index(NAME.encode())
    assert name == NAME or begin <= at < begin + len(NAME)
