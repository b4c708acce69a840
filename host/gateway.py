"""The gateway beside a session: its container is there before the session, and goes after it."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from typing import TYPE_CHECKING

from host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.compose import Compose, Configuration
    from host.supervisor import Supervisor

SERVICE = "gateway"
LABEL = "agentic-sandbox.gateway"
# Seconds to remove it, and those that the engine may still be at making one whose client was ended.
REMOVING, IN_FLIGHT = 60.0, 2.0


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
    label = f"{LABEL}={os.getpid()}.{name}"
    _remove_left(supervisor, compose, configuration.project)
    patience = IN_FLIGHT
    try:
        _start(supervisor, compose, label, variables)
        patience = 0.0
        yield compose
    finally:
        with supervisor.undisturbed():
            deadline = time.monotonic() + patience
            while not (left := _list(supervisor, compose, label)) and time.monotonic() < deadline:
                supervisor.pause(0.1)
            _remove(supervisor, compose, left)


def _start(supervisor: Supervisor, compose: Compose, label: str, variables: Mapping[str, str]) -> None:
    """Start it, and do not wait until it serves: the session does.

    Raises:
        HostError: Compose or the engine refuses.
    """
    models = {name: value for name, value in variables.items() if name.startswith("MODEL_")}
    options = ("--detach", "--no-deps", "--label", label)
    answer = supervisor.ask(compose.run(options, models, (), SERVICE), compose.environ)
    if answer.code != 0:
        raise HostError(
            "the gateway, the sandbox's way out, cannot be started:",
            *filter(str.strip, answer.errors.splitlines()),
        )


def _remove_left(supervisor: Supervisor, compose: Compose, project: str) -> None:
    """Remove what is left of starts that were killed: a gateway holds a key."""
    listed = ["docker", "ps", "--all", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}']
    ours = ["--filter", f"label={LABEL}", "--filter", f"label=com.docker.compose.project={project}"]
    answer = supervisor.ask([*listed, *ours], compose.environ, REMOVING)
    told = (line.split() for line in answer.output.splitlines())
    _remove(supervisor, compose, [words[0] for words in told if words[1:] and not _runs(words[1])])


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


def _remove(supervisor: Supervisor, compose: Compose, containers: list[str]) -> None:
    if containers:
        # Asked, it takes its sockets away.
        supervisor.ask(["docker", "stop", "--time", "3", *containers], compose.environ, REMOVING)
        supervisor.ask(["docker", "rm", "--force", *containers], compose.environ, REMOVING)
