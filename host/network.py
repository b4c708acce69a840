"""The sandbox's network, made by one start at a time: the engine takes two of one name, and uses neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from host import folder_lock
from host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from host.supervisor import Beside, Supervisor

# Seconds to wait for another start that makes it: then it hangs, or something else has the lock.
PATIENCE = 30.0


def ask(supervisor: Supervisor, environ: Mapping[str, str]) -> Beside:
    """Ask which networks there are, and do not wait for the answer."""
    listed = ["docker", "network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"]
    return supervisor.begin(listed, environ, needed=False)


def provide(  # noqa: PLR0913 - what is wanted, who makes it, and what was asked before
    supervisor: Supervisor, environ: Mapping[str, str], names: tuple[str, ...], root: Path,
    make: Callable[[], int], *, asked: Beside | None = None,
) -> None:  # fmt: skip
    """See to it that there is one network of each name.

    Args:
        supervisor: what asks.
        environ: the environment of the Docker client.
        names: the networks'.
        root: the checkout's folder.
        make: has Compose make what is missing, and returns its exit code.
        asked: what ask() returned, if it was called before.

    Raises:
        HostError: there are two of one name, or none can be made.
        Interrupted: somebody asked for the end.
    """

    def are_there(asked: Beside | None = None) -> bool:
        told = supervisor.finish(asked or ask(supervisor, environ)).output
        return all(_require_one(supervisor, environ, name, told) for name in names)

    if not names or are_there(asked):
        return

    def pause() -> None:
        supervisor.pause(0.1)
        supervisor.check()

    # Another start of this checkout may make one.
    with folder_lock.held(root, PATIENCE, pause):
        if not are_there():
            _require_made(make())


def _require_made(code: int) -> None:
    """Refuse to go on without a network.

    Raises:
        HostError: Compose could not make it.
    """
    if code:
        raise HostError(
            "the sandbox's network cannot be made; the lines above say why.",
            "An engine has addresses for some 30 networks. If they are spent, this removes those that nobody "
            "uses: docker network prune",
        )


def _require_one(supervisor: Supervisor, environ: Mapping[str, str], name: str, told: str) -> bool:
    """Tell whether a network is there.

    Raises:
        HostError: it is there twice.
    """
    lines = (line.split(" ", 1) for line in told.splitlines())
    found = [line[0] for line in lines if line[1:] == [name]]
    if len(found) > 1:
        raise HostError(
            f"there are {len(found)} networks named {name}, so that the engine cannot tell which is meant.",
            f"Remove what is too many: docker network rm {' '.join(_unused(supervisor, environ, found))}",
        )
    return bool(found)


def _unused(supervisor: Supervisor, environ: Mapping[str, str], found: list[str]) -> list[str]:
    """Return all of some networks but the one that is kept: with containers, else Compose's own."""
    label = '{{with index .Labels "com.docker.compose.network"}}{{.}}{{end}}'
    inspect = [
        "docker",
        "network",
        "inspect",
        "--format",
        f"{{{{len .Containers}}}} {{{{.Id}}}} {label}",
        *found,
    ]
    # An empty line stands for one that went meanwhile.
    told = [line.split() for line in supervisor.ask(inspect, environ).output.splitlines() if line]
    told.sort(key=lambda words: (-int(words[0]), not words[2:]))
    return [words[1][:12] for words in told[1:]] or [network[:12] for network in found[1:]]
