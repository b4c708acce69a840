"""What a model server serves, and the model of each role: its id, its context, its limit of output."""

from __future__ import annotations

import time

from init.errors import SandboxError
from init.model import discovery
from init.model.discovery import Listing
from init.model.failures import EndpointError
from init.model.servers import MODELS_FILE, ROLES, ModelSpec
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from init.model.servers import ModelServers, Server, Warn

    Ask = Callable[["Server", Sequence[str]], str]

# The pauses before a server that does not answer is asked again, in seconds.
PAUSES = (1.0, 2.0, 4.0)

# Where neither the server nor the user tells: what the smallest servers for agents are started with.
ASSUMED_CONTEXT = 32768
# Below this, an agent's own prompt fills half of it.
LITTLE_CONTEXT = 16384
# A quarter of the context is left for the answer, but no more than a tool asks for by itself.
MOST_OUTPUT = 32000

# Some servers have no list, which is no harm where the ids are set.
NO_LIST = (404, 405, 501)

# A menu or a message shows no more.
MOST_SHOWN = 30


class Model(Record):
    """A model as the tools are told of it; context and output are tokens."""

    id: str
    context: int
    output: int
    tools: bool
    vision: bool


class Provider(Record):
    """A server with the models that are used of it."""

    server: Server
    kind: str
    base: str
    models: tuple[Model, ...]

    @property
    def told(self) -> str:
        """The address that the tools are told."""
        return self.server.told(self.base)


class Catalogue(Record):
    """All providers, and the model of each role as (provider's name, model's id)."""

    providers: tuple[Provider, ...]
    roles: Mapping[str, tuple[str, str]]

    def main(self) -> tuple[Provider, Model]:
        """Return the model that the tools begin with, and its provider."""
        name, model = self.roles["main"]
        provider = next(entry for entry in self.providers if entry.server.name == name)
        return provider, next(entry for entry in provider.models if entry.id == model)


def resolve(configured: ModelServers, ask: Ask, warn: Warn) -> Catalogue:
    """Ask the servers and settle on models.

    Args:
        configured: what the user set; at least one server.
        ask: takes one of several ids where none is set, or raises SandboxError.
        warn: is told what works, but not as the user may think, and what to do.

    Raises:
        SandboxError: a server or a setting cannot be used; says why.
    """
    references = {role: _reference(role, text, configured) for role, text in configured.roles.items()}
    providers = tuple(
        _provider(server, _specs(server, references), ask, warn) for server in configured.servers
    )
    roles = _roles(references, providers)
    return Catalogue(tuple(_seeing(provider, roles.get("vision")) for provider in providers), roles)


def _reference(role: str, text: str, configured: ModelServers) -> tuple[str, str]:
    """Return the server's name and the model's id, "" where none is named."""
    name, _, model = text.partition("/")
    names = [server.name for server in configured.servers]
    if name not in names:
        raise SandboxError(
            f"{MODELS_FILE}, roles.{role}: there is no server of the name in {text!r}",
            f"Write server/id, with one of: {', '.join(names)}.",
        )
    return name, model


def find(model: str, ids: Collection[str]) -> str | None:
    """Return the id under which a server lists a model, None where it does not."""
    # Ollama takes a name without its tag.
    return next((name for name in (model, f"{model}:latest") if name in ids), None)


