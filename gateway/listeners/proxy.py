"""A proxy for programs that know one: CONNECT, RFC 9110 section 9.3.6, and http:// where an entry says so."""

from __future__ import annotations

from gateway import exchange, names, relay, upstream
from gateway.exchange import Passage
from gateway.listeners import tls
from gateway.listeners.listener import tell_by_http, tell_by_tls
from gateway.policy import HTTP
from gateway.redaction import Redaction
from gateway.refusal import Refusal
from gateway.wire import http_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.connection import Connection
    from gateway.listeners.listener import Attempt
    from gateway.policy import Entry, Policy
    from gateway.wire.http_head import Request

_SCHEME = "http://"


class Proxy:
    """What HTTP_PROXY and HTTPS_PROXY name.

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
        request = http_head.request(await client.head())
        if request.method == "CONNECT":
            await self._connect(client, request, attempt)
        elif request.target.lower().startswith(_SCHEME):
            await self._plain(client, request, attempt)
        else:
            raise Refusal("bad-request", "this is a proxy: it takes CONNECT, and http:// with a host")

    async def _connect(self, client: Connection, request: Request, attempt: Attempt) -> None:
        host, port = names.host_and_port(request.target)
        _check_host_field(request, host, port, usual=port)
        if http_head.length(request.fields, request.minor) != 0:
            raise Refusal("bad-request", "CONNECT has no body")
        attempt.host, attempt.port = host, port
        entry = self._policy().decide(host, port, "connect")
        server = await upstream.connect(host, port, private=entry.private)
        try:
            client.is_answered = True
            await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if entry.tls:
                await server.send(await _hello_of(client, host))
            await relay.both_ways(client, server)
        finally:
            await server.close()

    async def _plain(self, client: Connection, request: Request, attempt: Attempt) -> None:
        authority, slash, path = request.target[len(_SCHEME) :].partition("/")
        attempt.way = "http"
        host, port = names.host_and_port(authority, HTTP)
        _check_host_field(request, host, port, usual=HTTP)
        if "#" in path:
            raise Refusal("bad-request", "a request's target has no fragment")
        attempt.host, attempt.port = host, port
        entry: Entry = self._policy().decide(host, port, "http")
        server = await upstream.connect(host, port, private=entry.private)
        try:
            fields = request.fields.without(frozenset(("host",)))
            fields = http_head.Fields((("host", authority), *fields.items))
            passage = Passage(f"/{path}" if slash else "/", fields, Redaction(""))
            attempt.status = await exchange.pass_on(client, server, request, passage)
        finally:
            await server.close()


async def tell(client: Connection, refusal: Refusal, host: str) -> None:
    """Tell the client why, in the protocol that it speaks by now."""
    if client.is_answered and refusal.reason in (
        "no-name",
        "name-differs",
        "not-tls",
        "bad-request",
        "too-large",
    ):
        await tell_by_tls(client, refusal, host)
    else:
        await tell_by_http(client, refusal, host)


def _check_host_field(request: Request, host: str, port: int, usual: int) -> None:
    """Refuse a Host field that differs from the target: RFC 9112 section 3.2.2 lets the target win."""
    said = request.fields.all("host")
    if len(said) > 1 or (said and names.host_and_port(said[0], usual) != (host, port)):
        raise Refusal("bad-request", "the Host field names another host than the request")


async def _hello_of(client: Connection, host: str) -> bytes:
    name, hello = await tls.named(client)
    if name != host:
        raise Refusal("name-differs", f"CONNECT asks for {host}, and the TLS client for {name}")
    return hello
