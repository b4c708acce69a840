"""The variables that name the models, which a session's programs get from a file in its home.

The agent owns the file, and may write into it what it likes. So only these are read there: another, such as
PATH, BASH_ENV or LD_PRELOAD, would steer what the user starts beside the tool.
"""

from __future__ import annotations

# The main model; certificates for Node.js and bun; whom no proxy is asked for; what the tools' renderers set.
NAMES = frozenset((
    "SANDBOX_MODEL_ID", "SANDBOX_MODEL_URL", "NODE_EXTRA_CA_CERTS", "no_proxy", "NO_PROXY",
    "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL", "ANTHROPIC_MODEL",
    "CLAUDE_CODE_DISABLE_CLAUDE_MDS", "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "CODEX_CA_CERTIFICATE",
    "COPILOT_MODEL", "COPILOT_PROVIDER_API_KEY", "COPILOT_PROVIDER_BASE_URL",
    "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS", "COPILOT_PROVIDER_MAX_PROMPT_TOKENS",
    "KIMI_MODEL_API_KEY", "KIMI_MODEL_BASE_URL", "KIMI_MODEL_CAPABILITIES", "KIMI_MODEL_DISPLAY_NAME",
    "KIMI_MODEL_MAX_CONTEXT_SIZE", "KIMI_MODEL_MAX_OUTPUT_SIZE", "KIMI_MODEL_NAME",
    "KIMI_MODEL_PROVIDER_TYPE",
    "OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "OPENCODE_DISABLE_PROJECT_CONFIG",
    "PI_CONFIG_FILES", "PI_NO_TITLE", "PI_STREAM_FIRST_EVENT_TIMEOUT_MS",
))  # fmt: skip

# The key of MODEL_URL's server, and of one that config/models.yml names.
KEY = "MODEL_API_KEY"
_LONGEST = 64


def key_of(server: str) -> str:
    """Return the variable that holds the key of a server of config/models.yml."""
    return f"MODEL_{server.upper().replace('-', '_')}_API_KEY"


def is_one(name: str) -> bool:
    """Tell whether a variable of this name is handed over."""
    if name in NAMES or name == KEY:
        return True
    server = name.removeprefix("MODEL_").removesuffix("_API_KEY")
    known = name == f"MODEL_{server}_API_KEY" and len(name) <= _LONGEST
    return known and server.isascii() and all(c.isupper() or c.isdigit() or c == "_" for c in server)
