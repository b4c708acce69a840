"""The numbered menu."""

from __future__ import annotations

import os
import select
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, Protocol, TextIO, TypeVar

    class Entry(Protocol):
        """What can be chosen."""

        @property
        def name(self) -> str:
            """What it is called."""

        @property
        def title(self) -> str:
            """What is shown beside the name."""

    Choice = TypeVar("Choice", bound=Entry)


def ask(
    entries: Sequence[Choice], source: int, out: TextIO, timeout: float = 0, what: str = "tool"
) -> Choice | None:
    """Ask until the answer is a number or a name of the list; an empty line takes the first.

    Args:
        entries: what to offer; the first is the default.
        source: descriptor of the terminal to read.
        out: where to write.
        timeout: seconds to wait for a first answer before the default is taken, 0 for ever. Nobody may be
            there: `docker compose up` and `docker run -t` give a terminal that nobody can type into.
        what: what they are, in one word.

    Returns:
        The one chosen, or None where the input ended.
    """
    width = max(len(entry.name) for entry in entries)
    lines = [f"  {n}) {entry.name:<{width}}  {entry.title}" for n, entry in enumerate(entries, 1)]
    out.write("\n".join([f"Which {what}?", *lines, ""]))
    patience = f", {entries[0].name} is taken in {timeout:g} s" if timeout else ""
    while True:
        out.write(f"Number or name [1{patience}]: ")
        out.flush()
        if timeout and not select.select([source], [], [], timeout)[0]:
            # What was typed without Enter is not meant for the tool.
            termios.tcflush(source, termios.TCIFLUSH)
            out.write(f"\nNo answer: {entries[0].name} it is.\n")
            return entries[0]
        line = _read(source)
        if not line:
            out.write("\n")
            return None
        answer = line.decode(errors="replace").strip()
        choice = match(answer, entries)
        if choice is not None:
            return choice
        out.write(f"There is no {answer!a}: a number from 1 to {len(entries)} or a name, please.\n")
        timeout, patience = 0, ""


def ask_stopped(name: str, source: int, out: TextIO) -> Literal["resume", "shell", "quit"]:
    """Ask what to do with a program that was stopped; return resume, shell or quit.

    The end of the input quits: nobody is left to resume it.
    """
    answers: dict[str, Literal["resume", "shell", "quit"]] = {"": "resume", "s": "shell", "q": "quit"}
    while True:
        out.write(f"\n{name} is stopped. Enter resumes it, s opens a shell, q quits it: ")
        out.flush()
        line = _read(source)
        if not line:
            return "quit"
        answer = answers.get(line.decode(errors="replace").strip().lower())
        if answer:
            return answer


def _read(source: int) -> bytes:
    try:
        return os.read(source, 4096)
    except OSError:
        # The terminal has hung up.
        return b""


def match(answer: str, entries: Sequence[Choice]) -> Choice | None:
    """Return the entry that an answer means, or None."""
    if not answer:
        return entries[0]
    if answer.isascii() and answer.isdigit() and len(answer) < 4 and 1 <= int(answer) <= len(entries):
        return entries[int(answer) - 1]
    return next((entry for entry in entries if entry.name == answer), None)


def is_interactive() -> bool:
    """Tell whether a person can be asked: stdin and stderr are terminals."""
    return os.isatty(0) and os.isatty(2)
