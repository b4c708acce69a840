"""The gateway beside a session: its container is made while the session's is, and goes after it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from host import inside, journal
from host import refused as records
from host.errors import SIGNALLED, HostError
from host.journal import Tally
from host.messages import say
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.compose import Compose
    from host.configuration import Configuration
    from host.supervisor import Answer, Beside, Supervisor

SERVICE = "gateway"
LABEL = "agentic-sandbox.gateway"
# Seconds to make it or to remove it, and in which the engine may still make one whose client was killed.
MAKING, REMOVING, IN_FLIGHT = 30.0, 60.0, 2.0
# Seconds to read what it wrote down, and until it must have taken another list.
READING, RELOADING = 10.0, 10.0
# Hosts that are named at a session's end.
SHOWN = 3


@contextlib.contextmanager
def beside(
    supervisor: Supervisor, compose: Compose, configuration: Configuration, variables: Mapping[str, str]
) -> Iterator[Compose]:
    """Have a gateway of the session's own; yield how Compose is called for a session that uses it.

    Two sessions of a folder may have two models, and two lists of what they may reach.

    Args:
        supervisor: what runs it.
        compose: how it is started.
        configuration: what Compose understood.
        variables: what the session is given; those of the model are the gateway's, too.

    Raises:
        HostError: it cannot be started.
    """
    if not configuration.has_gateway:
        yield compose
        return
    # Nobody guesses it: sessions of a folder share the volume, where no names can be listed.
    name = secrets.token_hex(16)
    owner = configuration.keys.stat() if configuration.keys and configuration.keys.exists() else None
    user = {"GATEWAY_USER": f"{owner.st_uid}:{owner.st_gid}"} if owner else {}
    compose = compose.given(SANDBOX_GATEWAY=name, **user)
    value = f"{os.getpid()}.{name}"
    label = f"{LABEL}={value}"
    if configuration.by_network:
        compose = inside.extended(compose, name, value)
    begun = _begin(supervisor, compose, label, variables)
    try:
        _remove_left(supervisor, compose, configuration)
        if configuration.by_network:
            # Both have Compose make the network, which one of them has to do first.
            _require(supervisor.finish(begun))
        yield compose
        _require(supervisor.finish(begun))
    finally:
        with supervisor.undisturbed():
            killed = supervisor.finish(begun, MAKING).code == SIGNALLED + signal.SIGKILL
            deadline = time.monotonic() + (IN_FLIGHT if killed else 0.0)
            while not (left := _list(supervisor, compose, label)) and time.monotonic() < deadline:
                supervisor.pause(0.1)
            tell(_remove(supervisor, compose, configuration.project, left))
            if configuration.by_network:
                own = inside.listed(supervisor, compose.environ, label=LABEL)
                mine = [words[0] for words in own if words[1:] == [value]]
                inside.remove(supervisor, compose.environ, mine)


def refused(supervisor: Supervisor, environ: Mapping[str, str], container: str) -> Tally:
    """Return what a gateway refused so far."""
    # Whatever a session has it write: the engine bounds it, and this the time that it takes.
    with tempfile.TemporaryFile() as file:
        streams = Streams(subprocess.DEVNULL, file, subprocess.DEVNULL)
        supervisor.run(["docker", "logs", container], environ, streams, limit=READING)
        file.seek(0)
        return Tally().add(file)


def reload(supervisor: Supervisor, environ: Mapping[str, str], container: str, digest: str) -> str:
    """Have a gateway take the list anew, and return why it does not; "" where it has.

    Args:
        supervisor: what asks.
        environ: of the engine's client.
        container: the gateway's.
        digest: of the list that it is to take, as it tells it.
    """
    tail, deadline = ["docker", "logs", "--tail", "1000", container], time.monotonic() + RELOADING
    answer = supervisor.ask(["docker", "kill", "--signal", "HUP", container], environ, REMOVING)
    while answer.code == 0 and time.monotonic() < deadline:
        told = supervisor.ask(tail, environ, REMOVING).output.splitlines()
        for entry in filter(None, map(journal.parse, reversed(told))):
            if entry.kind == "policy" and entry.facts.get("digest") == digest:
                return "" if entry.decision == "allow" else journal.words(entry)
        supervisor.pause(0.1)
    return answer.errors.strip() or "it does not tell that it read the list"


def _begin(supervisor: Supervisor, compose: Compose, label: str, variables: Mapping[str, str]) -> Beside:
    """Begin to start it, and do not wait until it serves: the session does, whose own start takes as long."""
    models = {name: value for name, value in variables.items() if name.startswith("MODEL_")}
    options = ("--detach", "--no-deps", "--label", label)
    return supervisor.begin(compose.run(options, models, (), SERVICE), compose.environ)


def _require(answer: Answer) -> None:
    """Refuse to go on without it.

    Raises:
        HostError: Compose or the engine refused to start it.
    """
    if answer.code != 0:
        raise HostError(
            "the gateway, the sandbox's way out, cannot be started:",
            *filter(str.strip, answer.errors.splitlines()),
        )


def _remove_left(supervisor: Supervisor, compose: Compose, configuration: Configuration) -> None:
    """Remove what is left of starts that were killed: a gateway holds a key."""
    listed = ["docker", "ps", "--all", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}']
    of_project = f"label=com.docker.compose.project={configuration.project}"
    ours = ["--filter", f"label={LABEL}", "--filter", of_project]
    answer = supervisor.ask([*listed, *ours], compose.environ, REMOVING)
    told = [line.split() for line in answer.output.splitlines()]
    _remove(supervisor, compose, configuration.project, _left(told))
    if configuration.by_network:
        networks = inside.listed(supervisor, compose.environ, of_project, label=LABEL)
        inside.remove(supervisor, compose.environ, _left(networks))


def _left(told: list[list[str]]) -> list[str]:
    """Return those of a list whose start runs no more; each has its identifier and its label's value."""
    return [words[0] for words in told if words[1:] and not _runs(words[1])]


def _runs(label: str) -> bool:
    """Tell whether the start that made a gateway still runs."""
    number = label.partition(".")[0]
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except OSError:
        # Another user's.
        return True
    return True


def _list(supervisor: Supervisor, compose: Compose, label: str) -> list[str]:
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"label={label}"]
    return supervisor.ask(listed, compose.environ, REMOVING).output.split()


def _remove(supervisor: Supervisor, compose: Compose, project: str, containers: list[str]) -> Tally:
    """Remove gateways, and return what they refused, which is kept."""
    told = Tally()
    if not containers:
        return told
    # Its log goes with it, when it is stopped.
    for container in containers:
        told.merge(refused(supervisor, compose.environ, container))
    # Asked, it takes its sockets away.
    supervisor.ask(["docker", "stop", "--time", "3", *containers], compose.environ, REMOVING)
    supervisor.ask(["docker", "rm", "--force", *containers], compose.environ, REMOVING)
    if told:
        try:
            records.add(records.folder(compose.environ, project), told)
        except OSError as error:
            say(f"what was refused cannot be kept for ./start.sh egress: {error}")
    return told


def tell(told: Tally) -> None:
    """Say what a session was refused, if anything."""
    hosts = told.hosts()
    if hosts:
        least = "at least " if told.others else ""
        number = f"{least}{len(hosts)} host{' was' if len(hosts) == 1 else 's were'}"
        more = ", …" if len(hosts) > SHOWN else ""
        say(f"egress: {number} refused: {', '.join(hosts[:SHOWN])}{more}; ./start.sh egress tells more")
