"""The models as Qwen Code takes them."""

from __future__ import annotations

import json

from init.errors import SandboxError
from init.model.renderers.base import NO_KEY, Rendered, inner, merged, require_tools, title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from init.model.catalogue import Catalogue, Model, Provider
    from init.model.renderers.base import Own

# It takes keys from variables alone.
_KEYLESS = "QWEN_NO_KEY"
# Its own limits of minutes are a cloud's; 0 is none. The longest of all is lifted by tools.yml.
_PATIENT = {"timeout": 0, "streamIdleTimeoutMs": 0, "maxRetries": 1}


def render(catalogue: Catalogue, own: Own, _folder: str) -> Rendered:
    """settings.json has the models, and which of them does what: Qwen Code's docs/users/configuration.

    Raises:
        SandboxError: Qwen Code is of no use with a model.
    """
    user = own("qwen-settings.json")
    theirs = inner(user, "modelProviders").get("openai")
    # What they set for every model, such as limits; of ours each has its own, which would win.
    general = inner(user, "model", "generationConfig")
    models = [
        _model(provider, model, general) for provider in catalogue.providers for model in provider.models
    ]
    ours: dict[str, Any] = {"security": {"auth": {"selectedType": "openai"}}, "env": {_KEYLESS: NO_KEY}}
    ignored: tuple[str, ...] = ()
    if inner(user, "model").get("name"):
        first = user["model"]["name"]
        ignored = (f"config/qwen-settings.json sets model.name to {first}: Qwen Code begins with that",)
    else:
        require_tools(catalogue, "Qwen Code")
        provider, model = catalogue.main()
        ours["model"] = {"name": model.id, "baseUrl": provider.told}
        roles = {"fastModel": "fast", "visionModel": "vision"}
        ours |= {key: catalogue.roles[role][1] for key, role in roles.items() if role in catalogue.roles}
    settings = merged(ours, user)
    mine = theirs if isinstance(theirs, list) else ()
    settings["modelProviders"] = {**inner(user, "modelProviders"), "openai": [*mine, *models]}
    return Rendered({"qwen-settings.json": json.dumps(settings, ensure_ascii=False)}, {}, ignored)


def _model(provider: Provider, model: Model, general: dict[str, Any]) -> dict[str, Any]:
    if "$" in model.id:
        # A server could ask for any variable by it, such as another server's key.
        raise SandboxError(
            f"Qwen Code takes what follows the $ in {model.id!r} for a variable",
            "Give the model another name.",
        )
    ours = {
        "contextWindowSize": model.context,
        "samplingParams": {"max_tokens": model.output},
        "modalities": {"image": model.vision},
        **_PATIENT,
    }
    return {
        "id": model.id,
        "name": f"{model.id} ({title(provider)})",
        "baseUrl": provider.told,
        "envKey": provider.server.variable if provider.server.key else _KEYLESS,
        "generationConfig": merged(ours, general),
    }
