"""What is asked about a model server where it is reached from: by a gateway, or from this very container."""

from __future__ import annotations

from init.model import endpoint, failures, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.model.servers import Server


def has_key(server: Server, seconds: float) -> bool:
    """Tell whether a server is asked with a key.

    Raises:
        EndpointError: the gateway does not tell.
    """
    if not server.via:
        return bool(server.key)
    told = endpoint.of_gateway(server, ".servers", seconds=seconds)
    if server.name not in told:
        # Asked for itself it says what is wrong.
        return False
    return bool(told[server.name]["has_key"])


def steps_to(server: Server, seconds: float) -> Iterator[tuple[str, str]]:
    """Take the steps to a server from where its requests are made: init/model/steps.py.

    Raises:
        EndpointError: one cannot be taken.
    """
    if not server.via:
        with endpoint.steps(server, seconds):
            yield from steps.take(server, seconds)
        return
    # The gateway may wait for a name, and for a connection.
    told = endpoint.of_gateway(server, f".servers/{server.name}", seconds=2 * seconds)
    yield from told["steps"]
    if told["error"]:
        raise failures.of_gateway(server, told["error"])