def not_served(server: Server, model: str, served: Listing) -> SandboxError:
    """Return what to tell of an id that the server does not list."""
    import difflib

    setting = server.origin.name("MODEL_ID", "models: the id")
    near = difflib.get_close_matches(model, served.entries, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return SandboxError(
        f"{setting} {model!r} is not served by {served.base}, which serves: {joined(served.entries)}",
        f"Set it to one of these, letter by letter, or leave it out where there is only one.{hint}",
    )


def ambiguous(server: Server, ids: Sequence[str]) -> SandboxError:
    """Return what to tell where the user has to choose."""
    setting = server.origin.name("MODEL_ID", "models")
    fix = (
        f"Set {setting} to one of them." if server.origin.is_short else f"Name one in {setting}, or in roles."
    )
    return SandboxError(f"{server.url} serves several models, and none is chosen: {joined(ids)}", fix)


def joined(ids: Iterable[str]) -> str:
    """Return ids in one line, not too many."""
    names = list(ids)
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _patiently(server: Server, warn: Warn) -> Listing:
    """Ask again, and say so, where it may be over in a moment."""
    for count, pause in enumerate(PAUSES, 2):
        try:
            return discovery.ask(server)
        except EndpointError as error:
            if not error.passing:
                raise
            warn(f"{error.what}; asking again in {pause:g} s ({count} of {len(PAUSES) + 1})", "")
            time.sleep(pause)
    return discovery.ask(server)


def _specs(server: Server, references: Mapping[str, tuple[str, str]]) -> tuple[ModelSpec, ...]:
    """Return what is described of a server, and what a role names without describing it."""
    described = {spec.id for spec in server.models}
    in_roles = dict.fromkeys(model for name, model in references.values() if name == server.name)
    more = tuple(ModelSpec(model) for model in in_roles if model and model not in described)
    return (*server.models, *more) or (ModelSpec(),)


def _provider(server: Server, specs: tuple[ModelSpec, ...], ask: Ask, warn: Warn) -> Provider:
    try:
        served = _patiently(server, warn)
    except EndpointError as error:
        if error.status not in NO_LIST or not all(spec.id for spec in specs):
            raise
        warn(error.what, error.fix)
        base = discovery.bases(server.url)[0]
        return Provider(
            server, "OpenAI-compatible", base, tuple(_model(server, spec, None, warn) for spec in specs)
        )
    models = []
    for spec in specs:
        ids = discovery.chat_candidates(served)
        model = find(spec.id, served.entries) if spec.id else ids[0] if len(ids) == 1 else ask(server, ids)
        if model is None:
            raise not_served(server, spec.id, served)
        models.append(
            _model(server, spec._replace(id=model), discovery.context_of(server, served, model), warn)
        )
    return Provider(server, served.kind, served.base, tuple(models))


def _model(server: Server, spec: ModelSpec, limit: int | None, warn: Warn) -> Model:
    """Settle context and output between what the user set and the limit that the server tells."""
    setting = server.origin.name_of_model("MODEL_CONTEXT", "context", spec.id)
    context = spec.context or limit
    if context is None:
        context = ASSUMED_CONTEXT
        warn(
            f"the server does not tell the context of {spec.id}: {context} is assumed",
            f"Set {setting} to what the server was started with (Ollama: OLLAMA_CONTEXT_LENGTH; "
            "its own default is too small for agents).",
        )
    elif limit is not None and context > limit:
        warn(
            f"a context of {context} is set, but the server gives {spec.id} only {limit}, which is used",
            f"Lower {setting}, or leave it out.",
        )
        context = limit
    if context < LITTLE_CONTEXT and spec.tools:
        warn(
            f"{spec.id} has a context of {context}: an agent's own prompt takes 10,000 tokens",
            "Start the server with 32768 or more; see docs/model-servers.md.",
        )
    if spec.output is not None and spec.output >= context:
        raise SandboxError(
            f"an output of {spec.output} leaves no room for a prompt in the context of {spec.id}, {context}",
            f"Set {server.origin.name_of_model('MODEL_OUTPUT', 'output', spec.id)} to a quarter of it, "
            "or to nothing.",
        )
    output = spec.output or max(1, min(MOST_OUTPUT, context // 4))
    return Model(spec.id, context, output, spec.tools, spec.vision)


def _seeing(provider: Provider, vision: tuple[str, str] | None) -> Provider:
    """Return the provider with the model of that role as one that reads images."""
    models = tuple(
        model._replace(vision=model.vision or (provider.server.name, model.id) == vision)
        for model in provider.models
    )
    return provider._replace(models=models)


def _roles(
    references: Mapping[str, tuple[str, str]], providers: tuple[Provider, ...]
) -> dict[str, tuple[str, str]]:
    by_name = {provider.server.name: provider for provider in providers}
    roles = {"main": (providers[0].server.name, providers[0].models[0].id)}
    for role in filter(references.__contains__, ROLES):
        name, model = references[role]
        ids = [entry.id for entry in by_name[name].models]
        roles[role] = (name, find(model, ids) or ids[0])
    return roles
