"""The numbered menu."""

import os
import select
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, TextIO

    from init.tools import Tool


def ask(tools: "Sequence[Tool]", source: int, out: "TextIO", timeout: float = 0) -> "Tool | None":
    """Ask until the answer is a number or a name of the list; an empty line takes the first.

    Args:
        tools: what to offer; the first is the default.
        source: descriptor of the terminal to read.
        out: where to write.
        timeout: seconds to wait for a first answer before the default is taken, 0 for ever. Nobody may be
            there: `docker compose up` and `docker run -t` give a terminal that nobody can type into.

    Returns:
        The tool chosen, or None where the input ended.
    """
    width = max(len(tool.name) for tool in tools)
    lines = [f"  {n}) {tool.name:<{width}}  {tool.title}" for n, tool in enumerate(tools, 1)]
    out.write("\n".join(["Which tool?", *lines, ""]))
    patience = f", {tools[0].name} starts in {timeout:g} s" if timeout else ""
    while True:
        out.write(f"Number or name [1{patience}]: ")
        out.flush()
        if timeout and not select.select([source], [], [], timeout)[0]:
            # What was typed without Enter is not meant for the tool.
            termios.tcflush(source, termios.TCIFLUSH)
            out.write(f"\nNo answer: {tools[0].name} it is.\n")
            return tools[0]
        line = _read(source)
        if not line:
            out.write("\n")
            return None
        answer = line.decode(errors="replace").strip()
        choice = match(answer, tools)
        if choice is not None:
            return choice
        out.write(f"There is no {answer!a}: a number from 1 to {len(tools)} or a name, please.\n")
        timeout, patience = 0, ""


def ask_stopped(name: str, source: int, out: "TextIO") -> 'Literal["resume", "shell", "quit"]':
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


def match(answer: str, tools: "Sequence[Tool]") -> "Tool | None":
    """Return the tool that an answer means, or None."""
    if not answer:
        return tools[0]
    if answer.isascii() and answer.isdigit() and len(answer) < 4 and 1 <= int(answer) <= len(tools):
        return tools[int(answer) - 1]
    return next((tool for tool in tools if tool.name == answer), None)


def terminal() -> bool:
    """Tell whether a person can be asked: stdin and stderr are terminals."""
    return os.isatty(0) and os.isatty(2)
