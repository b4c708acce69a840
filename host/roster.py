"""The sessions of this checkout, and the gateways beside them, as the engine lists them: one question.

What the engine is asked is every container with Compose's labels: which checkout one is of tells its folder.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from host import answers, containers, labels
from host.configuration import GATEWAY, SERVICE
from host.errors import HostError
from host.messages import printable
from host.session import RUNNING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from host.supervisor import Answer, Beside, Supervisor

_LABELS = (
    *(f"{containers.LABEL}.{name}" for name in ("project", "service", "project.working_dir")),
    labels.SESSION, labels.GATEWAY, labels.NAME, labels.KIND, labels.TOOL, labels.WORKSPACE, labels.COPY,
)  # fmt: skip
# A line is a JSON list, for a folder's name may hold anything.
_FORMAT = "[{}]".format(
    ",".join((
        *(f"{{{{json .{field}}}}}" for field in ("ID", "Names", "State", "Status", "CreatedAt")),
        *(f'{{{{json (.Label "{label}")}}}}' for label in _LABELS),
    ))
)  # fmt: skip


class Known(NamedTuple):
    """A container of this checkout, running or not.

    Attributes:
        id: the engine's number of it.
        container: the engine's name of it.
        state: created, running, paused, exited, …
        status: the same in the engine's words, with the exit code and since when.
        made: when it was made, as the engine's client writes it.
        project: Compose's.
        service: Compose's.
        folder: of the checkout.
        session: which start made it, and in which process; "" where nobody labelled it.
        gateway: the same, of a gateway.
        name: what the user calls the session; "" where it is none that has a name.
        kind: what runs in it.
        tool: which tool; "" where the menu asks.
        workspace: the folder that it works on.
        copy: the volume with its copy of that folder, or "".
    """

    id: str
    container: str
    state: str
    status: str
    made: str
    project: str
    service: str
    folder: str
    session: str
    gateway: str
    name: str
    kind: str
    tool: str
    workspace: str
    copy: str

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self.state in RUNNING

    @property
    def is_session(self) -> bool:
        """Whether it is a session with a name, not a gateway, nor what runs for a moment."""
        return self.service == SERVICE and bool(self.name)

    @property
    def since(self) -> datetime | None:
        """When it was made."""
        try:
            return datetime.strptime(self.made[:25], "%Y-%m-%d %H:%M:%S %z").astimezone(timezone.utc)
        except ValueError:
            return None

    @property
    def exit_code(self) -> int | None:
        """The exit code of one that has ended."""
        found = re.match(r"Exited \((\d+)\)", self.status)
        return int(found[1]) if found else None

    @property
    def runs_what(self) -> str:
        """What runs in it, in a word."""
        return self.tool or ("menu" if self.kind in ("", "tool") else self.kind)


def begin(supervisor: Supervisor, environ: Mapping[str, str]) -> Beside:
    """Ask for all containers, and do not wait for the answer."""
    of_compose = ("--filter", f"label={containers.LABEL}.project.working_dir")
    listed = ["docker", "ps", "--all", "--no-trunc", *of_compose, "--format", _FORMAT]
    # An engine that answers nothing says why to another question.
    return supervisor.begin(listed, environ, needed=False)


def finish(answer: Answer, root: Path, projects: Collection[str]) -> list[Known]:
    """Return those of a checkout, the newest first.

    Args:
        answer: to what begin() asked.
        root: the checkout's folder.
        projects: Compose's names of it.

    Raises:
        HostError: the engine does not tell.
    """
    if answer.code != 0:
        raise HostError("the engine does not list its containers:", *answer.errors.strip().splitlines()[-1:])
    return [
        one for one in parse(answer.output) if one.project in projects and containers.same(one.folder, root)
    ]


def ask(
    supervisor: Supervisor, environ: Mapping[str, str], root: Path, projects: Collection[str]
) -> list[Known]:
    """Return the containers of a checkout, the newest first.

    Raises:
        HostError: the engine does not tell.
    """
    return finish(supervisor.finish(begin(supervisor, environ)), root, projects)


def parse(output: str) -> list[Known]:
    """Return what `docker ps` lists; a line of another form is none of ours."""
    found = []
    for line in output.splitlines():
        try:
            fields = answers.parse(line)
        except ValueError:
            continue
        if isinstance(fields, list) and len(fields) == len(Known._fields):
            found.append(Known(*map(answers.text, fields)))
    return found


def sessions(known: Iterable[Known], here: Path | None = None) -> list[Known]:
    """Return the sessions that run, those of a folder first."""
    running = [one for one in known if one.is_session and one.runs]
    return sorted(running, key=lambda one: here is None or not is_of(one, here))


def is_of(one: Known, folder: Path) -> bool:
    """Tell whether a session works on a folder, or on one that the folder is in."""
    return bool(one.workspace) and any(str(part) == one.workspace for part in (folder, *folder.parents))


def enterable(known: Iterable[Known], here: Path) -> list[Known]:
    """Return the sandboxes that run and can be entered: Compose's own have no name."""
    by_hand = [one for one in known if one.service == SERVICE and one.runs and not one.session]
    return [*sessions(known, here), *by_hand]


def gateways(known: Iterable[Known], session: str) -> list[str]:
    """Return the gateways beside a session, by what its start is called."""
    return [one.id for one in known if one.service == GATEWAY and session and one.gateway == session]


def chosen(running: Sequence[Known], name: str, verb: str) -> Known:
    """Return the session that is meant: the one of that name, or the only one.

    Args:
        running: those there are.
        name: "" where the user named none.
        verb: of start.sh, for what is said.

    Raises:
        HostError: there is none, or more than one.
    """
    if not running:
        what = f"there is no session {name}" if name else "no sandbox of this folder is running"
        raise HostError(f"{what}.", "Start one: ./start.sh")
    named = [one for one in running if name in (one.name, one.id[:12])] if name else list(running)
    if len(named) == 1:
        return named[0]
    if name:
        raise HostError(f"there is no session {name}. These run:", *map(described, running))
    raise HostError(
        f"{len(running)} sandboxes of this folder run: which one is meant?",
        *map(described, running), f"Name one: ./start.sh {verb}",
    )  # fmt: skip


def described(one: Known) -> str:
    """Return a line about a session."""
    return f"{one.name or one.id[:12]}  {printable(one.runs_what)}  {printable(one.workspace)}".rstrip()
