"""The real tools, end to end: a scripted model server, a file written, a session kept, a TUI drawn."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.harness.engine import docker, logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import PROJECT, Sandbox
from tests.harness.scripted_model import Model
from tests.harness.terminal import Terminal
from tests.harness.tools import CONTENT, TOOLS, headless
from tests.harness.waiting import PATIENCE, wait_for

# What a definition has besides its command.
KEPT = ("environment", "state", "config", "models")


@pytest.mark.parametrize("owner", ["1000:1000", "1001:1001"])
@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_start_sh_runs_the_tool_and_the_file_is_the_users(
    sandbox: Sandbox, model: Model, tool: str, owner: str
) -> None:
    sandbox.own(owner)
    command = [str(ROOT / "start.sh"), "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt")]
    result = subprocess.run(
        command, env=sandbox.variables, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    told = f"{result.stdout}\n{result.stderr}\n{logs(model.name)}"
    assert result.returncode == 0, told
    assert "done: wrote hello.txt" in result.stdout, told
    assert sandbox.owner("workspace/hello.txt") == owner
    assert sandbox.as_root("cat", "workspace/hello.txt") == CONTENT.strip()
    assert any(request["tool_result"] for request in model.completions()), "the call went round the loop"


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_the_session_is_kept_in_data_whatever_home_is(sandbox: Sandbox, model: Model, tool: str) -> None:
    sandbox.own("1234:1234")
    # Started like this, home is a folder below /tmp.
    result = sandbox.plain(
        "--user", "1234:1234", "--network", f"{PROJECT}_sandbox",
        arguments=tuple(headless(tool, "Write hello.txt")),
        env={"DEFAULT_TOOL": tool, "MODEL_URL": model.url},
    )  # fmt: skip
    assert result.returncode == 0, f"{result.stderr}{logs(model.name)}"
    kept = sandbox.as_root("find", "data/share", "-type", "f", "-size", "+0").splitlines()
    assert any(path.startswith(f"data/share/{tool}/") for path in kept), kept
    assert any(path.endswith(("opencode.db", ".jsonl")) for path in kept), kept


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_nobody_but_the_model_server_is_asked(sandbox: Sandbox, model: Model, tool: str) -> None:
    """Names are looked up by this server alone, and it knows none but the model's."""
    network = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = docker("inspect", "--format", network, model.name)
    (sandbox.config / "tools.yml").open("a").write(
        f"traced:\n  command: [/usr/bin/python3, /probes/nameserver.py, {tool}]\n"
        + "".join(f"  {key}: {json.dumps(TOOLS[tool][key])}\n" for key in KEPT)
    )
    result = sandbox.plain(
        "--network", f"{PROJECT}_sandbox", "--dns", "127.0.0.1", "--add-host", f"{model.name}:{address}",
        "--sysctl", "net.ipv4.ip_unprivileged_port_start=0",
        arguments=tuple(headless(tool, "Write hello.txt")), env={"TOOLS": "traced", "MODEL_URL": model.url},
    )  # fmt: skip
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    assert sandbox.as_root("cat", "workspace/hello.txt") == CONTENT.strip()


DRAWN = {"opencode": "Ask anything", "omp": "Welcome back"}


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_the_tui_is_drawn_in_a_terminal_and_quits(sandbox: Sandbox, model: Model, tool: str) -> None:
    terminal = Terminal([str(ROOT / "start.sh"), "--no-build", "--tool", tool], sandbox.variables)
    terminal.wait_for(DRAWN[tool])
    # Ctrl-D, for it is typed until it is heard: in a terminal that the tool has given back already
    # one too many is nothing, where a Ctrl-C would kill.
    assert terminal.type_until_end("\x04", every=1) == 0, terminal.text
    assert model


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
