"""The main model as Copilot CLI takes it."""

from __future__ import annotations

from init.model.renderers.base import Rendered, require_tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.model.catalogue import Catalogue
    from init.model.renderers.base import Own


def render(catalogue: Catalogue, _own: Own, _folder: str) -> Rendered:
    """Variables name the server and the model: `copilot help providers`.

    Raises:
        SandboxError: the model cannot call tools.
    """
    require_tools(catalogue, "Copilot CLI")
    provider, model = catalogue.main()
    variables = {
        "COPILOT_PROVIDER_BASE_URL": provider.told,
        "COPILOT_MODEL": model.id,
        # What is left for the prompt.
        "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": str(model.context - model.output),
        "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS": str(model.output),
    }
    return Rendered({}, variables, keys=("COPILOT_PROVIDER_API_KEY",))
