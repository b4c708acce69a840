"""The results of tasks that have ended: from their pods' status and logs to files on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from host import answers
from host.control import Place
from host.errors import FAILED, OK, HostError
from host.kubernetes import kubectl as kubectls
from host.kubernetes import local, payload, pods, state
from host.messages import printable, say
from host.tasks import heard, one
from host.tasks import result as results
from host.tasks.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from host.kubernetes.kubectl import Kubectl
    from host.kubernetes.local import Kept
    from host.kubernetes.pods import End
    from host.kubernetes.state import State
    from host.supervisor import Beside
    from host.tasks.many import Entry, Work

# Pods that are asked at once; and how often one is that does not answer.
AT_ONCE, TRIES = 4, 5
# Lines of a log that say why a project was not fetched.
LAST = 3


class Asked(NamedTuple):
    """The logs of a pod, asked for."""

    which: int
    end: End
    result: Beside
    task: Beside
    fetch: Beside | None


@dataclass
class Collector:
    """Keeps the results of a run.

    Attributes:
        work: what is done, and where results go.
        kubectl: how the cluster is asked.
        run: which run it is.
        wanted: its tasks whose results are not kept yet.
        workspace: the user's folder.
        found: the results that were kept, by name.
        tries: how often a pod did not answer.
    """

    work: Work
    kubectl: Kubectl
    run: State
    wanted: dict[int, Entry]
    workspace: Path
    found: dict[str, Result] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)

    def collect(self, ended: Iterable[int], why: str = "") -> None:
        """Keep the results of tasks that have ended; one whose pod does not answer has to wait.

        Args:
            ended: their indexes.
            why: what ended the whole of them, "" where nothing did.

        Raises:
            HostError: the cluster does not answer, or they cannot be kept.
        """
        due = sorted(self.wanted.keys() & set(ended))
        for start in range(0, len(due), AT_ONCE):
            some = due[start : start + AT_ONCE]
            selector = f"{pods.RUN}={self.run.name},{pods.INDEX} in ({','.join(map(str, some))})"
            there = self.kubectl.json("asking for pods", "get", "pods", f"--selector={selector}")
            for asked in [self.ask(index, answers.entries(there, "items"), why) for index in some]:
                if asked is not None:
                    self.understand(asked)

    def ask(self, index: int, listed: list[Any], why: str) -> Asked | None:
        """Ask for the logs of a task's pod, and do not wait; keep at once that there is none."""
        pod = pods.chosen(listed, index)
        if pod is None:
            gone = why or "its pod is gone, and its result with it"
            self.keep(index, pods.End(FAILED, 0.0, "not run" if why else "lost", gone), "")
            return None
        end, name = pods.end(pod), pods.name(pod)
        fetch = self._log(name, pods.FETCH, f"--tail={LAST}") if end.ended == "not fetched" else None
        limit = f"--limit-bytes={payload.LARGEST_LOG}"
        return Asked(
            index, end, self._log(name, pods.RESULT, limit), self._log(name, pods.TASK, limit), fetch
        )

    def understand(self, asked: Asked) -> None:
        """Keep what a pod's logs say."""
        result, task = self.kubectl.answer(asked.result), self.kubectl.answer(asked.task)
        end = asked.end
        if asked.fetch is not None:
            said = self.kubectl.answer(asked.fetch).output.strip()
            end = end._replace(problem="\n".join(map(printable, said.splitlines())) or end.problem)
        elif result.code != OK:
            why = kubectls.failure(result.errors, "its result")
            self.tries[asked.which] = self.tries.get(asked.which, 0) + 1
            if not isinstance(why, kubectls.MissingError) and self.tries[asked.which] < TRIES:
                return
            if not end.problem:
                end = end._replace(ended="no result", problem="\n".join((why.what, *why.todo)))
        found = None
        if end.ended != "not fetched" and result.code == OK:
            try:
                found = payload.read(result.output.encode())
            except payload.Broken as broken:
                end = end if end.problem else end._replace(ended="no result", problem=str(broken))
        if found is not None and found.data is None:
            why_not = f"its changes ({found.files} files) are too long for a log"
            end = end if end.problem else end._replace(ended="too large", problem=why_not)
        self.keep(asked.which, end, task.output if task.code == OK else "", found)

    def keep(self, index: int, end: End, said: str, found: payload.Payload | None = None) -> None:
        """Keep a result, and make it a copy where that can be.

        Raises:
            OSError: it cannot be kept.
        """
        entry, folder = self.wanted[index], self.work.folder
        kept = local.Kept(entry.name, self.run.base, folder)
        kept.log.write_text(said, encoding="utf-8", errors="replace")
        answer = said[-heard.MOST :]
        result = Result(
            name=entry.name, prompt=entry.prompt, tool=entry.tool, workspace=str(self.workspace), copied=True,
            # What is lost is not done, whatever the tool says.
            exit_code=end.exit_code or (FAILED if end.problem else OK), seconds=end.seconds, answer=answer,
            files=found.files if found else None,
            cut=(*(["answer"] if len(answer) < len(said) else []),
                 *(["diff"] if found and found.data is None else [])),
            problem=end.problem, ended=end.ended,
        )  # fmt: skip
        if found and found.data:
            local.keep(kept.file, found.data)
        results.keep(folder / f"{entry.name}.json", result)
        self.run = self.run._replace(collected=(*self.run.collected, index))
        state.keep(folder, self.run)
        del self.wanted[index]
        self.found[entry.name] = settled(self.work, self.workspace, kept, result)
        self.work.progress.tell(self.found[entry.name])

    def _log(self, pod: str, container: str, *options: str) -> Beside:
        return self.kubectl.begin("logs", pod, f"--container={container}", *options)


def settled(work: Work, workspace: Path, kept: Kept, result: Result) -> Result:
    """Make a copy of what is kept of a result, and return the result with what changed in it.

    Raises:
        Interrupted: somebody asked for the end: it is made the next time.
    """
    if not kept.file.exists():
        return result
    try:
        local.made(work.maker, workspace, kept)
    except (HostError, OSError) as error:
        work.progress.clear()
        why = error.what if isinstance(error, HostError) else str(error)
        say(f"{kept.name}: its changes are no copy yet: {why}")
        for line in (*getattr(error, "todo", ()), "Then call this again: they are kept."):
            say(f"{kept.name}: {line}")
        return result
    maker = work.maker
    place = Place(maker.supervisor, maker.compose, maker.configuration, [], work.checkout.caller)
    with kept.log.open("ab") as said:
        files, diff, is_cut = one.changed(work.checkout, place, kept.name, said)
    result = result._replace(files=files, diff=diff, cut=(*result.cut, *(["diff"] if is_cut else [])))
    results.keep(kept.folder / f"{kept.name}.json", result)
    return result
