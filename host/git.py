"""What the sandbox is told of the user's own git: name, e-mail, version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.supervisor import Supervisor

# The variable for the sandbox, that of git itself, and the setting.
TOLD = (
    ("SANDBOX_GIT_NAME", "GIT_AUTHOR_NAME", "user.name"),
    ("SANDBOX_GIT_EMAIL", "GIT_AUTHOR_EMAIL", "user.email"),
)
# Seconds: its settings may be on a share that does not answer.
PATIENCE = 5.0


def variables(supervisor: Supervisor, environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what is not set already; nothing where there is no git.

    Args:
        supervisor: what asks.
        environ: the environment of the user.
        given: what the sandbox is given anyhow.
    """
    told = {}
    try:
        for name, own, setting in TOLD:
            if not given.get(name):
                # Not in the workspace, whose settings may be an agent's.
                ask = ["git", "-C", "/", "config", "--get", setting]
                answer = environ.get(own) or supervisor.ask(ask, environ, PATIENCE).output
                told[name] = answer.rstrip("\n")
        version = re.search(r"\d+\.\d+[.\d]*", supervisor.ask(["git", "--version"], environ, PATIENCE).output)
        told["SANDBOX_GIT_VERSION"] = version[0] if version else ""
    except OSError:
        pass
    return {name: value for name, value in told.items() if value}
