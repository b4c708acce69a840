"""The numbered menu."""

from __future__ import annotations

import os
import select
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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

    class News(Protocol):
        """Why some cannot be chosen, which comes when it is known."""

        def fileno(self) -> int:
            """Return what can be read when it has come."""

        def read(self) -> Mapping[str, str]:
            """Return the reasons, by name."""


def ask(  # noqa: PLR0913 - what is offered, where, for how long, and what changes meanwhile
    entries: Sequence[Choice],
    source: int,
    out: TextIO,
    timeout: float = 0,
    *,
    what: str = "tool",
    news: News | None = None,
) -> Choice | None:
    """Ask until the answer is a number or a name of the list; an empty line takes the first.

    Args:
        entries: what to offer; the first is the default.
        source: descriptor of the terminal to read.
        out: where to write.
        timeout: seconds to wait for a first answer before the default is taken, 0 for ever. Nobody may be
            there: `docker compose up` and `docker run -t` give a terminal that nobody can type into.
        what: what they are, in one word.
        news: what may come meanwhile: those that cannot be chosen are then shown with the reason.

    Returns:
        The one chosen, or None where the input ended.
    """
    unfit: Mapping[str, str] = {}
    deadline = time.monotonic() + timeout
    out.write(_list(entries, what, unfit))
    # Lines between the list's first and the question.
    above, is_asked = len(entries) + 1, False
    while True:
        default = next((entry for entry in entries if entry.name not in unfit), entries[0])
        number = entries.index(default) + 1
        patience = f", {default.name} is taken in {timeout:g} s" if timeout else ""
        if not is_asked:
            out.write(f"Number or name [{number}{patience}]: ")
            out.flush()
        left = max(0.0, deadline - time.monotonic()) if timeout else None
        awaited: list[int | News] = [source, news] if news else [source]
        ready = select.select(awaited, [], [], left)[0]
        if not ready:
            # What was typed without Enter is not meant for the tool.
            termios.tcflush(source, termios.TCIFLUSH)
            out.write(f"\nNo answer: {default.name} it is.\n")
            return default
        if news is not None and source not in ready:
            unfit, news = news.read(), None
            # What is being typed stays where there is nothing to tell.
            is_asked = not unfit
            if unfit:
                out.write(f"\r\033[{above}A\033[J" + _list(entries, what, unfit))
                above = len(entries) + 1
            continue
        line = _read(source)
        if not line:
            out.write("\n")
            return None
        answer = line.decode(errors="replace").strip()
        choice = match(answer, entries) if answer else default
        if choice is None:
            out.write(f"There is no {answer!a}: a number from 1 to {len(entries)} or a name, please.\n")
        elif choice.name in unfit and choice is not default:
            out.write(f"{choice.name} cannot be used: {unfit[choice.name]}. Another, please.\n")
        else:
            return choice
        timeout, above, is_asked = 0, above + 2, False


def _list(entries: Sequence[Choice], what: str, unfit: Mapping[str, str]) -> str:
    width = max(len(entry.name) for entry in entries)
    lines = [f"  {n}) {entry.name:<{width}}  {entry.title}" for n, entry in enumerate(entries, 1)]
    grey = [
        f"\033[2m{line}: {unfit[entry.name]}\033[0m" if entry.name in unfit else line
        for entry, line in zip(entries, lines, strict=True)
    ]
    return "\n".join([f"Which {what}?", *grey, ""])


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
