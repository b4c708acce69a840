"""What is written on a session's container, and on what goes with it; only the engine keeps it.

A label is written once, when a container is made. Whoever lists containers finds sessions by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Which start made it, and as which process of this machine: a session, and a gateway beside one.
SESSION, GATEWAY = "agentic-sandbox.session", "agentic-sandbox.gateway"
# What the user calls the session.
NAME = "agentic-sandbox.name"
# What runs in it: "tool", "shell", "task", …
KIND = "agentic-sandbox.kind"
# Which tool; "" where the menu asks, or where there is none.
TOOL = "agentic-sandbox.tool"
# The folder of this machine that is its workspace.
WORKSPACE = "agentic-sandbox.workspace"
# The volume with its copy of that folder; "" where it works on the folder itself.
COPY = "agentic-sandbox.copy"


def options(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of `docker run` and `docker compose run` that write these labels."""
    return tuple(word for name, value in labels.items() for word in ("--label", f"{name}={value}"))
