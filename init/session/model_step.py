"""Whether there are model servers to ask, and having them asked.

By a program of its own: what it loads does not stay in PID 1, and a server that hangs stops no signal.
"""

from __future__ import annotations

import os

from init import cluster, log, paths
from init.errors import Finished
from init.formats import prebuilt, small_file
from init.session import environment, supervise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.session.plan import Plan
    from init.settings import Settings
    from init.tools import Tool

UNREACHED_FIX = cluster.fix(
    "Set MODEL_URL in .env, or describe the server in config/models.yml: the gateway reaches no other. "
    "Or allow its name: EGRESS=list, docs/egress.md.",
    "Set MODEL_URL in the ConfigMap settings, or describe the server in models.yml of the ConfigMap policy.",
)
NO_SERVER_FIX = cluster.fix(
    "Set MODEL_URL in .env, such as http://10.0.0.13:8000, or try ./start.sh --demo",
    "Set MODEL_URL in the ConfigMap settings, such as http://vllm.models:8000.",
)


def connect(plan: Plan, settings: Settings) -> None:
    """Have the models ready before a tool starts, or a shell where there is none.

    Raises:
        Finished: they cannot be; what is wrong is told.
    """
    tool, models = plan.tool, plan.needs.models
    if models == "none" or (tool is not None and not tool.renderer):
        return
    asked = settings.asks_for_model or described()
    if not asked and tool is not None and untouched(tool):
        log.warning(
            f"no model server is configured, so {tool.name} has no model",
            fix=NO_SERVER_FIX,
        )
    elif not asked and tool is not None and settings.egress == "model":
        log.warning(
            f"no model server is configured, and what {tool.name}'s own files name is not reached",
            fix=UNREACHED_FIX,
        )
    # What an earlier start of this container left has to go, too.
    if not (asked or os.path.exists(paths.rendered_folder(plan.home))):
        return
    words = ("--lenient",) if models == "lenient" else ("--for", tool.name) if tool is not None else ()
    code = supervise.step(environment.program(paths.CONNECT, words, plan.home, os.environ), settings.grace)
    if code:
        raise Finished(code)


def described() -> bool:
    """Tell whether config/models.yml may name servers: not all of it is comments."""
    try:
        lines = small_file.text(paths.MODELS).split("\n")
        return any(line.strip() and not line.lstrip().startswith("#") for line in lines)
    except (OSError, UnicodeError):
        return os.path.lexists(paths.MODELS)


def untouched(tool: Tool) -> bool:
    """Tell whether the tool's configuration is what was shipped, which names no model."""
    known = prebuilt.read()
    for file in tool.config:
        if not file.source.endswith((".json", ".yml", ".toml")):
            continue
        path = os.path.normpath(f"{paths.CONFIG}/{file.source}")
        try:
            text = small_file.text(path)
            if text.strip() != "{}" and text not in known:
                return False
        except (OSError, UnicodeError):
            continue
    return True
