"""The models to the files that each tool takes them from: one small function for a tool.

A tool's entry in config/tools.yml names its renderer. What the user wrote in config/ wins: a renderer leaves
out what is set there.
"""

from __future__ import annotations

import json

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from init.model.catalogue import Catalogue, Model, Provider

    Own = Callable[[str], Any]


class Rendered(Record):
    """What a tool gets.

    Attributes:
        files: contents by name; a name that config/ has too takes that file's place.
        variables: environment variables by name.
        ignored: what of the models the user's own configuration leaves unused, to be told.
    """

    files: Mapping[str, str]
    variables: Mapping[str, str]
    ignored: tuple[str, ...] = ()


def opencode(catalogue: Catalogue, own: Own, folder: str) -> Rendered:
    """OPENCODE_CONFIG names a file that is merged over opencode.json: https://opencode.ai/docs/config."""
    user = own("opencode.json")
    providers = {
        provider.server.name: _unset(
            _opencode_provider(provider), _inner(user, "provider", provider.server.name)
        )
        for provider in catalogue.providers
    }
    document: dict[str, Any] = {"$schema": "https://opencode.ai/config.json", "provider": providers}
    variables = {"OPENCODE_CONFIG": f"{folder}/opencode-models.json"}
    ignored: tuple[str, ...] = ()
    if user.get("model"):
        ignored = (f"config/opencode.json sets model to {user['model']}: opencode begins with that",)
    else:
        document["model"] = "/".join(_role(catalogue, "main"))
        if "small_model" not in user:
            document["small_model"] = "/".join(_role(catalogue, "fast"))
        if not catalogue.main()[1].tools:
            document |= _OPENCODE_TALK
            # Rules of the sandbox and of projects would be most of what a small model reads.
            variables |= {"OPENCODE_CONFIG_DIR": f"{folder}/none", "OPENCODE_DISABLE_PROJECT_CONFIG": "1"}
    # opencode replaces {env:…} and {file:…} wherever they stand: a server's id must not read files.
    text = json.dumps(document).replace("{env:", "\\u007benv:").replace("{file:", "\\u007bfile:")
    return Rendered({"opencode-models.json": text}, variables, ignored)


def omp(catalogue: Catalogue, own: Own, folder: str) -> Rendered:
    """models.yml holds the providers, and PI_CONFIG_FILES an overlay of config.yml: omp's settings.md."""
    user, settings = own("omp-models.yml"), own("omp-config.yml")
    providers = {
        provider.server.name: _merged(
            _omp_provider(provider), _inner(user, "providers", provider.server.name)
        )
        for provider in catalogue.providers
    }
    models = {**user, "providers": {**_inner(user, "providers"), **providers}}
    kept = _inner(settings, "modelRoles")
    roles = {role: "/".join(_role(catalogue, ours)) for role, ours in _OMP_ROLES.items() if role not in kept}
    vision = catalogue.roles.get("vision")
    if vision and "vision" not in kept:
        roles["vision"] = "/".join(vision)
    overlay: dict[str, Any] = {"modelRoles": roles}
    files, variables = {}, {"PI_CONFIG_FILES": f"{folder}/omp-overlay.yml"}
    ignored: tuple[str, ...] = ()
    if "default" in kept:
        first = kept["default"]
        ignored = (f"config/omp-config.yml sets modelRoles.default to {first}: omp begins with that",)
    elif not catalogue.main()[1].tools:
        # A list of the overlay takes the place of the user's.
        theirs = settings.get("extensions")
        overlay["extensions"] = [*(theirs if isinstance(theirs, list) else ()), f"{folder}/omp-talk.js"]
        files["omp-talk.js"] = _OMP_TALK
        variables["PI_NO_TITLE"] = "1"
    files["omp-models.yml"] = json.dumps(models, ensure_ascii=False)
    files["omp-overlay.yml"] = json.dumps(overlay, ensure_ascii=False)
    return Rendered(files, variables, ignored)


RENDERERS: Mapping[str, Callable[[Catalogue, Own, str], Rendered]] = {"opencode": opencode, "omp": omp}

# A role left out would go to whichever model omp finds by itself.
_OMP_ROLES = {
    "default": "main", "slow": "main", "plan": "main", "task": "main",
    "smol": "fast", "commit": "fast", "tiny": "fast",
}  # fmt: skip


# For a model that cannot call tools (MODEL_TOOLS=off): a short prompt, no tools, no request for a title.
_PROMPT = "You are a helpful assistant. Answer briefly."
_OPENCODE_TALK = {
    "default_agent": "talk",
    "agent": {
        "talk": {
            "mode": "primary",
            "description": "Answers without tools",
            "prompt": _PROMPT,
            "tools": {"*": False},
        },
        **{name: {"disable": True} for name in ("title", "build", "plan")},
    },
}
_OMP_TALK = f"""export default (pi) => {{
  pi.on("session_start", async () => {{ await pi.setActiveTools([]); }});
  pi.on("before_agent_start", () => ({{ systemPrompt: [{json.dumps(_PROMPT)}] }}));
}};
"""


def _opencode_provider(provider: Provider) -> dict[str, Any]:
    return {
        "npm": "@ai-sdk/openai-compatible",
        "name": title(provider),
        # The variable's name: a key in the file would be in opencode's error messages too.
        "env": [provider.server.variable],
        "options": {"baseURL": provider.base},
        "models": {model.id: _opencode_model(model) for model in provider.models},
    }


def _opencode_model(model: Model) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": model.id, "limit": {"context": model.context, "output": model.output}}
    if model.vision:
        entry |= {"attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
    return entry


def _omp_provider(provider: Provider) -> dict[str, Any]:
    # An empty variable would have omp send its name as the key.
    key = {"apiKey": provider.server.variable} if provider.server.key else {"auth": "none"}
    models = [
        {
            "id": model.id, "name": model.id, "contextWindow": model.context, "maxTokens": model.output,
            "input": ["text", "image"] if model.vision else ["text"],
        }
        for model in provider.models
    ]  # fmt: skip
    return {"baseUrl": provider.base, "api": "openai-completions", **key, "models": models}


def title(provider: Provider) -> str:
    """Return what the tools show as the provider."""
    short = provider.server.source == "MODEL_URL"
    return provider.kind if short else f"{provider.server.name} ({provider.kind})"


def _role(catalogue: Catalogue, role: str) -> tuple[str, str]:
    return catalogue.roles.get(role) or catalogue.roles["main"]


def _inner(content: Any, *names: str) -> dict[str, Any]:
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _unset(ours: Any, theirs: Any) -> Any:
    """Return ours without what they set: it stays where it is, and is merged by the tool."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return ours
    inner = {key: _unset(ours[key], theirs[key]) for key in ours if isinstance(theirs.get(key), dict)}
    return {key: value for key, value in ours.items() if key not in theirs} | inner


def _merged(ours: Any, theirs: Any) -> Any:
    """Return ours with what they set in its place, mapping by mapping."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return theirs
    both = {key: _merged(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()}
    return {**ours, **theirs, **both}
