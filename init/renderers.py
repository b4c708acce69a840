"""The models to the files that each tool takes them from: one small function for a tool.

A tool's entry in config/tools.yml names its renderer. What the user wrote in config/ wins: a renderer leaves
out what is set there.
"""

import json

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from init.catalogue import Catalogue, Model, Provider

    Own = Callable[[str], Any]


class Rendered(Record):
    """What a tool gets.

    Attributes:
        files: contents by name; a name that config/ has too takes that file's place.
        variables: environment variables by name; {file} at the start of a value is the files' folder.
        ignored: what of the models the user's own configuration leaves unused, to be told.
    """

    files: "Mapping[str, str]"
    variables: "Mapping[str, str]"
    ignored: tuple[str, ...] = ()


def opencode(catalogue: "Catalogue", own: "Own") -> Rendered:
    """OPENCODE_CONFIG names a file that is merged over opencode.json: https://opencode.ai/docs/config."""
    user = own("opencode.json")
    providers = {
        provider.server.name: _merged(
            _opencode_provider(provider), _inner(user, "provider", provider.server.name)
        )
        for provider in catalogue.providers
    }
    document = {"$schema": "https://opencode.ai/config.json", "provider": providers}
    ignored: tuple[str, ...] = ()
    if user.get("model"):
        ignored = (f"config/opencode.json sets model to {user['model']}: opencode begins with that",)
    else:
        document |= {
            "model": "/".join(_role(catalogue, "main")),
            "small_model": "/".join(_role(catalogue, "fast")),
        }
    if "small_model" in user:
        document.pop("small_model", None)
    # opencode replaces {env:…} and {file:…} wherever they stand: a server's id must not read files.
    text = json.dumps(document).replace("{env:", "\\u007benv:").replace("{file:", "\\u007bfile:")
    return Rendered(
        {"opencode-models.json": text}, {"OPENCODE_CONFIG": "{rendered}/opencode-models.json"}, ignored
    )


def omp(catalogue: "Catalogue", own: "Own") -> Rendered:
    """models.yml holds the providers, and PI_CONFIG_FILES an overlay of config.yml: omp's settings.md."""
    user = own("omp-models.yml")
    providers = {
        provider.server.name: _merged(
            _omp_provider(provider), _inner(user, "providers", provider.server.name)
        )
        for provider in catalogue.providers
    }
    models = {**user, "providers": {**_inner(user, "providers"), **providers}}
    kept = _inner(own("omp-config.yml"), "modelRoles")
    roles = {role: "/".join(_role(catalogue, ours)) for role, ours in _OMP_ROLES.items() if role not in kept}
    vision = catalogue.roles.get("vision")
    if vision and "vision" not in kept:
        roles["vision"] = "/".join(vision)
    ignored: tuple[str, ...] = ()
    if "default" in kept:
        ignored = (
            f"config/omp-config.yml sets modelRoles.default to {kept['default']}: omp begins with that",
        )
    files = {
        "omp-models.yml": json.dumps(models, ensure_ascii=False),
        "omp-roles.yml": json.dumps({"modelRoles": roles}, ensure_ascii=False),
    }
    return Rendered(files, {"PI_CONFIG_FILES": "{rendered}/omp-roles.yml"}, ignored)


RENDERERS: "Mapping[str, Callable[[Catalogue, Own], Rendered]]" = {"opencode": opencode, "omp": omp}

# A role left out would go to whichever model omp finds by itself.
_OMP_ROLES = {
    "default": "main", "slow": "main", "plan": "main", "task": "main",
    "smol": "fast", "commit": "fast", "tiny": "fast",
}  # fmt: skip


def _opencode_provider(provider: "Provider") -> "dict[str, Any]":
    return {
        "npm": "@ai-sdk/openai-compatible",
        "name": title(provider),
        # The variable's name: a key in the file would be in opencode's error messages too.
        "env": [provider.server.variable],
        "options": {"baseURL": provider.base},
        "models": {model.id: _opencode_model(model) for model in provider.models},
    }


def _opencode_model(model: "Model") -> "dict[str, Any]":
    entry: dict[str, Any] = {"name": model.id, "limit": {"context": model.context, "output": model.output}}
    if model.vision:
        entry |= {"attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
    return entry


def _omp_provider(provider: "Provider") -> "dict[str, Any]":
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


def title(provider: "Provider") -> str:
    """Return what the tools show as the provider."""
    short = provider.server.source == "MODEL_URL"
    return provider.kind if short else f"{provider.server.name} ({provider.kind})"


def _role(catalogue: "Catalogue", role: str) -> tuple[str, str]:
    return catalogue.roles.get(role) or catalogue.roles["main"]


def _inner(content: "Any", *names: str) -> "dict[str, Any]":
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _merged(ours: "Any", theirs: "Any") -> "Any":
    """Return ours with what they set in its place, mapping by mapping."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return theirs
    both = {key: _merged(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()}
    return {**ours, **theirs, **both}
