"""A session with plain `docker run`, by the very commands of docs/docker-run.md."""

import re
import secrets
import subprocess
from collections.abc import Callable

from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox
from tests.harness.scripted_model import Model

KEY = "sk-planted-key-of-the-user"
SCRIPT = "cat /proc/net/route | wc -l; env; curl -s $SANDBOX_MODEL_URL/models; curl -s http://example.test/"


def commands(name: str, network: str) -> list[str]:
    """Return the commands of the page, for the image under test, and with names that nobody else has."""
    found = re.search(
        r"^```sh\n(.*?)^```$", (ROOT / "docs/docker-run.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found
    text = found[1].replace("agentic-sandbox:latest", IMAGE).replace("--tty", "")
    text = re.sub(r"(?<![\w/])sandbox-gateway(?= |:|\n(?!docker run))", name, text)
    text = text.replace(f"--entrypoint {name}", "--entrypoint sandbox-gateway")
    # The scripted server has a name on a network of the tests' alone.
    text = text.replace("--detach", f"--detach --network {network}")
    return [part.strip() for part in re.split(r"\n(?=docker )", text)]


def test_the_page_has_a_session_that_reaches_the_model_and_nothing_else(
    sandbox: Sandbox, serve: Callable[..., Model]
) -> None:
    model = serve()
    networks = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}"
    network = docker("inspect", "--format", networks, model.name)
    name = f"sandbox-gateway-{secrets.token_hex(4)}"
    volume, gateway, session, *end = commands(name, network)
    environ = {**sandbox.variables, "MODEL_URL": model.url, "MODEL_API_KEY": KEY}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", command],
            env=environ,
            cwd=sandbox.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    try:
        for command in (volume, gateway):
            done = run(command)
            assert done.returncode == 0, f"{command}\n{done.stderr}"
        # A shell in the place of the tool, which has the same variables.
        result = run(session.replace("DEFAULT_TOOL=opencode", "SANDBOX_SHELL=1") + f" -c '{SCRIPT}'")
    finally:
        ended = [run(command).returncode for command in end]
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == "1", "a network: lines of routes"
    assert "scripted-model" in result.stdout
    assert "refused by the sandbox" in result.stdout
    assert KEY not in result.stdout + result.stderr
    assert model.requests()[-1]["authorization"] == f"Bearer {KEY}"
    assert ended == [0, 0], "the gateway and the volume are removed"
