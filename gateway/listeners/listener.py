"""What all sockets share: how many may be busy, what is written down, and that nothing ends the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import time

from gateway import refusal as refusals
from gateway.connection import Connection, Gone
from gateway.refusal import Refusal
from gateway.wire import http_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.journal import Journal

# Connections that are busy at one time, on one socket and on all that share a room. With 128 KiB on their way
# in either direction where both sides are slow, and 25 MiB without any, 128 MiB hold them.
MOST_BUSY, MOST_TOGETHER = 200, 220


class Room:
    """How many connections are busy at one time on several sockets, and of them each client's address."""

    def __init__(self) -> None:
        self.busy = 0
        self.by_source: dict[str, int] = {}

    def enter(self, source: str, count: int) -> None:
        """Count a connection of a client's that begins, 1, or ends, -1."""
        self.busy += count
        left = self.by_source.get(source, 0) + count
        self.by_source[source] = left
        if not left:
            del self.by_source[source]

    def is_crowded_by(self, source: str) -> bool:
        """Tell whether a client has more than its share, once half of the room is taken."""
        return self.busy > MOST_TOGETHER // 2 and self.by_source[source] > MOST_TOGETHER // len(
            self.by_source
        )


class Attempt:
    """One attempt to reach something, as the journal tells it: who handles it fills it in."""

    def __init__(self) -> None:
        self.source, self.host, self.port, self.status = "", "", 0, 0
        # "http" where it is plain; and whether no list could allow it.
        self.way, self.never = "", False

    def refused(self, refusal: Refusal) -> None:
        """Take over what a refusal knows besides."""
        self.never = bool(refusal.details.get("never"))
        self.host = self.host or str(refusal.details.get("address", ""))


class Listener:
    """A socket's handler.

    Args:
        kind: what the journal calls it.
        handle: does the work of one connection. It raises Refusal or Gone, and nothing else by intention.
        tell: sends a refusal to the client, in the words of its protocol.
        journal: takes a line for each connection.
        room: is shared with other sockets.
    """

    def __init__(
        self,
        kind: str,
        handle: Callable[[Connection, Attempt], Awaitable[None]],
        tell: Callable[[Connection, Refusal, str], Awaitable[None]],
        journal: Journal,
        room: Room,
    ) -> None:
        self._kind, self._handle, self._tell, self._journal = kind, handle, tell, journal
        self._own, self._room = Room(), room

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, as asyncio.start_unix_server(3) calls it."""
        client, attempt, began = Connection(reader, writer), Attempt(), time.monotonic()
        attempt.source = source = _source(writer)
        self._enter(source, 1)
        try:
            self._admit(source)
            await self._handle(client, attempt)
        except Gone:
            self._write("allow", "client-left", client, attempt, began)
        except Refusal as refusal:
            attempt.refused(refusal)
            self._write("deny", refusal.reason, client, attempt, began)
            with contextlib.suppress(Gone):
                await self._tell(client, refusal, attempt.host)
        except Exception as error:
            # One connection's fault must not be the others'.
            self._write("error", type(error).__name__, client, attempt, began)
        else:
            self._write("allow", "", client, attempt, began)
        finally:
            self._enter(source, -1)
            await client.close()

    @property
    def busy(self) -> int:
        """How many connections are busy right now."""
        return self._own.busy

    def _enter(self, source: str, count: int) -> None:
        self._own.enter(source, count)
        self._room.enter(source, count)

    def _admit(self, source: str) -> None:
        if self._own.busy > MOST_BUSY or self._room.busy > MOST_TOGETHER:
            raise Refusal("busy", f"more than {MOST_BUSY} connections at one time")
        if self._room.is_crowded_by(source):
            raise Refusal("busy", f"{source} has more than its share of the connections at one time")

    def _write(self, decision: str, reason: str, client: Connection, attempt: Attempt, began: float) -> None:
        if reason == "client-left" and not attempt.host:
            return
        self._journal.write(
            self._kind, decision, attempt.source, reason=reason, host=attempt.host, port=attempt.port or None,
            way=attempt.way, never=attempt.never or None, status=attempt.status or None,
            sent=client.received, received=client.sent, seconds=round(time.monotonic() - began, 3),
        )  # fmt: skip


def _source(writer: asyncio.StreamWriter) -> str:
    """Return a client's address; "" by a socket of the one session's."""
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


async def tell_by_http(client: Connection, refusal: Refusal, host: str) -> None:
    """Answer a refused request with its status, and JSON that says why."""
    if client.is_answered:
        return
    content = refusals.body(refusal, host)
    fields = http_head.Fields((
        ("content-type", "application/json"), ("content-length", str(len(content))), ("connection", "close"),
        ("x-egress-reason", refusal.reason),
    ))  # fmt: skip
    await client.send(http_head.written(f"HTTP/1.1 {refusal.status} {refusal.phrase}", fields) + content)


async def tell_by_tls(client: Connection, refusal: Refusal, _host: str) -> None:
    """End a handshake with the alert that fits: RFC 8446 section 6.2, and section 5.1 for the record."""
    alerts = {"no-name": 112, "name-differs": 112, "not-tls": 50, "bad-request": 50, "too-large": 50}
    await client.send(bytes((21, 3, 3, 0, 2, 2, alerts.get(refusal.reason, 49))))
