"""A session that is started with nobody attached: it is left once its tool runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

from host.errors import FAILED, OK, Interrupted
from host.messages import say
from host.session import IN_FLIGHT, PATIENCE
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.session import Kind, Session

# Seconds until the tool must run: a model server may be slow.
STARTING = 60.0
# What PID 1 runs besides the tool: image/bin.
PROGRAMS = "/sandbox-"


def start(session: Session, told: Kind) -> int:
    """Start the container; return 0 once its tool runs, else its exit code.

    Raises:
        HostError: its name is another's.
        Interrupted: somebody asked for the end, and it is gone.
    """
    session.lasting = True
    command = session.command(told, terminal=True, detached=True)
    supervisor, environ = session.supervisor, session.compose.environ
    try:
        with _screen() as screen:
            code = supervisor.run(command, environ, Streams(screen, screen))
        deadline = time.monotonic() + STARTING
        while code == OK and not _has_begun(session) and time.monotonic() < deadline:
            supervisor.pause(0.1)
            supervisor.check()
    except Interrupted:
        session.remove(patience=IN_FLIGHT)
        raise
    if code == OK and session.running():
        session.leave()
        return code
    return _not_begun(session, code)


@contextlib.contextmanager
def _screen() -> Iterator[int]:
    """Have a terminal that nobody looks at: Compose gives a container one only where it has one itself.

    What it writes there is the container's number.
    """
    ours, its = os.openpty()
    try:
        yield its
    finally:
        os.close(its)
        os.close(ours)


def _has_begun(session: Session) -> bool:
    """Tell whether the tool runs, or nothing does any more."""
    return begun(session.docker("top", session.container, "-eo", "pid,ppid,args")) or not session.running()


def _not_begun(session: Session, code: int) -> int:
    """Tell why a session has ended that was to run on, and return its exit code."""
    if not session.look():
        session.require_name()
        return code
    log = ["docker", "logs", session.container]
    session.supervisor.run(log, session.compose.environ, Streams(subprocess.DEVNULL, 2), limit=PATIENCE)
    told = session.docker("inspect", "--format", "{{.State.ExitCode}}", session.container).strip()
    session.remove()
    say(f"{session.name} ended at its start with exit code {told}; the lines above are what it said")
    return int(told) if told.isdigit() else FAILED


def begun(listed: str) -> bool:
    """Tell whether a session's tool runs, by what ps(1) lists: numbers, parents and words of its processes.

    PID 1's children are its own programs, such as the one that asks the model server, or still its copies.
    """
    processes = [words for line in listed.splitlines()[1:] if len(words := line.split(None, 2)) == 3]
    numbers = {number for number, _, _ in processes}
    first = next((words for words in processes if words[1] not in numbers), None)
    return first is not None and any(
        parent == first[0] and text != first[2] and PROGRAMS not in text for _, parent, text in processes
    )
