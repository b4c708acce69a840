"""One question to a name server, and its answer: RFC 1035 section 4, RFC 6891 for what a question may add."""

from __future__ import annotations

import struct

from gateway.refusal import Refusal
from init.record import Record

# Bytes of a message that is no more than one question.
MOST_BYTES = 1024

NO_ERROR, FORM_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED = 0, 1, 3, 4
A, INTERNET = 1, 1

_HEAD = struct.Struct("!6H")
_IS_ANSWER, _OPCODE, _RECURSION_WANTED, _RECURSION_THERE = 0x8000, 0x7800, 0x0100, 0x0080
_LONGEST_LABEL, _POINTER_TO_QUESTION = 63, 0xC00C


class Question(Record):
    """What is asked.

    Attributes:
        number: of the message, which the answer repeats.
        flags: of the message.
        name: as it was sent, labels joined by dots.
        kind: the type of record.
        section: the bytes of the question, which the answer repeats.
    """

    number: int
    flags: int
    name: str
    kind: int
    section: bytes


def question(message: bytes) -> Question:
    """Read a message of one question.

    Raises:
        Refusal: it is none; nothing is answered.
    """
    if not _HEAD.size < len(message) <= MOST_BYTES:
        raise _odd()
    number, flags, questions, answers, authorities, additional = _HEAD.unpack_from(message)
    if flags & (_IS_ANSWER | _OPCODE) or (questions, answers, authorities) != (1, 0, 0) or additional > 1:
        raise _odd()
    labels, at = [], _HEAD.size
    while message[at : at + 1] != b"\0":
        size = message[at] if at < len(message) else _LONGEST_LABEL + 1
        label = message[at + 1 : at + 1 + size]
        # A longer one is a pointer, for which a question has no use.
        if size > _LONGEST_LABEL or len(label) != size or not label.isascii() or b"." in label:
            raise _odd()
        labels.append(label.decode())
        at += 1 + size
    end = at + 1 + 4
    if end > len(message) or int.from_bytes(message[end - 2 : end]) != INTERNET:
        raise _odd()
    kind = int.from_bytes(message[end - 4 : end - 2])
    return Question(number, flags, ".".join(labels), kind, message[_HEAD.size : end])


def answer(asked: Question, code: int, address: bytes = b"", seconds: int = 5) -> bytes:
    """Return the answer to a question.

    Args:
        asked: the question.
        code: NO_ERROR or another.
        address: four bytes of an A record, b"" for an answer without any.
        seconds: for which it may be kept; short, since a list is edited while a session runs.
    """
    flags = _IS_ANSWER | _RECURSION_THERE | (asked.flags & _RECURSION_WANTED) | code
    head = _HEAD.pack(asked.number, flags, 1, 1 if address else 0, 0, 0)
    record = struct.pack("!HHHIH", _POINTER_TO_QUESTION, A, INTERNET, seconds, len(address)) + address
    return head + asked.section + (record if address else b"")


def _odd() -> Refusal:
    return Refusal("bad-request", "this is no question of a name")
