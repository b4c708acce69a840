"""The steps before a request to a model server, one by one, for the doctor: name, connection, TLS."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from init.model import direct, failures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.model.servers import Server


def take(server: Server, seconds: float) -> Iterator[tuple[str, str]]:
    """Take the steps, and yield the name of each with what there is to say.

    Args:
        server: where to.
        seconds: for each but the first, whose time is the resolver's.

    Raises:
        EndpointError: one cannot be taken.
    """
    host, port = failures.address(server.url)
    try:
        begun = time.monotonic()
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = ", ".join(sorted({str(entry[4][0]) for entry in found}))
        yield "name", f"{host} is {addresses} ({_milliseconds(begun)})"
        begun = time.monotonic()
        with socket.create_connection((host, port), seconds) as connection:
            yield "connect", f"port {port} takes connections ({_milliseconds(begun)})"
            if urlsplit(server.url).scheme == "https":
                begun = time.monotonic()
                with direct.trust(server).wrap_socket(connection, server_hostname=host) as secured:
                    version = secured.version()
                yield "tls", f"{version}, certificate accepted ({_milliseconds(begun)})"
    except OSError as error:
        raise failures.not_reached(server, server.url, error, seconds) from error


def _milliseconds(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1000:.0f} ms"
