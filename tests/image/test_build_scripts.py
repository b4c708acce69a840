"""scripts/build: which of npm's packages stay, on the processor that the lock is whole for and on another."""

import json
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
    for place in PACKAGES:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "package.json").write_text("{}")
    (tmp_path / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": PACKAGES}))
    (tmp_path / "uname").write_text(UNAME)
    (tmp_path / "uname").chmod(0o755)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    options = (
        "--rm", "--network=none", "--user=0", f"--entrypoint={command[0]}",
        f"--volume={folder}:/t", "--workdir=/t", f"--volume={ROOT}/scripts/build:/build:ro",
        "--env=PATH=/t:/usr/bin:/bin",
    )  # fmt: skip
    words = ["docker", "run", *options, IMAGE, *command[1:]]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_package_without_a_hash_ends_a_build_for_x86_64(installed: Path) -> None:
    result = run(installed, "node", "-e", CHECK, "x64")
    assert result.returncode == 1
    assert "no hash for node_modules/opencode-linux-arm64: run scripts/lock.sh" in result.stderr
    assert "npm/node_modules/y" not in result.stderr


def test_elsewhere_it_is_taken_away_and_its_tool_left_out_with_a_line(installed: Path) -> None:
    result = run(installed, "node", "-e", CHECK, "arm64")
    assert (result.returncode, result.stdout) == (0, "3 packages, each verified by its hash\n"), result.stderr
    assert not (installed / "node_modules" / "opencode-linux-arm64").exists()
    result = run(installed, "sh", "/build/trim-tools")
    assert result.returncode == 0, result.stderr
    assert "opencode is left out: there is no verified opencode-linux-arm64" in result.stderr
    assert "omp is left out" in result.stderr
    assert sorted(path.name for path in (installed / "bin").iterdir()) == ["bun", "bunx", "npm", "npx"]
