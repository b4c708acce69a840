"""The main model as Codex takes it."""

from __future__ import annotations

import json

from init.model.renderers.base import Rendered, merged, require_tools, title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from init.model.catalogue import Catalogue
    from init.model.renderers.base import Own

# Of a provider; `openai` and others are names that Codex has given away.
_PROVIDER = "sandbox"
# Its own limit of five minutes without a word is a cloud's, and none is no choice: a day.
_PATIENT = {"stream_idle_timeout_ms": 86_400_000, "request_max_retries": 1, "stream_max_retries": 1}


def render(catalogue: Catalogue, own: Own, folder: str) -> Rendered:
    """config.toml holds everything: https://developers.openai.com/codex/config-reference.

    Raises:
        SandboxError: the model cannot call tools.
    """
    user = own("codex-config.toml")
    ignored: tuple[str, ...] = ()
    ours: dict[str, Any] = {}
    if user.get("model"):
        ignored = (f"config/codex-config.toml sets model to {user['model']}: Codex begins with that",)
    else:
        require_tools(catalogue, "Codex")
        ours = _main(catalogue)
    server = catalogue.main()[0].server
    # It reads the system's certificates, and these besides.
    variables = {"CODEX_CA_CERTIFICATE": f"{folder}/ca.pem"} if server.ca else {}
    return Rendered({"codex-config.toml": _document(merged(ours, user))}, variables, ignored)


def _main(catalogue: Catalogue) -> dict[str, Any]:
    provider, model = catalogue.main()
    server = {"name": title(provider), "base_url": provider.told, "wire_api": "responses", **_PATIENT}
    if provider.server.key:
        server["env_key"] = provider.server.variable
    return {
        "model": model.id,
        "model_provider": _PROVIDER,
        "model_context_window": model.context,
        "model_auto_compact_token_limit": model.context - model.output,
        "model_reasoning_summary": "none",
        "features": {"view_image": model.vision},
        "model_providers": {_PROVIDER: server},
    }


def _document(content: dict[str, Any]) -> str:
    """Return TOML, a line for each name of the outermost table."""
    return "".join(f"{_text(name)} = {_value(value)}\n" for name, value in content.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(name)} = {_value(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    # What JSON escapes, TOML does in the same way, but for one character more.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
