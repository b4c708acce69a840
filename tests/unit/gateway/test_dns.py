"""Questions of names, and their answers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.refusal import Refusal
from gateway.wire import dns

OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


NAME = b"\x03git\x07example\x03com\0"


def asked(
    name: bytes = NAME,
    *,
    flags: int = 0x0100,
    counts: tuple[int, int, int, int] = (1, 0, 0, 0),
    tail: bytes = b"\0\x01\0\x01",
) -> bytes:
    """Return a message: a head, a name, then type and network, and what may follow."""
    return struct.pack("!6H", 0xABCD, flags, *counts) + name + tail


def test_a_question_is_read() -> None:
    question = dns.question(asked())
    assert (question.number, question.name, question.kind) == (0xABCD, "git.example.com", dns.A)


def test_a_question_may_add_how_large_an_answer_may_be() -> None:
    assert dns.question(asked(tail=b"\0\x01\0\x01" + OPT, counts=(1, 0, 0, 1))).name == "git.example.com"


ODD = {
    "an answer": asked(flags=0x8100),
    "another work": asked(flags=0x2800),
    "two questions": asked(counts=(2, 0, 0, 0)),
    "no question": asked(counts=(0, 0, 0, 0)),
    "with an answer in it": asked(counts=(1, 1, 0, 0)),
    "a pointer": asked(b"\xc0\x0c"),
    "a label past the end": asked(b"\x3fa"),
    "no end": struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\x03git",
    "a dot in a label": asked(b"\x03g.t\0"),
    "not ASCII": asked(b"\x02\xc3\xa4\0"),
    "another network": asked(tail=b"\0\x01\0\x03"),
    "nothing": b"",
    "too long": asked(tail=b"\0\x01\0\x01" + bytes(2000)),
}


@pytest.mark.parametrize("message", ODD.values(), ids=ODD)
def test_what_is_odd_is_refused(message: bytes) -> None:
    with pytest.raises(Refusal):
        dns.question(message)


def test_an_answer_repeats_the_question_and_has_the_address() -> None:
    message = dns.answer(dns.question(asked()), dns.NO_ERROR, bytes((127, 64, 0, 1)))
    number, flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
    assert (number, flags & 0x8180, flags & 0xF, questions, answers) == (0xABCD, 0x8180, 0, 1, 1)
    assert message[12:].startswith(asked()[12:])
    assert message.endswith(b"\0\x04\x7f\x40\0\x01")


def test_a_name_that_is_not_allowed_does_not_exist() -> None:
    message = dns.answer(dns.question(asked()), dns.NO_SUCH_NAME)
    assert message[3] & 0xF == dns.NO_SUCH_NAME
    assert message[6:8] == b"\0\0"


@given(st.binary(max_size=300))
def test_noise_is_refused_or_has_a_plain_name(message: bytes) -> None:
    try:
        question = dns.question(message)
    except Refusal:
        return
    assert question.name.isascii()
    dns.answer(question, dns.NO_SUCH_NAME)
