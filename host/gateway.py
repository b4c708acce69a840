"""The gateway beside a session: its container is made while the session's is, and goes after it.

Where the session runs on without us, so does its gateway: who sees the session's end removes both.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Protocol

from host import inside, journal, labels
from host import refused as records
from host.errors import OK, SIGNALLED, HostError
from host.journal import Tally
from host.messages import say
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from host.compose import Compose
    from host.configuration import Configuration
    from host.supervisor import Answer, Beside, Supervisor

    class Session(Protocol):
        """What a gateway is beside: its labels, and whether it runs on without us."""

        @property
        def labels(self) -> Mapping[str, str]:
            """What is written on its container."""

        @property
        def stays(self) -> bool:
            """Whether it runs on without us."""


SERVICE = "gateway"
# Seconds to make it or to remove it, and in which the engine may still make one whose client was killed.
MAKING, REMOVING, IN_FLIGHT = 30.0, 60.0, 2.0
# Seconds to read what it wrote down, and until it must have taken another list.
READING, RELOADING = 10.0, 10.0
# Hosts that are named at a session's end.
SHOWN = 3


@contextlib.contextmanager
def beside(
    supervisor: Supervisor, compose: Compose, configuration: Configuration, variables: Mapping[str, str],
    session: Session,
) -> Iterator[Compose]:  # fmt: skip
    """Have a gateway of the session's own; yield how Compose is called for a session that uses it.

    Two sessions of a folder may have two models, and two lists of what they may reach.

    Args:
        supervisor: what runs it.
        compose: how it is started.
        configuration: what Compose understood.
        variables: what the session is given; those of the model are the gateway's, too.
        session: what it is beside.

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
    value = session.labels[labels.SESSION]
    if configuration.by_network:
        compose = inside.extended(compose, name, value)
    begun = _begin(supervisor, compose, session.labels, variables)
    try:
        if configuration.by_network:
            # Both have Compose make the network, which one of them has to do first.
            _require(supervisor.finish(begun))
        yield compose
        _require(supervisor.finish(begun))
    finally:
        with supervisor.undisturbed():
            _end(supervisor, compose, configuration, supervisor.finish(begun, MAKING), session)


def _end(
    supervisor: Supervisor, compose: Compose, configuration: Configuration, made: Answer, session: Session
) -> None:
    """Remove the gateway of a session, unless that one runs on.

    Args:
        supervisor: what asks.
        compose: whose environment the client gets.
        configuration: the project, and whether there is a network.
        made: what Compose said when it was to make the gateway.
        session: what it is beside.
    """
    if session.stays:
        return
    value = session.labels[labels.SESSION]
    # Compose says which one it made; where it did not come to that, the engine may know one.
    left = made.output.split()[-1:] if made.code == OK else _list(supervisor, compose, value)
    deadline = time.monotonic() + (IN_FLIGHT if made.code == SIGNALLED + signal.SIGKILL else 0.0)
    while not left and time.monotonic() < deadline:
        supervisor.pause(0.1)
        left = _list(supervisor, compose, value)
    tell(remove(supervisor, compose.environ, configuration.project, left))
    if configuration.by_network:
        inside.remove_of(supervisor, compose.environ, configuration.project, lambda one: one == value)


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


def _begin(
    supervisor: Supervisor, compose: Compose, session: Mapping[str, str], variables: Mapping[str, str]
) -> Beside:
    """Begin to start it, and do not wait until it serves: the session does, whose own start takes as long."""
    models = {name: value for name, value in variables.items() if name.startswith("MODEL_")}
    written = {labels.GATEWAY: session[labels.SESSION], labels.NAME: session.get(labels.NAME, "")}
    options = ("--detach", "--no-deps", *labels.options(written))
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


def _list(supervisor: Supervisor, compose: Compose, session: str) -> list[str]:
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"label={labels.GATEWAY}={session}"]
    return supervisor.ask(listed, compose.environ, REMOVING).output.split()


def remove(
    supervisor: Supervisor, environ: Mapping[str, str], project: str, containers: Iterable[str]
) -> Tally:
    """Remove gateways, and return what they refused, which is kept.

    Of two who remove one, the engine lets one do it: that one keeps what it refused.

    Args:
        supervisor: what asks.
        environ: of the engine's client, and where the user's state is.
        project: Compose's name of it.
        containers: the gateways'.
    """
    told = Tally()
    for container in containers:
        # Asked, it takes its sockets away; its log stays until it is removed.
        stopping = supervisor.begin(["docker", "stop", "--time", "3", container], environ, needed=False)
        own = refused(supervisor, environ, container)
        supervisor.finish(stopping, REMOVING)
        if supervisor.ask(["docker", "rm", container], environ, REMOVING).code == OK:
            told.merge(own)
    if told:
        try:
            records.add(records.folder(environ, project), told)
        except OSError as error:
            say(f"what was refused cannot be kept for ./start.sh egress: {error}")
    return told


def tell(told: Tally, whose: str = "") -> None:
    """Say what a session was refused, if anything; whose it is, where that is not plain."""
    hosts = told.hosts()
    if hosts:
        least = "at least " if told.others else ""
        number = f"{least}{len(hosts)} host{' was' if len(hosts) == 1 else 's were'}"
        more = ", …" if len(hosts) > SHOWN else ""
        say(
            f"{whose}egress: {number} refused: {', '.join(hosts[:SHOWN])}{more}; ./start.sh egress tells more"
        )
