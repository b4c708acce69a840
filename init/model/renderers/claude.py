"""The models as Claude Code takes them."""

from __future__ import annotations

import json

from init.model.renderers.base import Rendered, inner, model_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.model.catalogue import Catalogue
    from init.model.renderers.base import Own

_FILE = "claude-settings.json"
# What it uses a model for. Where one is left out, it asks for a model of Anthropic's by its name.
_MAIN = (
    "ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)  # fmt: skip
# For a model that cannot call tools: rules of the sandbox and of projects would be much of what it reads.
_TALK = {"CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1"}


def render(catalogue: Catalogue, own: Own, _folder: str) -> Rendered:
    """Variables name the server and the models: https://code.claude.com/docs/en/llm-gateway."""
    user = own(_FILE)
    provider, model = catalogue.main()
    # It asks one server.
    name, fast = model_of(catalogue, "fast")
    variables = {
        # It adds the version itself.
        "ANTHROPIC_BASE_URL": provider.told.removesuffix("/v1"),
        **dict.fromkeys(_MAIN, model.id),
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": fast if name == provider.server.name else model.id,
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(model.context),
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(model.output),
    }
    files: dict[str, str] = {}
    ignored: tuple[str, ...] = ()
    if user.get("model"):
        del variables["ANTHROPIC_MODEL"]
        ignored = (f"config/{_FILE} sets model to {user['model']}: Claude Code begins with that",)
    elif not model.tools:
        variables |= _TALK
        settings = {**user, "permissions": {**inner(user, "permissions"), "deny": ["*"]}}
        files[_FILE] = json.dumps(settings, ensure_ascii=False)
    theirs = inner(user, "env")
    kept = {name: value for name, value in variables.items() if name not in theirs}
    return Rendered(files, kept, ignored, keys=("ANTHROPIC_AUTH_TOKEN",))
