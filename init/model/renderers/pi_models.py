"""The list of models in the form that pi and OMP, which comes from it, both read."""

from __future__ import annotations

import json

from init.model.renderers.base import inner, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from init.model.catalogue import Catalogue, Provider


def document(
    catalogue: Catalogue, user: Mapping[str, Any], provider_of: Callable[[Provider], Mapping[str, Any]]
) -> str:
    """Return the file: the user's own, with our providers added, in which what the user set stays.

    Args:
        catalogue: the models.
        user: what the user wrote in that file.
        provider_of: returns what a tool is told of a provider besides address and models.
    """
    providers = {
        provider.server.name: merged(
            {**_provider(provider), **provider_of(provider)}, inner(user, "providers", provider.server.name)
        )
        for provider in catalogue.providers
    }
    models = {**user, "providers": {**inner(user, "providers"), **providers}}
    return json.dumps(models, ensure_ascii=False)


def extensions(settings: Mapping[str, Any], added: str) -> list[Any]:
    """Return the user's extensions and one more: a list of ours takes the place of theirs."""
    theirs = settings.get("extensions")
    return [*(theirs if isinstance(theirs, list) else ()), added]


def _provider(provider: Provider) -> dict[str, Any]:
    models = [
        {
            "id": model.id, "name": model.id, "contextWindow": model.context, "maxTokens": model.output,
            "input": ["text", "image"] if model.vision else ["text"],
        }
        for model in provider.models
    ]  # fmt: skip
    return {"baseUrl": provider.told, "api": "openai-completions", "models": models}
