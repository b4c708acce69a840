"""The models as pi takes them."""

from __future__ import annotations

import json

from init.model.renderers import pi_models
from init.model.renderers.base import NO_KEY, PROMPT, Rendered, merged, model_of, title

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
    settings = own("pi-settings.json")
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
            extensions = pi_models.extensions(settings, f"{folder}/pi-talk.js")
            settings = {**settings, "extensions": extensions}
            ours["defaultTools"] = []
            files["pi-talk.js"] = _TALK
    files["pi-models.json"] = pi_models.document(catalogue, own("pi-models.json"), _provider)
    files["pi-settings.json"] = json.dumps(merged(ours, settings), ensure_ascii=False)
    return Rendered(files, {}, ignored)


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "name": title(provider),
        # pi offers no model without one. $ has it read the variable.
        "apiKey": f"${provider.server.variable}" if provider.server.key else NO_KEY,
        "compat": _COMPAT,
    }
