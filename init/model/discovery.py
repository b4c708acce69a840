"""What a model server says it serves, and the context of each model, in the words of the usual servers."""

from __future__ import annotations

from init.model import endpoint
from init.model.checks import MOST_TOKENS, usable_id
from init.model.failures import EndpointError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from init.model.servers import Server

# Seconds for an answer.
PATIENCE = 5.0


class Listing(Record):
    """What a server says it serves.

    Attributes:
        base: the address that the endpoints are below.
        kind: the server's make, for messages and as the provider's title.
        entries: the entries of /models, by id.
    """

    base: str
    kind: str
    entries: Mapping[str, Mapping[str, Any]]


def ask(server: Server, seconds: float = PATIENCE) -> Listing:
    """Ask a server once what it serves.

    Raises:
        EndpointError: there is no list, or nothing in it.
    """
    failure = None
    for base in bases(server.url):
        try:
            return read(server, base, endpoint.request(server, f"{base}/models", seconds=seconds))
        except EndpointError as error:
            if error.stage != "answer" or error.passing or error.status not in (0, 404):
                raise
            # The first is about the address that the user wrote.
            failure = failure or error
    raise failure or AssertionError("bases() is never empty")


def chat_candidates(served: Listing) -> tuple[str, ...]:
    """Return the ids that may be meant where none is chosen: LM Studio always lists one for embeddings."""
    ids = tuple(served.entries)
    return tuple(model for model in ids if not any(word in model.lower() for word in _NO_CHAT)) or ids


def bases(url: str) -> tuple[str, ...]:
    """Return the addresses that a URL may mean: with /v1 or without it."""
    path = url.partition("://")[2].partition("/")[2]
    if not path:
        return (f"{url}/v1", url)
    return (url,) if path.endswith("v1") else (url, f"{url}/v1")


def context_of(server: Server, served: Listing, model: str) -> int | None:
    """Return the context in tokens that a server gives a model, None where it does not tell."""
    root = served.base.removesuffix("/v1")
    entry = served.entries[model]
    # vLLM lists an adapter with the model that it belongs to, and without a context of its own.
    if isinstance(entry.get("parent"), str) and not entry.get("max_model_len"):
        entry = served.entries.get(entry["parent"], entry)
    for way in (_from_the_list, _from_llama_cpp, _from_lm_studio, _from_ollama):
        try:
            context = way(server, root, model, entry)
        except (EndpointError, *endpoint.UNEXPECTED_SHAPE):
            # Not this kind of server, or a newer one.
            continue
        if context and 0 < context <= MOST_TOKENS:
            return context
    return None


def read(server: Server, base: str, content: Any) -> Listing:
    """Take what /models answers.

    Raises:
        EndpointError: it is no list, or there is nothing in it.
    """
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, list):
        raise EndpointError(
            "answer", f"{base}/models answers with JSON that is no list of models",
            f"Is {server.origin.url} the address of an OpenAI-compatible API? Its path is mostly /v1.",
        )  # fmt: skip
    entries = {
        entry["id"]: entry
        for entry in data
        if isinstance(entry, dict) and isinstance(entry.get("id"), str) and usable_id(entry["id"])
    }
    if not entries:
        raise EndpointError(
            "answer", f"{base} serves no model",
            "Load one on the server (Ollama: ollama pull NAME; LM Studio: download and load one).",
        )  # fmt: skip
    owners = {str(entry.get("owned_by")) for entry in entries.values()}
    kind = next((title for owner, title in _KINDS.items() if owner in owners), "OpenAI-compatible")
    return Listing(base, kind, entries)


_NO_CHAT = ("embed", "rerank")

# What owned_by says in the lists of the usual servers.
_KINDS = {
    "vllm": "vLLM", "sglang": "SGLang", "llamacpp": "llama.cpp", "library": "Ollama",
    "organization_owner": "LM Studio",
}  # fmt: skip


def _from_the_list(_server: Server, _root: str, _model: str, entry: Mapping[str, Any]) -> int | None:
    # vLLM and SGLang say max_model_len; some gateways one of the others.
    names = ("max_model_len", "context_length", "context_window", "max_context_length")
    return next((int(entry[name]) for name in names if entry.get(name)), None)


def _from_llama_cpp(server: Server, root: str, _model: str, entry: Mapping[str, Any]) -> int | None:
    started_with = entry["meta"].get("n_ctx")
    try:
        # What it was started with, for one of its slots. n_ctx_train is only what the model was made for.
        props = endpoint.request(server, f"{root}/props", seconds=PATIENCE)
        return int(props["default_generation_settings"]["n_ctx"])
    except (EndpointError, *endpoint.UNEXPECTED_SHAPE):
        return int(started_with)


def _from_lm_studio(server: Server, root: str, model: str, _entry: Mapping[str, Any]) -> int | None:
    content = endpoint.request(server, f"{root}/api/v0/models", seconds=PATIENCE)
    # max_context_length is only what the model was made for: one that is not loaded yet gets a default.
    return int({entry["id"]: entry for entry in content["data"]}[model]["loaded_context_length"])


def _from_ollama(server: Server, root: str, model: str, _entry: Mapping[str, Any]) -> int | None:
    running = endpoint.request(server, f"{root}/api/ps", seconds=PATIENCE)["models"]
    for entry in running:
        if entry["name"] == model and entry.get("context_length"):
            return int(entry["context_length"])
    # model_info holds what the model was trained for, which Ollama does not give it unasked.
    shown = endpoint.request(server, f"{root}/api/show", {"model": model}, seconds=PATIENCE)
    for line in str(shown.get("parameters", "")).splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx":
            return int(value.strip())
    return None
