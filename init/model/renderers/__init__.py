"""The models to the files that each tool takes them from: a module with one function, render, for a tool.

A tool's entry in config/tools.yml names its renderer. What the user wrote in config/ wins: a renderer leaves
out what is set there.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.model.renderers.base import Renderer

NAMES = ("opencode", "omp", "pi", "qwen", "codex", "claude", "copilot", "kimi")


def load(name: str) -> Renderer:
    """Return the renderer of this name, one of NAMES; only the modules of those in use are loaded."""
    renderer: Renderer = importlib.import_module(f"init.model.renderers.{name}").render
    return renderer
