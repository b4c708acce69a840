"""A list of tasks: what is left of it is done, in one way or another, and each leaves its result in a file.

What those files say is all that is known of an earlier call: what has ended well is not done again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple

from host import compose as compose_files
from host import engine, folder_lock, image, inquiry
from host.errors import FAILED, OK, HostError, Interrupted
from host.filling import Maker
from host.messages import printable, say
from host.tasks import result as results
from host.tasks.progress import Progress, table
from host.tasks.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.options.task import Task
    from host.supervisor import Supervisor

PROGRAM = "/usr/local/bin/sandbox-tasks"
# Bytes of a list.
LARGEST = 16 << 20


class Entry(NamedTuple):
    """A task of the list."""

    name: str
    prompt: str
    tool: str
    timeout: int


class Work(NamedTuple):
    """What is to be done.

    Attributes:
        checkout: whose image and start.sh do it.
        maker: what asks the engine, and what Compose understood.
        asked: what all tasks have in common.
        file: the list.
        folder: of the results.
        entries: the whole list.
        left: what of it has not ended well yet.
        progress: who is told.
    """

    checkout: Checkout
    maker: Maker
    asked: Task
    file: Path
    folder: Path
    entries: list[Entry]
    left: list[Entry]
    progress: Progress


# Does what is left, keeps each result as it comes, and returns the results by name.
Way = Callable[[Work], "dict[str, Result]"]


def do(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Task, way: Way) -> int:
    """Do what is left of a list; return 0 if all of it has ended well, else 1.

    Raises:
        HostError: there is no such list, or its results cannot be kept.
        Interrupted: somebody asked for the end.
    """
    file = checkout.caller / asked.file
    text = content(file)
    maker = provided(checkout, supervisor, environ, asked)
    entries = given(read(maker, file.name, text), asked)
    folder = checkout.caller / asked.results if asked.results else file.with_name(f"{file.name}.results")
    folder.mkdir(parents=True, exist_ok=True)
    if folder_lock.is_held(folder):
        raise HostError(f"another start.sh does tasks in {printable(str(folder))}.", "Wait for its end.")
    with folder_lock.held(folder, 0.0, lambda: None):
        found = {entry.name: results.read(folder / f"{entry.name}.json") for entry in entries}
        left = [entry for entry in entries if not is_done(found[entry.name], entry)]
        if len(left) < len(entries):
            say(f"{len(entries) - len(left)} of {len(entries)} tasks were done before")
        progress = Progress(len(entries), len(entries) - len(left))
        try:
            found.update(way(Work(checkout, maker, asked, file, folder, entries, left, progress)))
        except Interrupted:
            say(f"what is not done yet is done when you call it again: {len(left) - progress.well} tasks")
            raise
    return told([found[entry.name] for entry in entries], folder, asked)


def told(ended: list[Result | None], folder: Path, asked: Task) -> int:
    """Tell the results of a list; return 0 if all of it has ended well, else 1."""
    there = [one for one in ended if one is not None]
    if asked.json:
        sys.stdout.write(f"{json.dumps({'tasks': [one.told() for one in there]}, indent=2)}\n")
    else:
        sys.stdout.write(table(there))
        say(f"the results are in {printable(str(folder))}")
    return OK if len(there) == len(ended) and all(one.exit_code == OK for one in there) else FAILED


def content(file: Path) -> str:
    """Return what is in a list.

    Raises:
        HostError: it cannot be read, or is no text.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        text = data.decode()
    except OSError as error:
        raise HostError(f"{printable(str(file))} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise HostError(f"{printable(str(file))} is no UTF-8 text, from byte {error.start} on.") from error
    if len(data) > LARGEST:
        raise HostError(
            f"{printable(str(file))} is too long for a list of tasks: {LARGEST} bytes are the most."
        )
    return text


def provided(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Task
) -> Maker:  # fmt: skip
    """See to it that the engine and the image are there.

    Raises:
        HostError: they are not.
    """
    found = engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    compose = compose.given(**image.choose_platform(environ, configuration.environment))
    if asked.build:
        image.build(supervisor, compose, configuration)
    else:
        image.require(supervisor, configuration, compose.environ)
    return Maker(supervisor, compose, configuration, found)


def read(maker: Maker, name: str, text: str) -> list[Entry]:
    """Return the tasks of a list, as the image reads it.

    Args:
        maker: what asks the engine.
        name: of the list's file.
        text: of the list.

    Raises:
        HostError: it is none, or the image does not answer.
    """
    asked = {"text": text, "file": printable(name)}
    answer = inquiry.ask(
        maker.supervisor, maker.compose, maker.configuration, "", asked, files=False, program=PROGRAM
    )
    return [Entry(one["name"], one["prompt"], one["tool"], one["timeout"]) for one in answer["tasks"]]


def given(entries: list[Entry], asked: Task) -> list[Entry]:
    """Return tasks with what those have in common that say nothing of their own."""
    return [one._replace(tool=one.tool or asked.tool, timeout=one.timeout or asked.limit) for one in entries]


def is_done(before: Result | None, entry: Entry) -> bool:
    """Tell whether a task has ended well, as it is written now."""
    same = before is not None and (before.prompt, before.tool) == (entry.prompt, entry.tool)
    return before is not None and same and before.exit_code == OK
