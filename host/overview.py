"""`start.sh ps`: the sessions of this checkout."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host import control, remains
from host.errors import OK
from host.messages import columns, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.checkout import Checkout
    from host.control import Place
    from host.options.sessions import Ps
    from host.roster import Known
    from host.supervisor import Beside, Supervisor

COLUMNS = ("NAME", "TOOL", "SINCE", "ATTACHED", "MEMORY", "MODEL", "FOLDER")
# How PID 1 tells the model: init/programs/connect.
_MODEL = re.compile(r"sandbox: info: model (\S+) at ")
# The beginning of a session's log, in which the model stands.
HEAD, BYTES = 'docker logs "$1" 2>&1 | head -c "$2"', "65536"
PATIENCE = 10.0


def show(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Ps) -> int:
    """List the sessions, and tell of what ended while nobody was there.

    Raises:
        HostError: the engine does not answer.
        Interrupted: somebody asked for the end.
    """
    place = control.look(checkout, supervisor, environ)
    running = place.running()
    begun = [_begin(place, one) for one in running]
    place.sweep()
    used = memory(place, running)
    rows = [row(place, one, used, _finish(place, head)) for one, head in zip(running, begun)]
    if asked.json:
        sys.stdout.write(f"{json.dumps({'sessions': rows}, indent=2)}\n")
    else:
        sys.stdout.write(table(rows))
    return OK


def row(place: Place, one: Known, used: Mapping[str, str], head: str) -> dict[str, Any]:
    """Return what is told of a session."""
    found = _MODEL.search(head)
    return {
        "name": one.name, "tool": one.runs_what, "kind": one.kind,
        "since": one.since.isoformat() if one.since else None,
        "attached": remains.is_attended(place.state, one.session),
        "memory": used.get(one.id), "model": found[1] if found else None, "folder": one.workspace,
        "folder_there": Path(one.workspace).is_dir(), "copy": one.copy or None, "container": one.container,
    }  # fmt: skip


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the sessions as a table; nothing but its head where there are none."""
    lines = [COLUMNS, *(
        (
            one["name"], one["tool"], (one["since"] or "-")[:16].replace("T", " "),
            "yes" if one["attached"] else "no", one["memory"] or "-", one["model"] or "-",
            one["folder"] + ("" if one["folder_there"] else " (is gone)"),
        )
        for one in rows
    )]  # fmt: skip
    return columns([[printable(cell) for cell in line] for line in lines])


def memory(place: Place, running: Sequence[Known]) -> dict[str, str]:
    """Return how much memory each session uses, in the engine's words, by the container's number."""
    if not running:
        return {}
    listed = ["docker", "stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemUsage}}"]
    answer = place.supervisor.ask([*listed, *(one.id for one in running)], place.environ, PATIENCE)
    fields = (line.split() for line in answer.output.splitlines())
    return {words[0]: words[1] for words in fields if len(words) > 1}


def _begin(place: Place, one: Known) -> Beside:
    return place.supervisor.begin(["sh", "-c", HEAD, "sh", one.id, BYTES], place.environ)


def _finish(place: Place, begun: Beside) -> str:
    return place.supervisor.finish(begun, PATIENCE).output
