"""How the sandbox reaches its gateway: by sockets, or where its runtime cannot share those, by a network.

That network has nothing but the two, is one session's, and goes with it: sessions would reach each other.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Callable

from host import labels
from host.engine import require_compose
from host.errors import HostError
from host.messages import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.compose import Compose
    from host.configuration import Configuration
    from host.engine import Engine
    from host.supervisor import Supervisor

FILE, READS_FILE = "compose.internal.yml", (2, 24)
SOCKETS, NETWORK = "sockets", "network"
# Runtimes with a kernel of the sandbox's own; and how runsc is told to let it use sockets of others.
_APART = re.compile("runsc|gvisor|kata", re.IGNORECASE)
_SHARED = re.compile("--?(host-uds=(open|all)|fsgofer-host-uds(=true)?)")
# Seconds to ask for networks, or to remove them.
_PATIENCE = 60.0


def decided(engine: Engine, configuration: Configuration) -> Configuration:
    """Return it with how the gateway is reached; say so where that is a network, and nobody asked for it.

    Raises:
        HostError: EGRESS_VIA has a value that is none, or Compose is too old for a network.
    """
    asked = configuration.variables.get("EGRESS_VIA", "")
    if asked not in ("", SOCKETS, NETWORK):
        raise HostError(f"EGRESS_VIA={asked} is not known.", "It is sockets or network: see .env.")
    runtime = configuration.runtime or engine.runtime
    if not configuration.has_gateway or asked == SOCKETS:
        return configuration
    if not asked:
        if shares_sockets(runtime, engine.runtimes.get(runtime, "")):
            return configuration
        say(f"the runtime {runtime} shares no sockets: a network of the session's own leads to the gateway")
    require_compose(engine.compose, READS_FILE, FILE)
    return replace(configuration, by_network=True)


def shares_sockets(runtime: str, command: str) -> bool:
    """Tell whether containers of a runtime can connect to each other's sockets.

    Args:
        runtime: its name.
        command: what the engine calls for it, "" where it does not tell.
    """
    return not _APART.search(f"{runtime} {command}") or any(map(_SHARED.fullmatch, command.split()))


def extended(compose: Compose, name: str, label: str) -> Compose:
    """Return how Compose is called for a session with a network of its own.

    Args:
        compose: how it is called.
        name: the gateway's.
        label: of what goes with the start.
    """
    network = f"{compose.environ['SANDBOX_PROJECT']}_inside-{name[:12]}"
    return compose.with_file(FILE).given(SANDBOX_INSIDE=network, SANDBOX_GATEWAY_LABEL=label)


def remove_of(
    supervisor: Supervisor, environ: Mapping[str, str], project: str, is_left: Callable[[str], bool]
) -> None:
    """Remove the networks of sessions that are gone; one that somebody is on stays.

    Args:
        supervisor: what asks.
        environ: of the engine's client.
        project: Compose's name of the checkout.
        is_left: whether a session is gone, by what its start is called.
    """
    command = ["docker", "network", "ls", "--format", f'{{{{.ID}}}} {{{{.Label "{labels.GATEWAY}"}}}}']
    filters = (f"label={labels.GATEWAY}", f"label=com.docker.compose.project={project}")
    words = (word for one in filters for word in ("--filter", one))
    answer = supervisor.ask([*command, *words], environ, _PATIENCE)
    told = [line.split() for line in answer.output.splitlines()]
    if left := [words[0] for words in told if words[1:] and is_left(words[1])]:
        supervisor.ask(["docker", "network", "rm", *left], environ, _PATIENCE)
