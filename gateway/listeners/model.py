"""The model servers, by name: what a tool needs of them, with the key that the sandbox never holds."""

from __future__ import annotations

import asyncio
import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

from gateway import endpoints, exchange, upstream
from gateway.exchange import Passage
from gateway.redaction import Redaction
from gateway.refusal import Refusal
from gateway.wire import http_head
from gateway.wire.http_head import Fields
from init import paths
from init.model import endpoint, failures, steps
from init.model.failures import EndpointError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from gateway.connection import Connection
    from gateway.listeners.listener import Attempt
    from gateway.wire.http_head import Request
    from init.model.servers import Server

# What a server may need to know of a request; what a client says of keys, cookies and itself is not among it.
_PASSED = frozenset((
    "accept", "anthropic-beta", "anthropic-version", "content-type", "openai-beta", "user-agent",
    "x-request-id",
))  # fmt: skip
_UNWANTED = frozenset(("alt-svc", "set-cookie", "strict-transport-security"))

# What the session asks about the servers: /.servers, and /.servers/NAME for the steps to one. Of what version
# this is: /.gateway. And what the doctor asks.
_ABOUT, _ITSELF, _REFUSED = ".servers", ".gateway", ".refused"
_ANOTHER = (
    "The gateway was started with other settings. Set them in .env, the environment or config/models.yml, "
    "not for the sandbox alone, and start both anew: docker compose down."
)
# Seconds for a connection, as in the messages.
PATIENCE = 10.0


class ModelServer(Record):
    """A model server as the gateway reaches it.

    Attributes:
        server: as the user described it, with its key.
        trust: how its certificate is verified.
    """

    server: Server
    trust: ssl.SSLContext

    @property
    def is_secured(self) -> bool:
        """Whether TLS is spoken with it."""
        return self.server.url.startswith("https:")


class Model:
    """The servers that the user named.

    Args:
        servers: by name.
        refused: returns how many attempts to reach anything were refused so far.
    """

    def __init__(self, servers: Mapping[str, ModelServer], refused: Callable[[], int]) -> None:
        self._servers, self._refused = servers, refused

    async def handle(self, client: Connection, attempt: Attempt) -> None:
        """Serve one request.

        Raises:
            Refusal: it does not pass.
            Gone: the client has left.
        """
        request = http_head.request(await client.head())
        name, rest = _split(request)
        if name == _ABOUT:
            await _send(client, attempt, await self._about(rest, request))
            return
        if name == _ITSELF:
            await _send(client, attempt, {"version": _version()})
            return
        if name == _REFUSED:
            await _send(client, attempt, {"refused": self._refused()})
            return
        chosen = self._find(name, request)
        attempt.host, attempt.port = failures.address(chosen.server.url)
        endpoints.check(request.method, rest)
        connection = await _connect(chosen)
        try:
            root = urlsplit(chosen.server.root).path
            passage = Passage(
                f"{root}/{rest}", _fields(request, chosen), Redaction(chosen.server.key), _UNWANTED,
                _added(chosen),
            )  # fmt: skip
            attempt.status = await exchange.pass_on(client, connection, request, passage)
        except Refusal as refusal:
            raise _as_the_servers(chosen, refusal) from refusal
        finally:
            await connection.close()

    def _find(self, name: str, request: Request) -> ModelServer:
        """Return the server of a name, at the address that the session knows.

        Raises:
            Refusal: there is none. The gateway of Compose alone may have begun with other settings.
        """
        chosen = self._servers.get(name)
        meant = "".join(request.fields.all(endpoint.ADDRESS.lower()))
        if chosen is None:
            raise Refusal("endpoint", f"there is no model server {name[:64]!r}", fix=_ANOTHER)
        if meant and meant != chosen.server.url:
            text = f"the model server {name!r} is {chosen.server.url}, and not {meant[:200]}"
            raise Refusal("endpoint", text, fix=_ANOTHER)
        return chosen

    async def _about(self, name: str, request: Request) -> object:
        if not name:
            return {
                name: {"url": chosen.server.url, "has_key": bool(chosen.server.key)}
                for name, chosen in self._servers.items()
            }
        return await asyncio.to_thread(_steps, self._find(name, request).server)


def _steps(server: Server) -> object:
    """Return the steps to a server, and what stopped them."""
    taken = []
    try:
        for step, text in steps.take(server, PATIENCE):
            taken.append((step, text))
    except EndpointError as error:
        return {"steps": taken, "error": _told(error)}
    return {"steps": taken, "error": None}


def _version() -> str:
    return Path(paths.VERSION).read_text(encoding="utf-8").strip()


def _split(request: Request) -> tuple[str, str]:
    """Return the server's name and what is asked of it."""
    if not request.target.startswith("/"):
        raise Refusal("bad-request", "a request of a model server begins with /NAME/")
    name, _, rest = request.target[1:].partition("/")
    return name, rest


async def _connect(chosen: ModelServer) -> Connection:
    host, port = failures.address(chosen.server.url)
    trust = chosen.trust if chosen.is_secured else None
    try:
        return await upstream.dial(await upstream.look_up(host, port), port, host=host, trust=trust)
    except OSError as error:
        failure = failures.not_reached(chosen.server, chosen.server.url, error, PATIENCE)
        raise Refusal("server", failure.what, **_told(failure)) from error


def _as_the_servers(chosen: ModelServer, refusal: Refusal) -> Refusal:
    """Return a refusal in the words of init/model/failures.py, where it is the server that breaks off."""
    if refusal.reason != "bad-answer":
        return refusal
    error = http.client.BadStatusLine(refusal.text)
    failure = failures.not_answered(chosen.server, chosen.server.url, error, PATIENCE)
    return Refusal(refusal.reason, refusal.text, **_told(failure))


def _told(failure: EndpointError) -> dict[str, object]:
    return {
        "error": failure.what, "fix": failure.fix, "stage": failure.stage, "passing": failure.passing,
    }  # fmt: skip


def _fields(request: Request, chosen: ModelServer) -> Fields:
    own = [("host", urlsplit(chosen.server.url).netloc), ("accept-encoding", "identity")]
    if chosen.server.key:
        own.append(("authorization", f"Bearer {chosen.server.key}"))
    return Fields((*own, *request.fields.only(_PASSED).items))


def _added(chosen: ModelServer) -> tuple[tuple[str, str], ...]:
    """Return what an answer says besides: whether there is a key, so that a refusal can be told well."""
    return (("x-egress-key", "sent"),) if chosen.server.key else ()


async def _send(client: Connection, attempt: Attempt, content: object) -> None:
    body = json.dumps(content).encode()
    fields = Fields((
        ("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close"),
    ))  # fmt: skip
    attempt.status = 200
    client.is_answered = True
    await client.send(http_head.written("HTTP/1.1 200 OK", fields) + body)
