"""The real tools, as config/tools.yml defines them, what differs between them, and how they are asked."""

from typing import NamedTuple

import yaml

from tests.harness.repository import ROOT

TOOLS = yaml.safe_load((ROOT / "config" / "tools.yml").read_text())
CONTENT = "hello from the scripted model\n"


class Facts(NamedTuple):
    """What a test has to know of a tool besides its entry.

    Attributes:
        resumed: arguments that run one prompt in the last session of this folder.
        drawn: what stands on its screen when it can be typed into.
        talks: whether it is of use with a model that can call no tools.
        shows: whether it shows an image to a model that sees.
    """

    resumed: tuple[str, ...]
    drawn: str
    talks: bool = True
    shows: bool = True


FACTS = {
    "opencode": Facts(("run", "--continue", "{prompt}"), "Ask anything"),
    "omp": Facts(("--continue", "-p", "{prompt}"), "Welcome back"),
    "pi": Facts(("--continue", "-p", "{prompt}"), "escape interrupt"),
    "qwen": Facts(("--continue", "-p", "{prompt}"), "Type your message", talks=False),
    "codex": Facts(
        ("exec", "resume", "--last", "--skip-git-repo-check", "{prompt}"), "OpenAI Codex", talks=False
    ),
    "claude": Facts(("--continue", "-p", "{prompt}"), "Claude Code"),
    "copilot": Facts(("--continue", "-p", "{prompt}"), "Check for mistakes", talks=False, shows=False),
    "kimi": Facts(("--continue", "-p", "{prompt}"), "Welcome to Kimi", talks=False),
}


def headless(tool: str, prompt: str) -> list[str]:
    return _said(TOOLS[tool]["headless"], prompt)


def resumed(tool: str, prompt: str) -> list[str]:
    return _said(FACTS[tool].resumed, prompt)


def _said(words: list[str] | tuple[str, ...], prompt: str) -> list[str]:
    return [word.replace("{prompt}", prompt) for word in words]
