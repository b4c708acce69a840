"""What is done with sessions that run: come back to one, end it, print what it wrote, run a command in it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host import attendance, copies, detach_keys, engine, gateway, inside, labels, remains, roster, screen
from host import compose as compose_files
from host import refused as records
from host import terminal as terminals
from host.errors import OK, SIGNALLED, HostError
from host.messages import say
from host.session import STOPPING, Session
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from host.checkout import Checkout
    from host.compose import Compose
    from host.configuration import Configuration
    from host.options.sessions import Attach, Enter, Logs, Stop
    from host.roster import Known
    from host.supervisor import Supervisor

# Seconds to read what a session wrote: more of it than that is not looked at.
READING = 2.0
# What the client says when it is left by its keys.
LEFT_BY_KEYS = b"read escape sequence"


@dataclass(frozen=True)
class Place:
    """This checkout, as the verbs of its sessions need it.

    Attributes:
        supervisor: what asks.
        compose: how Compose is called.
        configuration: what it understood.
        known: the containers of this checkout.
        caller: the folder that start.sh was called from.
    """

    supervisor: Supervisor
    compose: Compose
    configuration: Configuration
    known: list[Known]
    caller: Path

    @property
    def environ(self) -> Mapping[str, str]:
        """What the engine's client is given."""
        return self.compose.environ

    @property
    def state(self) -> Path:
        """The folder of what the engine does not keep."""
        return records.folder(self.environ, self.configuration.project)

    def running(self) -> list[Known]:
        """Return the sessions that run, those of the caller's folder first."""
        return roster.sessions(self.known, self.caller)

    def sweep(self) -> None:
        """Tell of what ended unattended, and remove it."""
        remains.sweep(self.supervisor, self.environ, self.configuration, self.known)


