"""What a task's pod says of its result, in lines of a log: init/programs/ has who writes them. Pure.

A log may be cut off, and whoever can write to it is not to be believed: what does not fit is no result.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, NamedTuple

from host import answers

VERSION = 1
# Bytes of a log that are read, and of a payload in base64: a kubelet keeps 10 MiB of a log.
LARGEST_LOG, LARGEST = 16 << 20, 6 << 20
# Characters of a line's data.
LONGEST_LINE = 8192
_MARK = b"agentic-sandbox-result: "
_HEX = re.compile("[0-9a-f]{64}")


class Payload(NamedTuple):
    """What a task changed.

    Attributes:
        files: how many.
        data: a gzip of a tar, as `unpack` of the image takes it; None where it was too long for a log.
    """

    files: int
    data: bytes | None


class Broken(ValueError):  # noqa: N818 - it says what the log is
    """A log has no whole result; says why."""


def read(log: bytes) -> Payload:
    """Return the result that a log has.

    Raises:
        Broken: it has none, or not the whole of it.
    """
    lines = [line[len(_MARK) :] for line in log.split(b"\n") if line.startswith(_MARK)]
    if not lines:
        raise Broken("its log has no result")
    head = _head(lines[0])
    if lines[-1] != b"end":
        raise Broken("its result is cut off: the log was rotated, or ended too early")
    if head["cut"]:
        if lines[1:-1]:
            raise Broken("its result says that it is too long, and has data all the same")
        return Payload(head["files"], None)
    data = _data(lines[1:-1])
    if len(data) != head["bytes"] or hashlib.sha256(data).hexdigest() != head["sha256"]:
        raise Broken("its result is not what its digest says")
    return Payload(head["files"], data)


def _head(line: bytes) -> dict[str, Any]:
    """Return what the first line says, if it is one."""
    word, _, rest = line.partition(b" ")
    try:
        told = answers.parse(rest) if word == b"begin" else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Broken("its result does not begin as one: the log was rotated, or is another's")
    if told.get("version") != VERSION:
        raise Broken(f"its result has version {answers.text(told.get('version'))!r}: only {VERSION} is known")
    numbers = [told.get(name) for name in ("files", "bytes")]
    is_whole = (
        all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in numbers)
        and isinstance(told.get("cut"), bool)
        and isinstance(told.get("sha256"), str)
        and (told["cut"] or _HEX.fullmatch(told["sha256"]))
    )
    if not is_whole:
        raise Broken("its result does not say what it is")
    return told


def _data(lines: list[bytes]) -> bytes:
    """Return what the lines between the first and the last hold, each in its place."""
    if sum(map(len, lines)) > LARGEST + len(lines) * 32:
        raise Broken(f"its result is longer than {LARGEST} bytes")
    parts = []
    for index, line in enumerate(lines):
        words = line.split(b" ")
        if len(words) != 3 or words[:2] != [b"data", b"%d" % index] or len(words[2]) > LONGEST_LINE:
            raise Broken(f"its result lacks line {index}, or something is between its lines")
        parts.append(words[2])
    try:
        return base64.b64decode(b"".join(parts), validate=True)
    except binascii.Error as error:
        raise Broken("its result is no base64") from error
