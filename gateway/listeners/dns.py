"""Names, answered by the list. Nobody is asked: a question could carry away what it asks for."""

from __future__ import annotations

import asyncio
import ipaddress

from gateway import names
from gateway.connection import PATIENCE, Gone
from gateway.refusal import Refusal
from gateway.wire import dns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.connection import Connection
    from gateway.journal import Journal
    from gateway.listeners.listener import Attempt
    from gateway.policy import Policy

# Where the link in the sandbox takes TLS: loopback, and nobody else's.
_CAPTURED = ipaddress.IPv4Address("127.64.0.1").packed


class Dns:
    """A name server whose messages come with their length in front, RFC 1035 section 4.2.2.

    Args:
        policy: returns the one that is in force.
        journal: takes a line for each name that is refused.
    """

    def __init__(self, policy: Callable[[], Policy], journal: Journal) -> None:
        self._policy, self._journal = policy, journal

    async def handle(self, client: Connection, attempt: Attempt) -> None:
        """Serve one connection, which may hold many questions.

        Raises:
            Refusal: what comes is no question.
            Gone: the client has left, or says nothing: who may be many at one time would keep out all else.
        """
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    answer = self.answer(dns.question(await _message(client)), attempt.source)
                    await client.send(len(answer).to_bytes(2) + answer)
            except TimeoutError as error:
                raise Gone from error

    def answer(self, asked: dns.Question, source: str = "") -> bytes:
        """Return the answer to a question: only an A record has a value, of a name that is allowed."""
        try:
            allowed = self._policy().has_name(names.host_name(asked.name))
        except Refusal:
            allowed = False
        if not allowed:
            self._journal.write("dns", "deny", source, reason="not-allowed", host=asked.name[:255])
            return dns.answer(asked, dns.NO_SUCH_NAME)
        return dns.answer(asked, dns.NO_ERROR, _CAPTURED if asked.kind == dns.A else b"")


async def _message(client: Connection) -> bytes:
    length = int.from_bytes(await client.exactly(2))
    if length > dns.MOST_BYTES:
        raise Refusal("bad-request", "this is no question of a name")
    return await client.exactly(length)


async def tell(_client: Connection, _refusal: Refusal, _host: str) -> None:
    """Say nothing: what is no question has no answer."""
    await asyncio.sleep(0)
