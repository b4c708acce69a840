"""Every tool that can be chosen, through the same tasks: the real program, a gateway, no network but lo.

What differs between them is a row of tests/harness/tools.py: who adds a tool adds one, and it is tested.
"""

import base64
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.engine import docker, logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import PROJECT, Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.terminal import Terminal
from tests.harness.tools import CONTENT, FACTS, TOOLS, headless, resumed
from tests.harness.waiting import PATIENCE, wait_for
from tests.image.test_silence import begin

Serve = Callable[..., Model]

KEY = "planted-s3cr3t-k3y"
IMAGE = "/home/agent/workspace/dot.png"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TASKS = f"Write hello.txt, run `ls /sys/class/net >net.txt` and look at {IMAGE}."
# Seconds until a tool gives up a server that is gone, with all its attempts.
GIVING_UP = 300

every_tool = pytest.mark.parametrize("tool", TOOLS)


def test_each_tool_has_its_row() -> None:
    assert FACTS.keys() == TOOLS.keys(), "tests/harness/tools.py has what differs between the tools"


@every_tool
def test_it_does_its_tasks_and_goes_on_with_them_after_a_restart(
    outfitted: Sandbox, serve: Serve, tool: str
) -> None:
    model = serve("--strict", "--key", KEY)
    (outfitted.workspace / "dot.png").write_bytes(PIXEL)
    # bun, which some of them run by, takes both from the folder that it starts in.
    (outfitted.workspace / "bunfig.toml").write_text('preload = ["./preload.js"]\n')
    (outfitted.workspace / "preload.js").write_text('require("fs").writeFileSync("preloaded", "")\n')
    outfitted.own("1001:1001")
    describe(outfitted, model, vision=True)
    first = start(outfitted, "--no-build", "--tool", tool, "--", *headless(tool, TASKS))
    told = f"{first.stdout}\n{first.stderr}\n{logs(model.name)}"
    assert first.returncode == 0, told
    assert f"done: wrote hello.txt, ran ls /sys/class/net >net.txt, looked at {IMAGE}" in first.stdout, told
    assert outfitted.owner("workspace/hello.txt") == "1001:1001"
    assert outfitted.as_root("cat", "workspace/hello.txt") == CONTENT.strip()
    assert outfitted.as_root("cat", "workspace/net.txt") == "lo", "it has no other way than the gateway"
    assert not (outfitted.workspace / "preloaded").exists(), "the project's own program ran before the tool"
    asked = model.completions()
    assert asked[-1]["images"] == int(FACTS[tool].shows), told
    require_plain(asked, tool)
    require_silence(first.stderr)
    assert {request["authorization"] for request in model.requests()} == {f"Bearer {KEY}"}, "the gateway's"

    again = start(outfitted, "--no-build", "--tool", tool, "--", *resumed(tool, "Run `id -u >again.txt`."))
    assert again.returncode == 0, f"{again.stdout}\n{again.stderr}\n{logs(model.name)}"
    assert "done: ran id -u >again.txt" in again.stdout
    assert outfitted.as_root("cat", "workspace/again.txt") == "1001"
    news = model.completions()[len(asked) :]
    assert next(request for request in news if request["tools"])["tool_result"], (
        "what was said before is sent"
    )
    require_plain(news, tool)
    require_silence(again.stderr)


def describe(sandbox: Sandbox, model: Model, **more: object) -> None:
    """Write the server into config/models.yml, with what the short form has no word for."""
    (sandbox.keys / "model.key").write_text(KEY)
    server = {"url": model.url, "key_file": "model.key", "models": [{"id": "scripted-model", **more}]}
    (sandbox.config / "models.yml").write_text(json.dumps({"servers": {"local": server}}))
    sandbox.environ.pop("MODEL_URL")


def require_plain(asked: list[dict[str, object]], tool: str) -> None:
    """Look whether all requests are such as local models' templates take."""
    assert {request["api"] for request in asked} == {TOOLS[tool].get("api", "chat")}
    assert {request["system_messages"] for request in asked} == {1}
    assert {kind for request in asked for kind in request["kinds"]} == {"function"}  # type: ignore[attr-defined]


def require_silence(told: str) -> None:
    """Look whether nobody but the model was asked, and nothing had to be killed."""
    assert "refused" not in told
    assert "left behind" not in told
    assert "sandbox: warning" not in told


