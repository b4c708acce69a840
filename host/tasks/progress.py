"""How far a list of tasks is: a line for each that ends; at a terminal, what runs is shown below."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from host import messages
from host.errors import OK
from host.tasks.one import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from host.tasks.result import Result

# Goes back to the line's begin, and empties it.
_CLEAR = "\r\033[K"
HEAD = ("NAME", "RESULT", "TIME", "FILES CHANGED")


class Progress:
    """What is told of a list while it is done.

    Args:
        total: how many tasks there are.
        done: how many of them were done before.

    Attributes:
        well: how many have ended well since.
    """

    def __init__(self, total: int, done: int) -> None:
        self._total, self._done = total, done
        self.well = 0
        self._live = os.isatty(2)
        self._shown = False

    def tell(self, result: Result) -> None:
        """Say that a task has ended."""
        self._done += 1
        self.well += result.exit_code == OK
        self.clear()
        messages.say(f"[{self._done}/{self._total}] {describe(result)}")

    def show(self, running: Iterable[tuple[str, float]]) -> None:
        """Show what runs, by its name and since when."""
        now = time.monotonic()
        listed = ", ".join(f"{name} ({now - since:.0f} s)" for name, since in running)
        self.show_what(f"{listed or 'nothing'} runs")

    def show_what(self, goes_on: str) -> None:
        """Show what goes on, in words."""
        if not self._live:
            return
        line = f"sandbox: {self._done} of {self._total} done; {goes_on}"
        sys.stderr.write(_CLEAR + line[: os.get_terminal_size(2).columns - 1])
        sys.stderr.flush()
        self._shown = True

    def clear(self) -> None:
        """Take away what is shown."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._shown = False


def table(results: Sequence[Result]) -> str:
    """Return the results as a table."""
    return messages.columns([HEAD, *(_row(result) for result in results)])


def _row(result: Result) -> tuple[str, str, str, str]:
    files = "" if result.files is None else str(result.files)
    return result.name, result.word, f"{result.seconds:.1f} s", files
