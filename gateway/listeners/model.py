"""The model servers, by name: what a tool needs of them, with the key that the sandbox never holds."""

from __future__ import annotations

import urllib.parse

from gateway import endpoints, exchange, upstream
from gateway.exchange import Passage
from gateway.redaction import Redaction
from gateway.refusal import Refusal
from gateway.wire import http_head
from gateway.wire.http_head import Fields
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from gateway.connection import Connection
    from gateway.listeners.listener import Attempt
    from gateway.wire.http_head import Request

# What a server may need to know of a request; what a client says of keys, cookies and itself is not among it.
_PASSED = frozenset((
    "accept", "anthropic-beta", "anthropic-version", "content-type", "openai-beta", "user-agent",
    "x-request-id",
))  # fmt: skip
_UNWANTED = frozenset(("alt-svc", "set-cookie", "strict-transport-security"))


class ModelServer(Record):
    """A model server as the gateway reaches it.

    Attributes:
        host: its name or address.
        port: of it.
        root: the path in front of what it serves, without /v1 and without a slash at its end.
        key: the secret it wants, "" for none.
        trust: how its certificate is verified; None for plain HTTP.
    """

    host: str
    port: int
    root: str
    key: str
    trust: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """Return what the Host field says."""
        usual = 443 if self.trust else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def server(url: str, key: str, trust: ssl.SSLContext | None) -> ModelServer:
    """Return a server by its address as given, which was checked (init/model/checks.py)."""
    parts = urllib.parse.urlsplit(url)
    root = parts.path.rstrip("/").removesuffix("/v1")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return ModelServer(parts.hostname or "", port, root, key, trust if parts.scheme == "https" else None)


class Model:
    """The servers that the user named.

    Args:
        servers: by name.
    """

    def __init__(self, servers: Mapping[str, ModelServer]) -> None:
        self._servers = servers

    async def handle(self, client: Connection, attempt: Attempt) -> None:
        """Serve one request.

        Raises:
            Refusal: it does not pass.
            Gone: the client has left.
        """
        request = http_head.request(await client.head())
        name, rest = _split(request)
        chosen = self._servers.get(name)
        if chosen is None:
            raise Refusal("endpoint", f"there is no model server {name[:64]!r}")
        attempt.host, attempt.port = chosen.host, chosen.port
        endpoints.check(request.method, rest)
        connection = await upstream.connect(chosen.host, chosen.port, private=True, trust=chosen.trust)
        try:
            passage = Passage(
                f"{chosen.root}/{rest}", _fields(request, chosen), Redaction(chosen.key), _UNWANTED
            )
            attempt.status = await exchange.pass_on(client, connection, request, passage)
        finally:
            await connection.close()


def _split(request: Request) -> tuple[str, str]:
    """Return the server's name and what is asked of it."""
    if not request.target.startswith("/"):
        raise Refusal("bad-request", "a request of a model server begins with /NAME/")
    name, _, rest = request.target[1:].partition("/")
    return name, rest


def _fields(request: Request, chosen: ModelServer) -> Fields:
    own = [("host", chosen.authority), ("accept-encoding", "identity")]
    if chosen.key:
        own.append(("authorization", f"Bearer {chosen.key}"))
    return Fields((*own, *request.fields.only(_PASSED).items))
