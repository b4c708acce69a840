"""What an image has is chosen at its build, and another choice makes nothing anew but what it adds."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.xdist_group("image-tools")

BUILD = 900.0  # seconds: 120 packages of pi, where no layer is there yet
# Of BuildKit's log: a step's number, its stage (Compose puts the service before it), and what it does.
STEP = re.compile(r"^#(\d+) \[(?:sandbox )?(\S+) +\d+/\d+\] (.+)$", re.MULTILINE)


def build(name: str, **choice: str) -> str:
    """Build an image the way start.sh does, and return the log."""
    prepare = "here=$PWD; . scripts/common.sh; build_variables"
    built = subprocess.run(
        ["bash", "-c", f"{prepare}; docker compose build sandbox"], cwd=ROOT,
        env={**os.environ, **choice, "SANDBOX_IMAGE": name, "BUILDKIT_PROGRESS": "plain"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout
    return built.stdout


def steps(log: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the steps that a build did, and those that it found done, as stage and instruction."""
    found = {number: (stage, does) for number, stage, does in STEP.findall(log)}
    cached = {
        found[number] for number in re.findall(r"^#(\d+) CACHED$", log, re.MULTILINE) if number in found
    }
    return set(found.values()) - cached, cached


@pytest.fixture(scope="module")
def logs() -> Iterator[dict[str, str]]:
    """The logs of two builds, by what they were to have; the second one's image is there as well."""
    chosen = ("opencode", "opencode,pi")
    names = {tools: f"{IMAGE.partition(':')[0]}-chosen:{tools.replace(',', '-')}" for tools in chosen}
    yield {tools: build(name, IMAGE_TOOLS=tools, RUST_CHANNEL="none") for tools, name in names.items()}
    docker("image", "rm", *names.values(), check=False)


@pytest.fixture
def slim(sandbox: Sandbox, logs: dict[str, str]) -> Sandbox:
    """A sandbox of the image with OpenCode and pi, and without Rust."""
    assert len(logs) == 2
    sandbox.environ["SANDBOX_IMAGE"] = f"{IMAGE.partition(':')[0]}-chosen:opencode-pi"
    return sandbox


def test_another_tool_makes_no_step_anew_but_its_own(logs: dict[str, str]) -> None:
    did, cached = steps(logs["opencode,pi"])
    assert {"opencode", "toolchain", "base", "python"} <= {stage for stage, _ in cached}, logs["opencode,pi"]
    anew = {stage for stage, does in did if does.startswith("RUN")}
    assert anew <= {"chosen", "pi", "sandbox"}, anew
    # What follows the tools in the image itself is done in a moment, and asks nobody.
    assert [does for stage, does in did if stage == "sandbox" and "with-network" in does] == []


def test_what_is_not_chosen_is_not_there(slim: Sandbox) -> None:
    found = slim.shell("ls /opt/tools /opt/tools/bin; command -v omp cargo rustc")
    assert found.stdout.split() == [
        "/opt/tools:", "bin", "lib", "opencode", "pi", "toolchain",
        "/opt/tools/bin:", "bun", "bunx", "npm", "npx", "opencode", "pi", "uv", "uvx",
    ]  # fmt: skip


def test_it_is_small(slim: Sandbox) -> None:
    size = int(docker("image", "inspect", "--format", "{{.Size}}", slim.environ["SANDBOX_IMAGE"]))
    assert size < 1.1e9, "scripts/build/apt-install has what need not be in an image"


def test_without_rust_everything_else_works(slim: Sandbox) -> None:
    result = slim.shell(
        "set -ex; opencode --version; pi --version; cd /tmp; echo 'int main() {}' >a.cc; g++ a.cc; ./a.out; "
        "uv venv -q --offline --python python3 && .venv/bin/python -c 'print(\"uv\")'; "
        "python -m venv v && v/bin/pip --version >pip; git init -q p; "
        "npm init -y >/dev/null && node -e 'console.log(\"node\")'; bun -e 'console.log(\"bun\")'"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["1.18.33", "1.3.0", "uv", "node", "bun"]


def test_the_menu_has_what_is_installed(slim: Sandbox) -> None:
    terminal = Terminal(slim.command(env={"MENU_TIMEOUT": "0", "TOOLS": ""}, options=()), slim.variables)
    terminal.wait_for("opencode", "OpenCode", "Number or name")
    assert "oh-my-pi" not in terminal.text
    terminal.child.close(force=True)


def test_a_tool_that_there_is_not_is_refused_before_the_build(sandbox: Sandbox) -> None:
    result = start(sandbox, "--shell", IMAGE_TOOLS="opencode,nope")
    assert (result.returncode, result.stdout) == (1, "")
    assert "error: IMAGE_TOOLS is 'opencode,nope': there is no tool nope." in result.stderr
    assert "The tools: claude codex" in result.stderr
    assert "load build definition" not in result.stderr


def test_a_file_says_what_the_image_has(tmp_path: Path) -> None:
    """As .env does, which Compose reads the same way."""
    chosen = {"IMAGE_TOOLS": "pi", "RUST_CHANNEL": "none"}
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))
    told = subprocess.run(
        ["docker", "compose", "--env-file", str(tmp_path / "env"), "config", "--format=json"], cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in chosen},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    arguments = json.loads(told.stdout)["services"]["sandbox"]["build"]["args"]
    assert {name: arguments[name] for name in chosen} == chosen
