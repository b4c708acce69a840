"""What is kept of a run in the folder of the results, so that the next call goes on with it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from host import answers
from host.errors import HostError
from host.messages import printable
from host.tasks import result as results

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from host.tasks.many import Entry

FILE, VERSION = ".kubernetes.json", 1
# Bytes of it that are read.
LARGEST = 4 << 20
TEXTS = ("name", "context", "namespace", "repository", "commit", "base")


class State(NamedTuple):
    """A run that was begun.

    Attributes:
        name: of its Job, and of the label on all that it is made of.
        context: kubectl's, "" for none.
        namespace: in which it is.
        repository: what its tasks fetched.
        commit: of that.
        base: the commit that results are compared with on this machine.
        since: when it was begun, in seconds since 1970.
        tasks: name and digest of each, by their index.
        collected: the indexes whose results are kept.
    """

    name: str
    context: str
    namespace: str
    repository: str
    commit: str
    base: str
    since: float
    tasks: tuple[tuple[str, str], ...]
    collected: tuple[int, ...] = ()


def digest(entry: Entry) -> str:
    """Return what tells whether a task is the same as before."""
    return hashlib.sha256(f"{entry.tool}\0{entry.prompt}".encode(errors="surrogatepass")).hexdigest()


def of(entries: Iterable[Entry]) -> tuple[tuple[str, str], ...]:
    """Return what is kept of tasks."""
    return tuple((entry.name, digest(entry)) for entry in entries)


def matching(state: State, entries: Iterable[Entry]) -> dict[int, Entry]:
    """Return the tasks of a run whose results are still wanted, by index: a changed one is another."""
    now = {(entry.name, digest(entry)): entry for entry in entries}
    return {
        index: now[task]
        for index, task in enumerate(state.tasks)
        if task in now and index not in state.collected
    }


def keep(folder: Path, state: State) -> None:
    """Write it: as a whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    results.keep_json(folder / FILE, {"version": VERSION, **state._asdict()})


def forget(folder: Path) -> None:
    """Remove it."""
    (folder / FILE).unlink()


def read(folder: Path) -> State | None:
    """Return the run that the last call left; None where it left none.

    Raises:
        HostError: it cannot be understood: a run may be in the cluster, and would be begun twice.
    """
    file = folder / FILE
    try:
        with file.open("rb") as opened:
            told = answers.parse(opened.read(LARGEST))
    except FileNotFoundError:
        return None
    except ValueError:
        told = None
    state = _understood(told)
    if state is None:
        raise HostError(
            f"{printable(str(file))} does not say which run is in the cluster.",
            "Look for it: kubectl get jobs --selector agentic-sandbox/run. Then remove that file.",
        )
    return state


def _understood(told: Any) -> State | None:
    """Return what such a file says; None where it is none that keep() wrote."""
    try:
        texts = {name: told[name] for name in TEXTS}
        since, collected = float(told["since"]), tuple(map(int, told["collected"]))
        tasks = tuple((str(name), str(which)) for name, which in told["tasks"])
        is_known = told["version"] == VERSION and all(isinstance(text, str) for text in texts.values())
    except (KeyError, TypeError, ValueError):
        return None
    return State(**texts, since=since, tasks=tasks, collected=collected) if is_known else None
