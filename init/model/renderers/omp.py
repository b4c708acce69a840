"""The models as omp takes them."""

from __future__ import annotations

import json

from init.model.renderers import pi_models
from init.model.renderers.base import PROMPT, Rendered, inner, model_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from init.model.catalogue import Catalogue, Provider
    from init.model.renderers.base import Own

# A role left out would go to whichever model omp finds by itself.
_ROLES = {
    "default": "main", "slow": "main", "plan": "main", "task": "main",
    "smol": "fast", "commit": "fast", "tiny": "fast",
}  # fmt: skip

_TALK = f"""export default (pi) => {{
  pi.on("session_start", async () => {{ await pi.setActiveTools([]); }});
  pi.on("before_agent_start", () => ({{ systemPrompt: [{json.dumps(PROMPT)}] }}));
}};
"""

# Its own limits of five minutes are a cloud's; 0 is none. models.yml has no entry for the first token's.
_PATIENT = {"PI_STREAM_FIRST_EVENT_TIMEOUT_MS": "0"}
# And the field for the output that every local server reads, without one that a strict server refuses.
_COMPAT = {"streamIdleTimeoutMs": 0, "maxTokensField": "max_tokens", "supportsStore": False}


def render(catalogue: Catalogue, own: Own, folder: str) -> Rendered:
    """models.yml holds the providers, and PI_CONFIG_FILES an overlay of config.yml: omp's settings.md."""
    settings = own("omp-config.yml")
    kept = inner(settings, "modelRoles")
    roles = {role: "/".join(model_of(catalogue, ours)) for role, ours in _ROLES.items() if role not in kept}
    vision = catalogue.roles.get("vision")
    if vision and "vision" not in kept:
        roles["vision"] = "/".join(vision)
    overlay: dict[str, Any] = {"modelRoles": roles}
    files, variables = {}, {"PI_CONFIG_FILES": f"{folder}/omp-overlay.yml", **_PATIENT}
    ignored: tuple[str, ...] = ()
    if "default" in kept:
        first = kept["default"]
        ignored = (f"config/omp-config.yml sets modelRoles.default to {first}: omp begins with that",)
    elif not catalogue.main()[1].tools:
        overlay["extensions"] = pi_models.extensions(settings, f"{folder}/omp-talk.js")
        files["omp-talk.js"] = _TALK
        variables["PI_NO_TITLE"] = "1"
    files["omp-models.yml"] = pi_models.document(catalogue, own("omp-models.yml"), _provider)
    files["omp-overlay.yml"] = json.dumps(overlay, ensure_ascii=False)
    return Rendered(files, variables, ignored)


def _provider(provider: Provider) -> dict[str, Any]:
    # An empty variable would have omp send its name as the key.
    key = {"apiKey": provider.server.variable} if provider.server.key else {"auth": "none"}
    return {**key, "compat": _COMPAT}
