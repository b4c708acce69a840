"""TLS for a name on the list: the client's own, from end to end. Only the name in its hello is read."""

from __future__ import annotations

import asyncio

from gateway import relay, upstream
from gateway.connection import PATIENCE, Gone
from gateway.policy import HTTPS
from gateway.refusal import Refusal
from gateway.wire import client_hello

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.connection import Connection
    from gateway.listeners.listener import Attempt
    from gateway.policy import Policy


class Tls:
    """For programs that know no proxy: they are told an address that leads here.

    Args:
        policy: returns the one that is in force.
    """

    def __init__(self, policy: Callable[[], Policy]) -> None:
        self._policy = policy

    async def handle(self, client: Connection, attempt: Attempt) -> None:
        """Serve one connection.

        Raises:
            Refusal: it does not pass.
            Gone: the client has left.
        """
        name, hello = await named(client)
        attempt.host, attempt.port = name, HTTPS
        entry = self._policy().decide(name, HTTPS, "tls")
        server = await upstream.connect(name, HTTPS, private=entry.private)
        try:
            await server.send(hello)
            await relay.both_ways(client, server)
        finally:
            await server.close()


async def named(client: Connection) -> tuple[str, bytes]:
    """Return the name that a client's hello asks for, and the bytes that were read for it.

    Raises:
        Refusal: it is no hello with a name.
        Gone: the client has left before it was whole.
    """
    data = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while block := await client.some(client_hello.MOST_BYTES):
                data += block
                try:
                    return client_hello.server_name(data), data
                except client_hello.More:
                    if len(data) > client_hello.MOST_BYTES:
                        raise Refusal("too-large", "the TLS client's hello is too long") from None
    except TimeoutError as error:
        raise Refusal("slow", "the TLS client's hello did not come in time") from error
    raise Gone
