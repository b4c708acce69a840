"""A list of tasks, some at a time: each is a start.sh of its own, and leaves its result in a file.

What those files say is all that is known of an earlier call: what has ended well is not done again.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple

from host import compose as compose_files
from host import engine, folder_lock, image, inquiry
from host.errors import FAILED, OK, HostError, Interrupted
from host.messages import printable, say
from host.tasks import result as results
from host.tasks.progress import Progress, table
from host.tasks.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from host.checkout import Checkout
    from host.options.task import Task
    from host.supervisor import Beside, Supervisor

PROGRAM = "/usr/local/bin/sandbox-tasks"
# Bytes of a list.
LARGEST = 16 << 20
# Seconds between two looks at what runs, and for a task to end that is asked to.
LOOK, ENDING = 1.0, 90.0
# Lines of a log that say why a task did not start.
LAST = 3


class Entry(NamedTuple):
    """A task of the list."""

    name: str
    prompt: str
    tool: str
    timeout: int


class Running(NamedTuple):
    """A task that is being done."""

    entry: Entry
    begun: Beside
    log: IO[bytes]
    since: float


def do(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Task) -> int:
    """Do what is left of a list; return 0 if all of it has ended well, else 1.

    Raises:
        HostError: there is no such list, or its results cannot be kept.
        Interrupted: somebody asked for the end: what ran is ended, and not done.
    """
    file = checkout.caller / asked.file
    entries = read(checkout, supervisor, environ, asked, file)
    folder = checkout.caller / asked.results if asked.results else file.with_name(f"{file.name}.results")
    folder.mkdir(parents=True, exist_ok=True)
    if folder_lock.is_held(folder):
        raise HostError(f"another start.sh does tasks in {printable(str(folder))}.", "Wait for its end.")
    with folder_lock.held(folder, 0.0, lambda: None):
        found = {entry.name: results.read(folder / f"{entry.name}.json") for entry in entries}
        left = [entry for entry in entries if not is_done(found[entry.name], entry, asked)]
        if len(left) < len(entries):
            say(f"{len(entries) - len(left)} of {len(entries)} tasks were done before")
        pool = Pool(
            checkout, supervisor, environ, asked, folder, Progress(len(entries), len(entries) - len(left))
        )
        try:
            found.update(pool.run(left))
        except Interrupted:
            say(f"what is not done yet is done when you call it again: {len(left) - pool.well} tasks")
            raise
    ended = [found[entry.name] for entry in entries]
    told = [one for one in ended if one is not None]
    if asked.json:
        sys.stdout.write(f"{json.dumps({'tasks': [one.told() for one in told]}, indent=2)}\n")
    else:
        sys.stdout.write(table(told))
        say(f"the results are in {printable(str(folder))}")
    return OK if len(told) == len(entries) and all(one.exit_code == OK for one in told) else FAILED


def read(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Task, file: Path
) -> list[Entry]:
    """Return the tasks of a list, as the image reads it.

    Raises:
        HostError: it cannot be read, or is none; or the image is not there.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        text = content.decode()
    except OSError as error:
        raise HostError(f"{printable(str(file))} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise HostError(f"{printable(str(file))} is no UTF-8 text, from byte {error.start} on.") from error
    if len(content) > LARGEST:
        raise HostError(
            f"{printable(str(file))} is too long for a list of tasks: {LARGEST} bytes are the most."
        )
    engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    compose = compose.given(**image.choose_platform(environ, configuration.environment))
    if asked.build:
        image.build(supervisor, compose, configuration)
    else:
        image.require(supervisor, configuration, compose.environ)
    told = {"text": text, "file": printable(file.name)}
    answer = inquiry.ask(supervisor, compose, configuration, "", told, files=False, program=PROGRAM)
    return [Entry(one["name"], one["prompt"], one["tool"], one["timeout"]) for one in answer["tasks"]]


def is_done(before: Result | None, entry: Entry, asked: Task) -> bool:
    """Tell whether a task has ended well, as it is written now."""
    same = before is not None and (before.prompt, before.tool) == (entry.prompt, entry.tool or asked.tool)
    return before is not None and same and before.exit_code == OK


@dataclass
class Pool:
    """Does tasks, some at a time.

    Attributes:
        checkout: whose start.sh does each.
        supervisor: what runs them.
        environ: what they are given.
        asked: how many at a time, and what all have in common.
        folder: of their results.
        progress: who is told.
        running: those that are being done.
        well: how many have ended well.
    """

    checkout: Checkout
    supervisor: Supervisor
    environ: Mapping[str, str]
    asked: Task
    folder: Path
    progress: Progress
    running: list[Running] = field(default_factory=list)
    well: int = 0

    def run(self, entries: Sequence[Entry]) -> dict[str, Result]:
        """Do them; return their results.

        Raises:
            Interrupted: somebody asked for the end; those that ran have ended.
        """
        waiting, found = list(entries), {}
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.asked.jobs:
                    self.running.append(self._begun(waiting.pop(0)))
                self.progress.show((one.entry.name, one.since) for one in self.running)
                self.supervisor.pause(LOOK)
                self.supervisor.check()
                for one in [one for one in self.running if one.begun.child.ended()]:
                    self.running.remove(one)
                    found[one.entry.name] = self._ended(one)
        except Interrupted:
            self._end()
            raise
        finally:
            self.progress.clear()
        return found

    def _begun(self, entry: Entry) -> Running:
        tool, limit = entry.tool or self.asked.tool, entry.timeout or self.asked.limit
        command = [
            str(self.checkout.root / "start.sh"), "task", "--json", "--no-build", "--copy",
            "--name", entry.name, *(["--tool", tool] if tool else []),
            *(["--timeout", str(limit)] if limit else []), "--", entry.prompt,
        ]  # fmt: skip
        log = (self.folder / f"{entry.name}.log").open("w+b")
        begun = self.supervisor.begin(command, self.environ, needed=False, errors=log)
        return Running(entry, begun, log, time.monotonic())

    def _ended(self, one: Running) -> Result:
        """Keep the result of a task that has ended."""
        answer = self.supervisor.finish(one.begun)
        one.log.close()
        told = results.understood(answer.output) or Result(
            name=one.entry.name, prompt=one.entry.prompt, tool=one.entry.tool or self.asked.tool,
            workspace="", copied=True, exit_code=answer.code or FAILED, seconds=time.monotonic() - one.since,
            problem="\n".join(answer.errors.splitlines()[-LAST:]),
        )  # fmt: skip
        results.keep(self.folder / f"{one.entry.name}.json", told)
        self.well += told.exit_code == OK
        self.progress.tell(told)
        return told

    def _end(self) -> None:
        """Ask those that run to end, and wait for it."""
        with self.supervisor.undisturbed():
            for one in self.running:
                one.begun.child.signal(signal.SIGTERM)
            for one in self.running:
                self.supervisor.finish(one.begun, ENDING)
                one.log.close()
