"""The models as pi takes them."""

from __future__ import annotations

import json

from init.model.renderers.base import NO_KEY, PROMPT, Rendered, inner, merged, model_of, title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from init.model.catalogue import Catalogue, Provider
    from init.model.renderers.base import Own

_TALK = f"""export default (pi) => {{
  pi.on("before_agent_start", () => ({{ systemPrompt: {json.dumps(PROMPT)} }}));
}};
"""

# What every local server reads, without what a strict one refuses.
_COMPAT = {
    "maxTokensField": "max_tokens",
    "supportsStore": False,
    "supportsDeveloperRole": False,
    "supportsStrictMode": False,
}
# Its own limit of five minutes without a word is a cloud's; 0 is none.
_PATIENT = {"httpIdleTimeoutMs": 0}
# What it keeps of a conversation that it shortens; less where the context is small.
_MOST_KEPT = 20000


def render(catalogue: Catalogue, own: Own, folder: str) -> Rendered:
    """models.json holds the providers, and settings.json the model that it begins with: pi's settings.md."""
    user, settings = own("pi-models.json"), own("pi-settings.json")
    providers = {
        provider.server.name: merged(_provider(provider), inner(user, "providers", provider.server.name))
        for provider in catalogue.providers
    }
    models = {**user, "providers": {**inner(user, "providers"), **providers}}
    ours: dict[str, Any] = dict(_PATIENT)
    files: dict[str, str] = {}
    ignored: tuple[str, ...] = ()
    if settings.get("defaultModel"):
        first = settings["defaultModel"]
        ignored = (f"config/pi-settings.json sets defaultModel to {first}: pi begins with that",)
    else:
        ours["defaultProvider"], ours["defaultModel"] = model_of(catalogue, "main")
        model = catalogue.main()[1]
        kept = min(_MOST_KEPT, model.context // 4)
        ours["compaction"] = {"reserveTokens": model.output, "keepRecentTokens": kept}
        if not model.tools:
            theirs = settings.get("extensions")
            talk = f"{folder}/pi-talk.js"
            settings = {**settings, "extensions": [*(theirs if isinstance(theirs, list) else ()), talk]}
            ours["defaultTools"] = []
            files["pi-talk.js"] = _TALK
    files["pi-models.json"] = json.dumps(models, ensure_ascii=False)
    files["pi-settings.json"] = json.dumps(merged(ours, settings), ensure_ascii=False)
    return Rendered(files, {}, ignored)


def _provider(provider: Provider) -> dict[str, Any]:
    models = [
        {
            "id": model.id, "name": model.id, "contextWindow": model.context, "maxTokens": model.output,
            "input": ["text", "image"] if model.vision else ["text"],
        }
        for model in provider.models
    ]  # fmt: skip
    return {
        "name": title(provider),
        "baseUrl": provider.told,
        "api": "openai-completions",
        # pi offers no model without one. $ has it read the variable.
        "apiKey": f"${provider.server.variable}" if provider.server.key else NO_KEY,
        "compat": _COMPAT,
        "models": models,
    }