def test_a_server_that_dies_is_told_and_ends_every_tool(outfitted: Sandbox, serve: Serve) -> None:
    """In the middle of its first call; then it takes no connection. All at once, for they mostly wait."""
    models = {tool: serve("--fault", "dies") for tool in TOOLS}
    running = {tool: begin(outfitted, tool, model) for tool, model in models.items()}
    told = {tool: process.communicate(timeout=GIVING_UP)[0] for tool, process in running.items()}
    for tool, process in running.items():
        assert any(request["answered"].startswith("call") for request in models[tool].completions()), told[
            tool
        ]
        assert process.returncode != 0, told[tool]
        said = told[tool].partition("output=")[2]
        assert re.search("error|failed|disconnected|refuse|terminated|502", said, re.IGNORECASE), told[tool]


@every_tool
def test_a_model_without_tools_is_talked_to_or_not_begun_with(
    outfitted: Sandbox, serve: Serve, tool: str
) -> None:
    model = serve("--strict")
    prompt = headless(tool, "Say hello")
    result = start(outfitted, "--no-build", "--tool", tool, "--", *prompt, MODEL_TOOLS="off")
    told = f"{result.stdout}\n{result.stderr}\n{logs(model.name)}"
    if not FACTS[tool].talks:
        assert result.returncode == 78, told
        assert "only with a model that can call tools" in result.stderr, told
        return
    assert result.returncode == 0, told
    assert "Scripted task" in result.stdout, told
    assert {request["tools"] for request in model.completions()} == {0}, told
    require_silence(result.stderr)


@every_tool
def test_its_screen_takes_a_task_and_quits(outfitted: Sandbox, model: Model, tool: str) -> None:
    terminal = Terminal([str(ROOT / "start.sh"), "--no-build", "--tool", tool], outfitted.variables)
    terminal.wait_for(FACTS[tool].drawn)
    terminal.type("Write hello.txt")
    terminal.wait_for("Write hello.txt")
    terminal.type_until("\r", "done: wrote hello.txt")
    # Ctrl-D, for it is typed until it is heard, and some want two in a row: in a terminal that the tool has
    # given back already one too many is nothing, where a Ctrl-C would kill.
    assert terminal.type_until_end("\x04", every=0.5) == 0, terminal.text
    assert outfitted.as_root("cat", "workspace/hello.txt") == CONTENT.strip()
    require_plain(model.completions(), tool)


@every_tool
def test_the_session_is_kept_in_data_whatever_home_is(outfitted: Sandbox, model: Model, tool: str) -> None:
    outfitted.own("1234:1234")
    # Started like this, home is a folder below /tmp, and there is no gateway.
    result = outfitted.plain(
        "--user", "1234:1234", "--network", f"{PROJECT}_sandbox",
        arguments=tuple(headless(tool, "Write hello.txt")),
        env={"DEFAULT_TOOL": tool, "MODEL_URL": model.url},
    )  # fmt: skip
    assert result.returncode == 0, f"{result.stderr}{logs(model.name)}"
    kept = outfitted.as_root("find", "data", "-type", "f", "-size", "+0", "-path", f"*/{tool}/*").splitlines()
    assert any(path.endswith(("opencode.db", ".jsonl")) for path in kept), kept


@pytest.mark.parametrize(
    ("env", "drawn"),
    [({}, "Ask anything"), ({"DEFAULT_TOOL": "omp"}, "Welcome back")],
    ids=["default", "omp"],
)
def test_docker_compose_up_reaches_the_tool(
    sandbox: Sandbox, model: Model, env: dict[str, str], drawn: str, tmp_path: Path
) -> None:
    """Compose gives a terminal that nobody can type into: the menu gives way after a while."""
    environ = {**sandbox.variables, "MENU_TIMEOUT": "1", **env}
    up = subprocess.Popen(
        sandbox.compose("up", "--no-build", "sandbox"), cwd=ROOT, env=environ, stdin=subprocess.DEVNULL,
        stdout=(tmp_path / "log").open("wb"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        wait_for(lambda: running(sandbox), "the container")
        container = running(sandbox)
        attached = Terminal(["docker", "attach", container], sandbox.variables)
        wait_for(lambda: env or "No answer" in docker("logs", container), "the menu to give way")
        attached.child.setwinsize(40, 119)
        attached.wait_for(drawn)
    finally:
        docker("rm", "--force", running(sandbox), check=False)
        up.terminate()
        up.wait(PATIENCE * 2)
    assert model


def running(sandbox: Sandbox) -> str:
    return docker(
        "ps",
        "-q",
        "--filter",
        f"volume={sandbox.workspace}",
        "--filter",
        "label=com.docker.compose.service=sandbox",
    )
