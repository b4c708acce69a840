"""The main model as Kimi Code takes it."""

from __future__ import annotations

from init.model.renderers.base import Rendered, require_tools, title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.model.catalogue import Catalogue
    from init.model.renderers.base import Own


def render(catalogue: Catalogue, _own: Own, _folder: str) -> Rendered:
    """Variables name a model besides those of config.toml: Kimi Code's docs, environment variables.

    Raises:
        SandboxError: the model cannot call tools.
    """
    require_tools(catalogue, "Kimi Code")
    provider, model = catalogue.main()
    variables = {
        "KIMI_MODEL_NAME": model.id,
        "KIMI_MODEL_DISPLAY_NAME": f"{model.id} ({title(provider)})",
        "KIMI_MODEL_PROVIDER_TYPE": "openai",
        "KIMI_MODEL_BASE_URL": provider.told,
        "KIMI_MODEL_MAX_CONTEXT_SIZE": str(model.context),
        "KIMI_MODEL_MAX_OUTPUT_SIZE": str(model.output),
        "KIMI_MODEL_CAPABILITIES": "tool_use,image_in" if model.vision else "tool_use",
    }
    return Rendered({}, variables, keys=("KIMI_MODEL_API_KEY",))
