"""Questions of names, which libresolv reads, too."""

import ctypes
import functools
import re
from random import Random

from gateway import names
from gateway.refusal import Refusal
from gateway.wire import dns
from tests.fuzzing.subject import Subject, refusable


class _Message(ctypes.Structure):
    """ns_msg of <arpa/nameser.h>; its size is what matters."""

    _fields_ = (("opaque", ctypes.c_char * 512),)


class _Entry(ctypes.Structure):
    """ns_rr of <arpa/nameser.h>."""

    _fields_ = (
        ("name", ctypes.c_char * 1025), ("type", ctypes.c_uint16), ("network", ctypes.c_uint16),
        ("ttl", ctypes.c_uint32), ("rdlength", ctypes.c_uint16), ("rdata", ctypes.c_void_p),
    )  # fmt: skip


@functools.cache
def _resolver() -> ctypes.CDLL:
    return ctypes.CDLL("libresolv.so.2")


def _parsed(message: bytes, section: int) -> tuple[str, int, int, bytes] | None:
    """Return name, type, class and data of the first entry of a section, as libresolv reads it."""
    handle, entry = _Message(), _Entry()
    if _resolver().ns_initparse(message, len(message), ctypes.byref(handle)) != 0:
        return None
    if _resolver().ns_parserr(ctypes.byref(handle), section, 0, ctypes.byref(entry)) != 0:
        return None
    data = ctypes.string_at(entry.rdata, entry.rdlength) if entry.rdata and entry.rdlength else b""
    # It writes what is odd as \\DDD, or with a backslash in front; and the root as a dot.
    name = re.sub(r"\\([0-9]{3}|.)", _unescaped, entry.name.decode("latin-1"))
    return name.removesuffix("."), entry.type, entry.network, data


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1])) if len(match[1]) == 3 else match[1]


def _check_question(data: bytes, read: dns.Question, _random: Random) -> None:
    other = _parsed(data, 0)
    if other is not None:
        assert other[:3] == (read.name, read.kind, dns.INTERNET)
    refusal = dns.answer(read, dns.NO_SUCH_NAME)
    assert refusal[3] & 0xF == dns.NO_SUCH_NAME
    assert len(refusal) <= dns.MOST_BYTES
    # libresolv knows no name of more than 255 bytes, and nobody is on a list by it either.
    assert other is None or _parsed(refusal, 0) == other
    try:
        names.host_name(read.name)
    except Refusal:
        return
    address = bytes((127, 64, 0, 1))
    record = _parsed(dns.answer(read, dns.NO_ERROR, address), 1)
    assert record == (read.name, dns.A, dns.INTERNET, address)


_QUESTIONS = (
    b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03git\x07example\x04test\0\0\x01\0\x01",
    b"\x12\x34\x01\x20\0\x01\0\0\0\0\0\x01\x03git\x07example\x04test\0\0\x1c\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x0c"
    b"\0\x0a\0\x08abcdefgh",
    b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x3f" + b"a" * 63 + b"\x01b\0\0\x10\0\x01",
)
_DNS = (
    b"\xc0\x0c", b"\xc0\x00", b"\0", b"\x3f", b"\x40", b"\x41", b"\x80", b"\0\x01\0\x01", b"\0\xff\0\x01",
    b"\0\x01\0\x03", b"\0\0\x29\x10\0\0\0\0\0\0\0", b"\x01.", b"\x04git.", b"\x07example", b"\0\x41",
    b"\0\x10",
)  # fmt: skip

QUESTION = Subject(refusable(dns.question), _check_question, _QUESTIONS, _DNS)
