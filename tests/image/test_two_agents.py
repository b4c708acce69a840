"""Two agents at work on one project at once, each on its copy: what docs/sessions.md shows."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.engine import docker, logs
from tests.harness.own_checkout import Checkout, Make, Outcome
from tests.harness.repository import ROOT
from tests.harness.superuser import Superuser
from tests.harness.waiting import wait_for

SERVER = f"""
services:
  scripted:
    image: ${{SANDBOX_IMAGE}}
    entrypoint: [/usr/bin/python3, -I, /probes/scripted_model.py, --host, 0.0.0.0]
    user: "65534:65534"
    networks: [sandbox]
    init: true
    volumes: ["{ROOT}/tests/probes:/probes:ro"]
"""
GREET = 'def greet(name):\n    return f"Hello {name}"\n'
# What each tool is told. The scripted server knows no more than to run what is quoted, and to write a file.
AGENTS = {
    "polite": ("opencode", "run", "Run `sed -i 's/Hello/Good day/' greet.py`, then write CHANGES.txt"),
    "short": ("omp", "-p", "Run `sed -i 's/Hello/Hi/' greet.py; rm README.md`, then write NOTES.txt"),
}  # fmt: skip


@pytest.fixture
def box(checkout: Make) -> Iterator[Checkout]:
    """Return a checkout with a scripted model server, which MODEL_URL names."""
    made = checkout("box")
    (made.root / "compose.override.yml").write_text(SERVER)
    # Compose alone would take another one.
    made.environ["COMPOSE_PROJECT_NAME"] = made.project
    started = made.compose("up", "--detach", "scripted")
    assert started.code == 0, started
    (server,) = docker(
        "ps", "--quiet", "--filter", f"label=com.docker.compose.project={made.project}"
    ).split()
    name = docker("inspect", "--format={{.Name}}", server).removeprefix("/")
    wait_for(lambda: ":1F40" in docker("exec", server, "cat", "/proc/net/tcp"), lambda: logs(server))
    made.environ |= {"MODEL_URL": f"http://{name}:8000", "SANDBOX_GUARD": "report"}
    yield made
    made.start("reset", "--destroy")


@pytest.fixture
def shop(tmp_path: Path, superuser: Superuser) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "greet.py").write_text(GREET)
    (folder / "README.md").write_text("# Shop\n")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
        subprocess.run([*git, *words], check=True)
    if os.geteuid() == 0:
        superuser.own("1000:1000", tmp_path, folder.name)
    return folder


def test_two_agents_on_one_project_and_one_of_them_is_taken(box: Checkout, shop: Path) -> None:
    begun = {
        name: box.begin("--no-build", str(shop), "--copy", "--name", name, "--tool", tool, "--", *words)
        for name, (tool, *words) in AGENTS.items()
    }
    for name, process in begun.items():
        ended = Outcome(process)
        assert ended.code == 0, ended
        assert f"./start.sh diff {name}" in ended.err, ended
    assert sorted(path.name for path in shop.iterdir()) == [".git", "README.md", "greet.py"]
    assert (shop / "greet.py").read_text() == GREET

    polite, short = (box.start("diff", name) for name in AGENTS)
    assert (polite.code, short.code) == (0, 0), (polite, short)
    assert '+    return f"Good day {name}"' in polite.out, polite
    assert '+    return f"Hi {name}"' in short.out, short
    assert ("README.md" in polite.out, "README.md" in short.out) == (False, True), short

    applied, discarded = box.start("apply", "polite"), box.start("discard", "--destroy", "short")
    assert (applied.code, discarded.code) == (0, 0), (applied, discarded)
    assert sorted(path.name for path in shop.iterdir()) == [".git", "CHANGES.txt", "README.md", "greet.py"]
    assert (shop / "greet.py").read_text() == GREET.replace("Hello", "Good day")
    left = box.start("diff")
    assert left.code != 0, left
