"""The real tools, as config/tools.yml defines them, and the task that the scripted model plays."""

import yaml

from tests.harness.repository import ROOT

TOOLS = yaml.safe_load((ROOT / "config" / "tools.yml").read_text())
CONTENT = "hello from the scripted model\n"


def headless(tool: str, prompt: str) -> list[str]:
    return [word.replace("{prompt}", prompt) for word in TOOLS[tool]["headless"]]
