"""The models as opencode takes them."""

from __future__ import annotations

import json

from init.model.renderers.base import NOTHING, PROMPT, Rendered, inner, model_of, title, unset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from init.model.catalogue import Catalogue, Model, Provider
    from init.model.renderers.base import Own

_TALK = {
    "default_agent": "talk",
    "agent": {
        "talk": {
            "mode": "primary",
            "description": "Answers without tools",
            "prompt": PROMPT,
            "tools": {"*": False},
        },
        **{name: {"disable": True} for name in ("title", "build", "plan")},
    },
}

# Its own limits of five minutes are a cloud's; false is none.
_PATIENT = {"timeout": False, "headerTimeout": False, "chunkTimeout": False}


def render(catalogue: Catalogue, own: Own, folder: str) -> Rendered:
    """OPENCODE_CONFIG names a file that is merged over opencode.json: https://opencode.ai/docs/config."""
    user = own("opencode.json")
    providers = {
        provider.server.name: unset(_provider(provider), inner(user, "provider", provider.server.name))
        for provider in catalogue.providers
    }
    document: dict[str, Any] = {"$schema": "https://opencode.ai/config.json", "provider": providers}
    variables = {"OPENCODE_CONFIG": f"{folder}/opencode-models.json"}
    ignored: tuple[str, ...] = ()
    if user.get("model"):
        ignored = (f"config/opencode.json sets model to {user['model']}: opencode begins with that",)
    else:
        document["model"] = "/".join(model_of(catalogue, "main"))
        if "small_model" not in user:
            document["small_model"] = "/".join(model_of(catalogue, "fast"))
        if not catalogue.main()[1].tools:
            document |= _TALK
            # Rules of the sandbox and of projects would be most of what a small model reads.
            variables |= {
                "OPENCODE_CONFIG_DIR": f"{folder}/{NOTHING}",
                "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
            }
    # opencode replaces {env:…} and {file:…} wherever they stand: a server's id must not read files.
    text = json.dumps(document).replace("{env:", "\\u007benv:").replace("{file:", "\\u007bfile:")
    return Rendered({"opencode-models.json": text}, variables, ignored)


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "npm": "@ai-sdk/openai-compatible",
        "name": title(provider),
        # The variable's name: a key in the file would be in opencode's error messages too.
        "env": [provider.server.variable],
        "options": {"baseURL": provider.told, **_PATIENT},
        "models": {model.id: _model(model) for model in provider.models},
    }


def _model(model: Model) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": model.id, "limit": {"context": model.context, "output": model.output}}
    if model.vision:
        entry |= {"attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
    return entry
