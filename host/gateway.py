"""The gateway beside a session: its container is there before the session, and goes after it."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.compose import Compose, Configuration
    from host.supervisor import Supervisor

SERVICE = "gateway"
LABEL = "agentic-sandbox.gateway"
# Seconds to remove it.
REMOVING = 60.0


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
    try:
        _start(supervisor, compose, f"{LABEL}={name}", variables)
        yield compose
    finally:
        _remove(supervisor, compose, f"{LABEL}={name}")


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


def _remove(supervisor: Supervisor, compose: Compose, label: str) -> None:
    with supervisor.undisturbed():
        listed = ["docker", "ps", "--all", "--quiet", "--filter", f"label={label}"]
        if left := supervisor.ask(listed, compose.environ, REMOVING).output.split():
            # Asked, it takes its sockets away.
            supervisor.ask(["docker", "stop", "--time", "3", *left], compose.environ, REMOVING)
            supervisor.ask(["docker", "rm", "--force", *left], compose.environ, REMOVING)
