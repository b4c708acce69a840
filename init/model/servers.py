"""The model servers that the user named, and the models described of them."""

from __future__ import annotations

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Warn = Callable[[str, str], None]

ROLES = ("main", "fast", "vision")


class ModelSpec(Record):
    """A model as the user describes it; what is None or "" is asked of the server."""

    id: str = ""
    context: int | None = None
    output: int | None = None
    tools: bool = True
    vision: bool = False


class Server(Record):
    """A model server.

    Attributes:
        name: what the tools call it.
        url: its address as given, without a trailing slash.
        key: the secret it wants, "" for none.
        variable: the environment variable in which the tools find the key.
        ca: PEM file with CAs to trust besides the usual ones, "" for none.
        source: where it was set, for messages.
        models: those the user described.
    """

    name: str
    url: str
    key: str
    variable: str
    ca: str
    source: str
    models: tuple[ModelSpec, ...]

    def setting(self, variable: str, entry: str) -> str:
        """Return how the user calls a setting: a variable, or its place in config/models.yml."""
        return variable if self.source == "MODEL_URL" else f"{self.source.removesuffix('.url')}.{entry}"


class ModelServers(Record):
    """The servers, and the model of each role as ``server/id`` or ``server``."""

    servers: tuple[Server, ...]
    roles: Mapping[str, str]
