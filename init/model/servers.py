"""The model servers that the user named, and the models described of them."""

from __future__ import annotations

import os

from init import paths
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Warn = Callable[[str, str], None]

# As the user knows it.
MODELS_FILE = "config/models.yml"
ROLES = ("main", "fast", "vision")


class ModelSpec(Record):
    """A model as the user describes it; what is None or "" is asked of the server."""

    id: str = ""
    context: int | None = None
    output: int | None = None
    tools: bool = True
    vision: bool = False


class Origin(Record):
    """Where a server was set: it knows how the user calls each of its settings.

    Attributes:
        entry: its place in config/models.yml, "" for the short form, the MODEL_* variables.
    """

    entry: str = ""

    @property
    def is_short(self) -> bool:
        """Tell whether it was set by the MODEL_* variables."""
        return not self.entry

    @property
    def url(self) -> str:
        """Return how the user calls its address."""
        return self.name("MODEL_URL", "url")

    def name(self, variable: str, entry: str) -> str:
        """Return how the user calls a setting: a variable, or its place in config/models.yml."""
        return variable if self.is_short else f"{MODELS_FILE}, {self.entry}.{entry}"

    def name_of_model(self, variable: str, entry: str, model: str) -> str:
        """Return how the user calls a setting of one model, which may not be described there yet."""
        return variable if self.is_short else f"the {entry} of {model} ({self.name(variable, 'models')})"


class Server(Record):
    """A model server.

    Attributes:
        name: what the tools call it.
        url: its address as given, without a trailing slash.
        key: the secret it wants, "" for none.
        variable: the environment variable in which the tools find the key.
        ca: PEM file with CAs to trust besides the usual ones, "" for none.
        origin: where it was set.
        models: those the user described.
        via: the place of the gateway by which it is reached, which has its key; "" where there is none.
    """

    name: str
    url: str
    key: str
    variable: str
    ca: str
    origin: Origin
    models: tuple[ModelSpec, ...]
    via: str = ""

    @property
    def root(self) -> str:
        """Its address without the version of the API."""
        return self.url.removesuffix("/v1")

    def target(self, url: str) -> str:
        """Return how the gateway is asked for a URL of this server."""
        return f"/{self.name}{url.removeprefix(self.root)}"

    def told(self, base: str) -> str:
        """Return what the tools are told where a URL of this server is the answer."""
        return f"{paths.LINKED}{self.target(base)}" if self.via else base


class Places(Record):
    """Where the files that name model servers are.

    Attributes:
        config: the folder config/.
        keys: the folder of files with keys.
        via: the place of the gateway by which the servers are reached: then keys and CAs are its business.
        shared: whether the agent reads config/, too, so that no key may stand in it.
    """

    config: str = paths.CONFIG
    keys: str = paths.CONFIG
    via: str = ""
    shared: bool = False

    def key(self, name: str) -> str:
        """Return the path of a file with a key, by the name that the user gave."""
        return os.path.normpath(os.path.join(self.keys, name))


HERE = Places()


class ModelServers(Record):
    """The servers, and the model of each role as ``server/id`` or ``server``."""

    servers: tuple[Server, ...]
    roles: Mapping[str, str]
