"""What sessions leave that ended while nobody was there: told once, and removed; and what killed starts left.

Of two who do so at a time, the engine lets one remove a container: that one tells of it.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple

from host import attendance, copies, gateway, inside
from host import refused as records
from host.configuration import GATEWAY, SERVICE
from host.endings import killed
from host.errors import OK, SIGNALLED
from host.messages import printable, say
from host.terminal import RESET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from host.configuration import Configuration
    from host.roster import Known
    from host.supervisor import Supervisor

# Seconds for an answer of the engine's.
PATIENCE = 60.0
# Lines and bytes of a log's end that are looked at, and lines that are told.
LINES, BYTES, TOLD = "400", "65536", 60
TAIL = 'docker logs --tail "$1" "$2" 2>&1 | tail -c "$3"'
# The service of --demo.
MODEL = "model"


class End(NamedTuple):
    """How a container ended, as the engine tells it."""

    code: int
    out_of_memory: bool
    when: str


def sweep(
    supervisor: Supervisor, environ: Mapping[str, str], configuration: Configuration, known: Iterable[Known]
) -> None:
    """Tell of what ended unattended, and remove it with all that belonged to it.

    Args:
        supervisor: what asks.
        environ: of the engine's client, and where the user's state is.
        configuration: what Compose understood.
        known: the containers of this checkout.
    """
    known = list(known)
    place = records.folder(environ, configuration.project)
    living = {
        one.session for one in known
        if one.service == SERVICE and one.session and (one.runs or is_attended(place, one.session))
    }  # fmt: skip
    for one in known:
        if one.is_session and not one.runs and one.session not in living:
            settle(supervisor, environ, one)
            copies.settle_of(supervisor, environ, configuration.project, one.copy)
            attendance.forget(place, one.session)

    def is_left(start: str) -> bool:
        return start not in living and not is_attended(place, start)

    left = [one for one in known if one.service == GATEWAY and one.gateway and is_left(one.gateway)]
    for one in left:
        # What was refused to a session that nobody looked at.
        told = gateway.remove(supervisor, environ, configuration.project, [one.id])
        gateway.tell(told, f"{one.name}: " if one.name else "")
    if configuration.by_network:
        inside.remove_of(supervisor, environ, configuration.project, is_left)
    remove_model(supervisor, environ, place, known)


def settle(
    supervisor: Supervisor, environ: Mapping[str, str], one: Known, *, unattended: bool = True
) -> bool:
    """Remove a session that has ended, and tell how it did if it was we who removed it.

    Args:
        supervisor: what asks.
        environ: of the engine's client.
        one: the session.
        unattended: whether nobody saw its end.

    Returns:
        Whether it was told.
    """
    end = None if one.state == "created" else _end(supervisor, environ, one.id)
    told = _tail(supervisor, environ, one.id) if end else []
    if supervisor.ask(["docker", "rm", one.id], environ, PATIENCE).code != OK or end is None:
        return False
    memory = ", for want of memory" if end.out_of_memory else ""
    alone = f", and nobody was there: {end.when}" if unattended else ""
    say(f"{one.name} ({printable(one.runs_what)}, {printable(one.workspace)}) ended with exit code "
        f"{end.code}{memory}{alone}")  # fmt: skip
    if end.code == SIGNALLED + signal.SIGKILL and (unattended or end.out_of_memory):
        say(killed(out_of_memory=end.out_of_memory))
    for line in told:
        say(f"> {line}")
    return True


def is_attended(place: Path, start: str) -> bool:
    """Tell whether somebody is at a session, or still at making it.

    Args:
        place: the folder of the project's state.
        start: which start made it, and in which process.
    """
    held = attendance.is_held(place, start)
    return _process_runs(start) if held is None else held


def remove_model(
    supervisor: Supervisor, environ: Mapping[str, str], place: Path, known: Iterable[Known]
) -> None:
    """Remove the model of --demo where no session is left that it would serve."""
    known = list(known)
    models = [one.id for one in known if one.service == MODEL]
    if not models or any(one.service == SERVICE and one.runs for one in known):
        return
    if not attendance.is_any_held(place):
        supervisor.ask(["docker", "rm", "--force", *models], environ, PATIENCE)


def words(log: str) -> list[str]:
    """Return what PID 1 said at a session's end: what follows on its putting the terminal right.

    Where it did not, those lines at the end that are its. What the log says may be the agent's word.
    """
    _, reset, rest = log.rpartition(RESET.decode())
    lines = [printable(line.rstrip()) for line in rest.replace("\r\n", "\n").split("\n")]
    if reset:
        return list(filter(None, lines))[-TOLD:]
    # Its report is a line of its own, and those below that are indented.
    first = len(lines)
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith("sandbox: ") and not lines[index].startswith("sandbox: info: "):
            first = index
        elif lines[index] and not lines[index].startswith(" "):
            break
    return list(filter(None, lines[first:]))[-TOLD:]


def _end(supervisor: Supervisor, environ: Mapping[str, str], container: str) -> End | None:
    asked = "{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}"
    answer = supervisor.ask(["docker", "inspect", "--format", asked, container], environ, PATIENCE)
    fields = answer.output.split()
    if answer.code != OK or len(fields) != 3:
        return None
    return End(int(fields[0]), fields[1] == "true", f"{fields[2][:19].replace('T', ' ')} UTC")


def _tail(supervisor: Supervisor, environ: Mapping[str, str], container: str) -> list[str]:
    answer = supervisor.ask(["sh", "-c", TAIL, "sh", LINES, container, BYTES], environ, PATIENCE)
    return words(answer.output)


def _process_runs(start: str) -> bool:
    """Tell whether the process of a start still runs."""
    try:
        os.kill(int(start.partition(".")[0]), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except OSError:
        # Another user's.
        return True
    return True
