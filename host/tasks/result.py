"""What is left of a task: a JSON object, printed, or kept as a file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from host import answers

if TYPE_CHECKING:
    from pathlib import Path

# timeout(1)'s exit code, which PID 1 ends with: init/errors.py.
TIMED_OUT = 124
# Bytes of a file that is read: answer and patch have their most.
LARGEST = 64 << 20

# Of its values; all others are texts.
KINDS: dict[str, tuple[type, ...]] = {
    "copied": (bool,), "exit_code": (int,), "seconds": (int, float), "files": (int, type(None)),
    "diff": (str, type(None)), "cut": (list,),
}  # fmt: skip


class Result(NamedTuple):
    """What is left of a task.

    Attributes:
        name: of its session.
        prompt: what was to be done.
        tool: which one did it; "" for the user's own.
        workspace: the folder that it worked on, or a copy of it.
        copied: whether it worked on a copy.
        exit_code: the tool's, or the start's.
        seconds: from the start to the end of its session.
        answer: what the tool said on stdout, or the end of that.
        files: how many it changed; None where nobody looked.
        diff: the patch; None where nobody looked.
        cut: what is not whole, for it was too long: answer, diff.
        problem: why it did not come to run, or to its own end; "" where it did.
        ended: what ended it, where that was a cluster: evicted, out of memory, …
    """

    name: str
    prompt: str
    tool: str
    workspace: str
    copied: bool
    exit_code: int
    seconds: float
    answer: str = ""
    files: int | None = None
    diff: str | None = None
    cut: tuple[str, ...] = ()
    problem: str = ""
    ended: str = ""

    @property
    def word(self) -> str:
        """How it ended."""
        if self.problem:
            return self.ended or "not started"
        return {0: "done", TIMED_OUT: "timed out"}.get(self.exit_code, f"failed ({self.exit_code})")

    def told(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**self._asdict(), "seconds": round(self.seconds, 1), "result": self.word}


def understood(text: str | bytes) -> Result | None:
    """Return the result that a JSON object tells, None where it is none."""
    try:
        told = answers.parse(text)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    # One that an earlier version kept has no `ended`.
    found: dict[str, Any] = {name: told.get(name) for name in Result._fields} | {
        "ended": told.get("ended", "")
    }
    if not all(isinstance(value, KINDS.get(name, (str,))) for name, value in found.items()):
        return None
    return Result(**{**found, "cut": tuple(map(answers.text, found["cut"]))})


def read(file: Path) -> Result | None:
    """Return the result that a file holds; None where there is none."""
    try:
        with file.open("rb") as opened:
            return understood(opened.read(LARGEST))
    except OSError:
        return None


def keep(file: Path, result: Result) -> None:
    """Write a result: it is there as a whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    keep_json(file, result.told())


def keep_json(file: Path, told: Any) -> None:
    """Write JSON: it is there as a whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump(told, opened, indent=2)
            opened.write("\n")
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(name, file)  # noqa: PTH105 - what tempfile named is a text
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - the same
        raise
