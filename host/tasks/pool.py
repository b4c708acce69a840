"""A list of tasks on this machine, some at a time: each is a start.sh of its own."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple

from host.errors import FAILED, Interrupted
from host.tasks import result as results
from host.tasks.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.supervisor import Beside, Supervisor
    from host.tasks.many import Entry, Work

# Seconds between two looks at what runs, and for a task to end that is asked to.
LOOK, ENDING = 1.0, 90.0
# Lines of a log that say why a task did not start.
LAST = 3


class Running(NamedTuple):
    """A task that is being done."""

    entry: Entry
    begun: Beside
    log: IO[bytes]
    since: float


@dataclass
class Pool:
    """Does tasks, some at a time.

    Attributes:
        work: what is to be done, and how many at a time.
        supervisor: what runs them.
        environ: what they are given.
        running: those that are being done.
    """

    work: Work
    supervisor: Supervisor
    environ: Mapping[str, str]
    running: list[Running] = field(default_factory=list)

    def run(self) -> dict[str, Result]:
        """Do them; return their results.

        Raises:
            Interrupted: somebody asked for the end; those that ran have ended.
        """
        waiting, found = list(self.work.left), {}
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.work.asked.jobs:
                    self.running.append(self._begun(waiting.pop(0)))
                self.work.progress.show((one.entry.name, one.since) for one in self.running)
                self.supervisor.pause(LOOK)
                self.supervisor.check()
                for one in [one for one in self.running if one.begun.child.ended()]:
                    self.running.remove(one)
                    found[one.entry.name] = self._ended(one)
        except Interrupted:
            self._end()
            raise
        finally:
            self.work.progress.clear()
        return found

    def _begun(self, entry: Entry) -> Running:
        command = [
            str(self.work.checkout.root / "start.sh"), "task", "--json", "--no-build", "--copy",
            "--name", entry.name, *(["--tool", entry.tool] if entry.tool else []),
            *(["--timeout", str(entry.timeout)] if entry.timeout else []), "--", entry.prompt,
        ]  # fmt: skip
        log = (self.work.folder / f"{entry.name}.log").open("w+b")
        begun = self.supervisor.begin(command, self.environ, needed=False, errors=log)
        return Running(entry, begun, log, time.monotonic())

    def _ended(self, one: Running) -> Result:
        """Keep the result of a task that has ended."""
        answer = self.supervisor.finish(one.begun)
        one.log.close()
        told = results.understood(answer.output) or Result(
            name=one.entry.name, prompt=one.entry.prompt, tool=one.entry.tool,
            workspace="", copied=True, exit_code=answer.code or FAILED, seconds=time.monotonic() - one.since,
            problem="\n".join(answer.errors.splitlines()[-LAST:]),
        )  # fmt: skip
        results.keep(self.work.folder / f"{one.entry.name}.json", told)
        self.work.progress.tell(told)
        return told

    def _end(self) -> None:
        """Ask those that run to end, and wait for it."""
        with self.supervisor.undisturbed():
            for one in self.running:
                one.begun.child.signal(signal.SIGTERM)
            for one in self.running:
                self.supervisor.finish(one.begun, ENDING)
                one.log.close()
