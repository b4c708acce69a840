"""A model that says nothing for long: every tool waits for it, and asks no second time.

A slow machine reads a long prompt for many minutes before the first token. Tools made for clouds give up
after five, and begin anew.
"""

import json
import subprocess
from collections.abc import Callable
from typing import NamedTuple

import pytest
import yaml

from tests.harness.engine import logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox
from tests.harness.scripted_model import Model
from tests.harness.tools import TOOLS, headless
from tests.harness.waiting import PATIENCE, wait_for

Serve = Callable[..., Model]

# Before the headers, between them and the first token, between two tokens.
PLACES = ("headers", "first", "between")
# Every tool that is told of the models has to wait.
TOLD = [name for name, tool in TOOLS.items() if tool.get("models")]
LIMIT = 300  # seconds: the longest that a tool's makers let a model be silent
SHORT = 3000  # milliseconds: a limit of the user's own, in each tool's words


class Limit(NamedTuple):
    """How the user of a tool sets a limit.

    Attributes:
        file: of config/, "" where none has one.
        content: what is written there.
        variables: what is set in the tool's entry of config/tools.yml.
        places: where the model's silence is limited by it.
    """

    file: str = ""
    content: object = ""
    variables: tuple[str, ...] = ()
    places: tuple[str, ...] = PLACES


LIMITS = {
    "opencode": Limit(
        "opencode.json",
        {"provider": {"local": {"options": {"headerTimeout": SHORT, "chunkTimeout": SHORT}}}},
    ),
    "omp": Limit(
        "omp-models.yml",
        {"providers": {"local": {"compat": {"streamIdleTimeoutMs": SHORT}}}},
        variables=("PI_STREAM_FIRST_EVENT_TIMEOUT_MS",),
    ),
    "pi": Limit("pi-settings.json", {"httpIdleTimeoutMs": SHORT}),
    "qwen": Limit(
        "qwen-settings.json",
        {"model": {"generationConfig": {"timeout": SHORT, "streamIdleTimeoutMs": SHORT}}},
    ),
    "codex": Limit(
        "codex-config.toml",
        f"[model_providers.sandbox]\nstream_idle_timeout_ms = {SHORT}\n",
        places=("first", "between"),
    ),
    "claude": Limit(variables=("API_TIMEOUT_MS", "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS"), places=("headers",)),
    # These know none.
    "copilot": Limit(places=()),
    "kimi": Limit(places=()),
}


def limit(sandbox: Sandbox, tool: str) -> None:
    """Set a limit as the user of this tool would."""
    file, content, variables, _ = LIMITS[tool]
    if file:
        text = content if isinstance(content, str) else json.dumps(content)
        (sandbox.config / file).write_text(text)
    definitions = yaml.safe_load((sandbox.config / "tools.yml").read_text())
    definitions[tool]["environment"] |= dict.fromkeys(variables, str(SHORT))
    (sandbox.config / "tools.yml").write_text(yaml.safe_dump(definitions))


def begin(sandbox: Sandbox, tool: str, model: Model) -> subprocess.Popen[str]:
    """Start a tool on its task with this model, in folders of its own: who shares them may be in the way."""
    folders = {"WORKSPACE_DIR": "workspace", "DATA_DIR": "data"}
    own = sandbox.folder / f"{tool}-{model.name}"
    for name in folders.values():
        (own / name).mkdir(parents=True)
    sandbox.own("1000:1000", str(own.relative_to(sandbox.folder)))
    places = {variable: str(own / name) for variable, name in folders.items()}
    return subprocess.Popen(
        [str(ROOT / "start.sh"), "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt")],
        env={**sandbox.variables, **places, "MODEL_URL": model.url}, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def count(model: Model, answered: str) -> int:
    """Return how often the model noted this: that it is silent, or that it is given up in its silence."""
    return sum(request["answered"] == answered for request in model.completions())


def test_it_is_known_of_each_tool_how_long_it_waits() -> None:
    assert list(LIMITS) == TOLD, "how is that set? See docs/adding-a-tool.md"


@pytest.mark.parametrize(
    ("tool", "place"), [(tool, place) for tool, each in LIMITS.items() for place in each.places]
)
def test_a_limit_of_the_users_own_is_the_one_that_rules(
    outfitted: Sandbox, serve: Serve, tool: str, place: str
) -> None:
    """So what is set where the user sets nothing is what the tool goes by."""
    model = serve("--silent", "1000", "--silence", place)
    limit(outfitted, tool)
    running = begin(outfitted, tool, model)
    try:
        wait_for(lambda: count(model, "silent"), lambda: f"{tool} to ask: {logs(model.name)}", PATIENCE * 4)
        wait_for(lambda: count(model, "given up"), lambda: f"{tool} to give up: {logs(model.name)}")
    finally:
        running.terminate()
        running.communicate(timeout=PATIENCE)


@pytest.mark.slow
def test_a_model_may_be_silent_for_longer_than_the_tools_own_limits(outfitted: Sandbox, serve: Serve) -> None:
    """All at once, for they only wait."""
    models = {place: serve("--silent", str(LIMIT + 15), "--silence", place) for place in PLACES}
    running = {
        (tool, place): begin(outfitted, tool, model) for tool in TOLD for place, model in models.items()
    }
    told = {key: process.communicate(timeout=LIMIT + PATIENCE * 4)[0] for key, process in running.items()}
    failed = {key: told[key] for key, process in running.items() if process.returncode}
    assert not failed, failed
    assert {key: "done: wrote hello.txt" in text for key, text in told.items()} == dict.fromkeys(told, True)
    silences = {place: count(model, "silent") for place, model in models.items()}
    assert silences == dict.fromkeys(PLACES, len(TOLD)), "somebody asked again"
