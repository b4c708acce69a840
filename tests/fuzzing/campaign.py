"""One parser for a time. What reaches lines that nothing reached before is changed further."""

import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from gateway import wire
from tests.fuzzing.mutation import mutated
from tests.fuzzing.subject import Subject

_GATEWAY = str(Path(wire.__file__).parents[1])


@dataclass
class Result:
    """What came of it.

    Attributes:
        runs: inputs that were tried.
        taken: those that the parser took.
        pool: those that are changed further.
        findings: input and what is wrong with it, the first of each kind.
    """

    runs: int = 0
    taken: int = 0
    pool: list[bytes] = field(default_factory=list)
    findings: dict[str, bytes] = field(default_factory=dict)


def run(
    subject: Subject, random: Random, *, seconds: float = 1e9, runs: float = 1e12, most: int = 20
) -> Result:
    """Try inputs until the time is over, that many were tried, or that much was found."""
    result, reached, deadline = Result(), set[tuple[int, int, int]](), time.monotonic() + seconds
    for data in subject.seeds:
        _try(subject, random, data, result, reached)
    result.pool = list(subject.seeds)
    while result.runs < runs and time.monotonic() < deadline and len(result.findings) < most:
        data = mutated(random, result.pool, subject.words)
        before = len(reached)
        _try(subject, random, data, result, reached)
        if len(reached) > before:
            result.pool.append(data)
    return result


def _try(
    subject: Subject, random: Random, data: bytes, result: Result, reached: set[tuple[int, int, int]]
) -> None:
    result.runs += 1
    try:
        with _traced(reached):
            value = subject.parse(data)
        if value is None:
            return
        result.taken += 1
        subject.check(data, value, random)
    except Exception as error:
        # An assertion's line tells which one; of another exception the place is the kind.
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} {Path(place.filename).name}:{place.lineno}: {str(error)[:300]}"
        known = kind.partition(": ")[0]
        if not any(other.startswith(known) for other in result.findings):
            result.findings[kind] = data


class _traced:  # noqa: N801 - reads as a verb
    """Note which line of the gateway comes after which."""

    def __init__(self, reached: set[tuple[int, int, int]]) -> None:
        self._reached = reached

    def __enter__(self) -> None:
        sys.settrace(self._call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_GATEWAY):
            return None
        code, last, add = hash(frame.f_code), 0, self._reached.add

        def line(frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal last
            if event == "line":
                add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        return line