def look(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> Place:
    """Return what there is of this checkout.

    Raises:
        HostError: the engine does not answer, or Compose refuses the settings.
    """
    asked, listed = engine.ask(supervisor, environ), roster.begin(supervisor, environ)
    try:
        compose, configuration = compose_files.read(supervisor, checkout, environ)
    finally:
        # Without an engine that is what is told, whatever Compose says.
        engine.answered(supervisor, environ, asked)
    known = roster.finish(supervisor.finish(listed), checkout.root, configuration.projects)
    return Place(supervisor, compose, configuration, known, checkout.caller)


def attach(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Attach) -> int:
    """Come back to a session; return its exit code once it has ended, 0 where it is left again.

    Raises:
        HostError: there is none of that name, or more than one without.
        Interrupted: somebody asked for the end.
    """
    place = look(checkout, supervisor, environ)
    place.sweep()
    return join(place, roster.chosen(place.running(), asked.name, "attach NAME"))


def join(place: Place, one: Known) -> int:
    """Be at a session until it ends, or is left; return its exit code."""
    at_terminal = terminals.is_terminal() and _has_terminal(place, one)
    written = {labels.SESSION: one.session, labels.NAME: one.name}
    session = Session(place.supervisor, place.compose, written, one.container, lasting=True)
    if attendance.is_held(place.state, one.session):
        say(f"{one.name} has somebody else attached, too")
    if at_terminal:
        say(f"{one.name}: {detach_keys.told(place.environ)} leaves it running")
    try:
        with (
            attendance.held(place.state, one.session, lambda: session.stays),
            _client(place, one, terminal=at_terminal) as (command, streams),
        ):
            return session.attend(command, streams, place.environ)
    finally:
        if not session.stays:
            clear(place, one)


@contextlib.contextmanager
def _client(place: Place, one: Known, *, terminal: bool) -> Iterator[tuple[list[str], Streams]]:
    """Have a command line that attaches; what it says is told, but not that it was left by its keys."""
    command = ["docker", "attach", "--sig-proxy=false"]
    if not terminal:
        yield [*command, "--no-stdin", one.id], Streams(subprocess.DEVNULL)
        return
    known = screen.modes(_log(place, one))
    terminals.write(known)

    def late() -> bytes:
        """Return the modes, if there are others: the engine writes a log down 16 KB at a time, or a line."""
        command = ["docker", "logs", one.id]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            told = subprocess.run(command, env=dict(place.environ), stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=READING, check=False)  # fmt: skip
            now = screen.modes(told.stdout)
            return now if now != known else b""
        return b""

    with tempfile.TemporaryFile() as errors:
        options = detach_keys.options(place.environ)
        with terminals.nudged(late):
            yield [*command, *options, one.id], Streams(stderr=errors, terminal=True)
        errors.seek(0)
        text = errors.read()
        if LEFT_BY_KEYS not in text:
            os.write(2, text)


def clear(place: Place, one: Known) -> None:
    """Settle what belonged to a session that is gone: copy, gateway; the model of --demo, after the last."""
    with place.supervisor.undisturbed():
        beside = roster.gateways(place.known, one.session)
        project = place.configuration.project
        copies.settle_of(place.supervisor, place.environ, project, one.copy)
        gateway.tell(gateway.remove(place.supervisor, place.environ, project, beside))
        inside.remove_of(place.supervisor, place.environ, project, lambda start: start == one.session)
        if any(other.service == remains.MODEL for other in place.known):
            now = roster.ask(
                place.supervisor, place.environ, place.compose.root, place.configuration.projects
            )
            remains.remove_model(place.supervisor, place.environ, place.state, now)


def stop(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Stop) -> int:
    """End one session, or all, and tell how.

    Raises:
        HostError: there is none of that name, or more than one without.
        Interrupted: somebody asked for the end.
    """
    place = look(checkout, supervisor, environ)
    place.sweep()
    running = place.running()
    if asked.all and not running:
        return OK
    chosen = running if asked.all else [roster.chosen(running, asked.name, "stop NAME, or stop --all")]
    answer = supervisor.ask(["docker", "stop", *(one.id for one in chosen)], environ, STOPPING)
    if answer.code != OK:
        raise HostError("the engine does not stop it:", *answer.errors.strip().splitlines()[-1:])
    for one in chosen:
        if not remains.settle(supervisor, environ, one, unattended=False):
            say(f"{one.name} is ended")
        attendance.forget(place.state, one.session)
        clear(place, one)
    return OK


def logs(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Logs) -> int:
    """Print what a session wrote to its terminal, one that has ended included.

    Raises:
        HostError: there is none of that name, or more than one without.
        Interrupted: somebody asked for the end.
    """
    place = look(checkout, supervisor, environ)
    ended = [one for one in place.known if one.is_session and asked.name == one.name]
    one = ended[0] if ended else roster.chosen(place.running(), asked.name, "logs NAME")
    command = ["docker", "logs", *(["--follow"] if asked.follow else []), one.id]
    try:
        return supervisor.run(command, environ, Streams(subprocess.DEVNULL))
    finally:
        if os.isatty(1):
            # It has what the tool told its own terminal.
            terminals.put_right()


def enter(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Enter) -> int:
    """Run a command, or a shell, in a sandbox that runs; return its exit code.

    `docker compose exec` knows containers of `up` only, and both it and `docker exec` are root by default;
    sandbox-enter gives that up as the session did.

    Raises:
        HostError: none runs, or more than one and none is named.
        Interrupted: somebody asked for the end.
    """
    place = look(checkout, supervisor, environ)
    running = roster.enterable(place.known, place.caller)
    one = roster.chosen(running, asked.name, "exec --name NAME")
    options = ["--interactive", *detach_keys.options(environ)]
    at_terminal = terminals.is_terminal()
    command = [*options, *(["--tty"] if at_terminal else []), one.id, "sandbox-enter", *asked.words]
    code = supervisor.run(["docker", "exec", *command], environ, Streams(terminal=os.isatty(0)))
    if at_terminal and code > SIGNALLED:
        terminals.put_right()
    return code


def _has_terminal(place: Place, one: Known) -> bool:
    asked = ["docker", "inspect", "--format", "{{.Config.Tty}}", one.id]
    return place.supervisor.ask(asked, place.environ).output.strip() == "true"


def _log(place: Place, one: Known) -> bytes:
    """Return what a session wrote so far, as much as can be read in a moment."""
    with tempfile.TemporaryFile() as file:
        streams = Streams(subprocess.DEVNULL, file, subprocess.DEVNULL)
        place.supervisor.run(["docker", "logs", one.id], place.environ, streams, limit=READING)
        file.seek(0)
        return file.read()
