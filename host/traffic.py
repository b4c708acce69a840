"""`start.sh egress log`: what the gateway decided, line by line, in plain words or as it wrote it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import IO, TYPE_CHECKING

from host import gateway, journal
from host.errors import OK, HostError, Interrupted
from host.messages import say
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from host.options.egress import Egress
    from host.supervisor import Supervisor


def show(supervisor: Supervisor, environ: Mapping[str, str], running: Sequence[str], asked: Egress) -> int:
    """Print what the gateways that run wrote down, and what they write from now on if that is asked for.

    Raises:
        HostError: none runs.
        Interrupted: somebody asked for the end.
    """
    if not running:
        raise HostError(
            "no gateway of this folder runs, and its log goes with it.",
            "What was refused before: ./start.sh egress",
        )
    if asked.follow:
        if len(running) > 1:
            say(f"{len(running)} gateways of this folder run; this is the newest, {running[0][:12]}")
        return follow(supervisor, environ, running[0], as_json=asked.json)
    for container in reversed(running):
        if len(running) > 1:
            say(f"gateway {container[:12]}")
        with tempfile.TemporaryFile() as file:
            streams = Streams(subprocess.DEVNULL, file, subprocess.DEVNULL)
            supervisor.run(["docker", "logs", container], environ, streams, limit=gateway.READING)
            file.seek(0)
            write(file, as_json=asked.json)
    return OK


def follow(supervisor: Supervisor, environ: Mapping[str, str], container: str, *, as_json: bool) -> int:
    """Print lines as they come, until the gateway ends or somebody asks for the end.

    Raises:
        BrokenPipeError: nobody reads them any more.
        Interrupted: somebody asked for the end.
    """
    read, into = os.pipe()
    broken: list[BrokenPipeError] = []

    def passed_on() -> None:
        with os.fdopen(read, "rb") as lines:
            try:
                write(lines, as_json=as_json)
            except BrokenPipeError as error:
                # The client may have nothing to write for hours, and end only then.
                broken.append(error)
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=passed_on, daemon=True)
    thread.start()
    try:
        command = ["docker", "logs", "--follow", container]
        supervisor.run(command, environ, Streams(subprocess.DEVNULL, into, subprocess.DEVNULL))
    except Interrupted:
        if not broken:
            raise
    finally:
        os.close(into)
        thread.join()
    if broken:
        raise broken[0]
    return OK


def write(lines: Iterable[bytes] | IO[bytes], *, as_json: bool) -> None:
    """Print each line of the gateway's."""
    for line in lines:
        entry = journal.parse(line)
        if entry is not None:
            # Written anew, in ASCII: names are the agent's.
            sys.stdout.write(f"{json.dumps(entry.facts) if as_json else journal.words(entry)}\n")
            sys.stdout.flush()
