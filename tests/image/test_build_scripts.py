"""scripts/build: which tools are chosen, and which packages stay, on this processor and on another."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.engine import IMAGE
from tests.harness.repository import ROOT

# A processor that this machine may not have: as Node.js and as uname(1) name it.
CHECK = """
Object.defineProperty(process, "arch", {value: process.argv[1]});
require("node:module")._extensions[".js"](module, "/build/check-npm-integrity");
"""
UNAME = "#!/bin/sh\n[ $1 = -m ] && echo aarch64\n"
PACKAGES = {
    "node_modules/npm": {"integrity": "sha512-x"},
    "node_modules/npm/node_modules/y": {"inBundle": True},
    "node_modules/@oven/bun-linux-aarch64": {"integrity": "sha512-x"},
    "node_modules/opencode-linux-arm64": {},
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    for place in PACKAGES:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "package.json").write_text("{}")
    (tmp_path / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": PACKAGES}))
    (tmp_path / "uname").write_text(UNAME)
    (tmp_path / "uname").chmod(0o755)
    return tmp_path


def run(folder: Path, *command: str, tool: str = "t", tools: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command where the build has the tool's lock, and its packages are."""
    place = f"/opt/tools/{tool}"
    options = (
        "--rm", "--network=none", "--user=0", f"--entrypoint={command[0]}", "--tmpfs=/out",
        f"--volume={folder}:{place}", f"--workdir={place}", f"--volume={ROOT}/scripts/build:/build:ro",
        f"--volume={ROOT}/locks/npm:/locks:ro", f"--env=PATH={place}:/usr/bin:/bin",
        f"--env=IMAGE_TOOLS={tools}",
    )  # fmt: skip
    words = ["docker", "run", *options, IMAGE, *command[1:]]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def keep(folder: Path, tool: str) -> subprocess.CompletedProcess[str]:
    """Keep what a tool needs of the packages in a folder, and print what would be in /opt/tools."""
    shutil.copy(ROOT / "scripts" / "tools" / tool, folder)
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_text("{}")
    return run(folder, "sh", "-c", "/build/keep-tool && cd /out && find . -type l", tool=tool)


def test_a_package_without_a_hash_ends_a_build_for_x86_64(installed: Path) -> None:
    result = run(installed, "node", "-e", CHECK, "x64")
    assert result.returncode == 1
    assert "no hash for node_modules/opencode-linux-arm64: run scripts/lock.sh" in result.stderr
    assert "npm/node_modules/y" not in result.stderr


def test_elsewhere_it_is_taken_away(installed: Path) -> None:
    result = run(installed, "node", "-e", CHECK, "arm64")
    assert (result.returncode, result.stdout) == (0, "3 packages, each verified by its hash\n"), result.stderr
    assert not (installed / "node_modules" / "opencode-linux-arm64").exists()


@pytest.mark.parametrize(
    ("tool", "lacks"),
    [
        ("opencode", "opencode-linux-arm64"),
        ("omp", "@oh-my-pi/pi-coding-agent"),
        ("claude", "@anthropic-ai/claude-code-linux-arm64"),
    ],
)
def test_elsewhere_a_tool_whose_package_has_no_hash_is_left_out_with_a_line(
    installed: Path, tool: str, lacks: str
) -> None:
    shutil.rmtree(installed / "node_modules" / "opencode-linux-arm64")
    result = keep(installed, tool)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert f"{tool} is left out: there is no verified {lacks}" in result.stderr


def test_elsewhere_a_tool_whose_packages_are_there_is_kept_and_tried(installed: Path) -> None:
    for program in ("npm/bin/npm-cli.js", "npm/bin/npx-cli.js", "@oven/bun-linux-aarch64/bin/bun"):
        path = installed / "node_modules" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text('#!/bin/sh\necho "$(id -u) $0 $*"\n')
        path.chmod(0o755)
    result = keep(installed, "toolchain")
    assert result.returncode == 0, result.stderr
    names = ("bun", "bunx", "npm", "npx")
    tried = [f"65534 /opt/tools/toolchain/bin/{name} --version" for name in names]
    assert sorted(result.stdout.splitlines()) == sorted([*tried, *(f"./bin/{name}" for name in names)])


def choose(folder: Path, tools: str) -> subprocess.CompletedProcess[str]:
    command = "/build/choose-tools /locks /out/chosen && cd /out/chosen && find . -not -empty -type f"
    return run(folder, "sh", "-c", command, tools=tools)


@pytest.mark.parametrize(
    ("tools", "chosen"),
    [("opencode,omp", {"opencode", "omp"}), ("pi", {"pi"}), ("omp,claude", {"omp", "claude"})],
)
def test_tools_are_chosen_by_name(tmp_path: Path, tools: str, chosen: set[str]) -> None:
    result = choose(tmp_path, tools)
    assert result.returncode == 0, result.stderr
    assert {line[2:] for line in result.stdout.splitlines() if line.startswith("./")} == chosen
    assert ("claude: its licence lets nobody publish it" in result.stdout) == ("claude" in chosen)


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        ("", "it is empty"),
        ("opencode, omp", "it has a space"),
        ("opencode,", "a name is missing beside a comma"),
        (",omp", "a name is missing beside a comma"),
        ("omp,,pi", "a name is missing beside a comma"),
        ("omp,nope", "there is no tool nope"),
        ("*", "there is no tool *"),
        ("../omp", "there is no tool ../omp"),
        ("omp,pi,omp", "it has omp twice"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(tmp_path: Path, tools: str, why: str) -> None:
    result = choose(tmp_path, tools)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"error: the build argument IMAGE_TOOLS is '{tools}': {why}." in result.stderr
    assert "The tools: claude codex" in result.stderr
