"""What a tool may speak to a model server, which servers have it since when, and whether this one does."""

from __future__ import annotations

from init.model import endpoint
from init.model.catalogue import NO_LIST
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from init.model.catalogue import Catalogue, Model, Provider
    from init.tools import Tool

# Below the server's address, by the name in config/tools.yml. Every server has chat completions.
PATHS = {"chat": "chat/completions", "responses": "responses", "messages": "messages"}

# docs/model-servers.md has the sources.
_SINCE = {
    "responses": {
        "vLLM": "in the form that Codex needs since 0.25.1",
        "SGLang": "with calls of functions in 0.5.23 at the latest",
        "llama.cpp": "since January 2026",
        "Ollama": "since 0.13.3",
        "LM Studio": "since 0.3.29",
    },
    "messages": {
        "vLLM": "since 0.11.1",
        "SGLang": "since 0.5.9",
        "llama.cpp": "since November 2025",
        "Ollama": "since 0.14.0",
        "LM Studio": "since 0.4.1",
    },
}

# Seconds for an answer to nothing.
PATIENCE = 5.0


def lacks(provider: Provider, api: str, seconds: float = PATIENCE) -> bool:
    """Tell whether a server surely has no such API.

    It is asked for nothing, which no server spends time on: what has the API says what is missing.
    """
    if api == "chat":
        return False
    url = f"{provider.base}/{PATHS[api]}"
    try:
        content = endpoint.request(provider.server, url, {}, seconds=seconds)
    except EndpointError as error:
        # What looks for the model before it looks for the question is there, too.
        return error.status in NO_LIST and "model" not in error.what.removeprefix(url)
    # LM Studio's 200.
    return isinstance(content, dict) and "Unexpected endpoint" in str(content.get("error"))


def needed_by(names: Sequence[str]) -> str:
    """Return who needs it, as words."""
    return f"{' and '.join(names)} need{'s' * (len(names) == 1)} it"


def missing(provider: Provider, api: str, names: Sequence[str]) -> tuple[str, str]:
    """Return what to tell of a server without an API that these tools need, and what to do."""
    what = f"{provider.base}/{PATHS[api]} is not there, and {needed_by(names)}"
    since = {kind: time for kind, time in _SINCE[api].items() if kind == provider.kind} or _SINCE[api]
    known = ", ".join(f"{kind} has it {time}" for kind, time in since.items())
    return what, f"{known}. Update the server, or take a tool that speaks chat completions."


def too_small(tool: Tool, model: Model) -> str:
    """Return what to tell of a model whose context is too small for a tool, "" where it is not."""
    if model.context >= tool.context:
        return ""
    return f"{tool.name} needs a context of {tool.context}, {model.id} has {model.context}"


def unfit(tools: Iterable[Tool], catalogue: Catalogue) -> dict[str, str]:
    """Return why tools are of no use with the main model, in a few words, by name; nothing of the others."""
    provider, model = catalogue.main()
    told = [tool for tool in tools if tool.renderer]
    lacking = {api for api in {tool.api for tool in told} if lacks(provider, api)}
    reasons = {
        tool.name: f"the server has no /{PATHS[tool.api]}" if tool.api in lacking
        else f"needs a context of {tool.context}, there is {model.context}" * (model.context < tool.context)
        for tool in told
    }  # fmt: skip
    return {name: reason for name, reason in reasons.items() if reason}
