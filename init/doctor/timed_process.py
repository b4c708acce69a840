"""A program run to see whether it works: bounded in time, in a process group of its own, its output kept."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile

from init.errors import EX_NOT_FOUND
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

# Bytes kept of what a program wrote.
MOST = 4000


class Ended(Record):
    """How it ended: its exit code, None where time was up; the ends of stdout and stderr."""

    code: int | None
    output: str
    errors: str

    def describe(self) -> str:
        """Return it in words, with the last that the program said."""
        how = "no answer in time" if self.code is None else f"exit code {self.code}"
        said = self.last(300, self.errors.strip() or self.output)
        return f"{how}: {said}" if said else how

    def last(self, most: int, text: str | None = None) -> str:
        """Return the end of a text, or of the output, as one line without colours."""
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.output if text is None else text)
        return " ".join(plain.split())[-most:]


def run(argv: Sequence[str], environ: Mapping[str, str], directory: str, seconds: float) -> Ended:
    """Run a program without input until it ends or the time is up; then its whole group is killed."""
    # Files, not pipes: what it leaves behind may hold them open for ever.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - the tools that the user defined
                argv, env=dict(environ), cwd=directory, stdin=subprocess.DEVNULL, stdout=output,
                stderr=errors, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return Ended(EX_NOT_FOUND, "", error.strerror or str(error))
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Ended(code, _end(output), _end(errors))


def _end(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - MOST))
    return file.read(MOST).decode(errors="replace")
