"""Nothing is built while what goes into the image stays the same."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import recipe
from tests.harness.engine import docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox
from tests.harness.waiting import PATIENCE

BUILT = "exporting to image"


def test_it_counts_what_the_engine_is_sent(tmp_path: Path) -> None:
    """Docker itself is asked what .dockerignore lets through."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    build = ["docker", "build", "--file", str(dockerfile), "--output", "type=tar,dest=-", str(ROOT)]
    sent = subprocess.run(build, capture_output=True, check=True, timeout=PATIENCE * 4).stdout
    with tarfile.open(fileobj=io.BytesIO(sent)) as archive:
        theirs = {name.strip("/") for name in archive.getnames()}
    rules = recipe.rules((ROOT / ".dockerignore").read_text())
    ours = {name.split(b" ", 1)[1].decode() for name, _ in recipe.files(str(ROOT), rules)}
    assert ours == theirs - {""}


@pytest.fixture
def copied(sandbox: Sandbox, tmp_path: Path) -> Iterator[Path]:
    """A checkout of a test's own, whose image has a name of its own."""
    name = f"agentic-sandbox:{sandbox.name}"
    shutil.copytree(ROOT, tmp_path / "copied", symlinks=True, ignore=shutil.ignore_patterns(
        ".git", ".venv", "workspace", "data", "__pycache__", ".*_cache"))  # fmt: skip
    sandbox.environ["SANDBOX_IMAGE"] = name
    yield tmp_path / "copied"
    docker("image", "rm", name, check=False)


def test_it_is_built_where_it_is_not_up_to_date(sandbox: Sandbox, copied: Path) -> None:
    def start(*options: str) -> str:
        result = subprocess.run(
            [copied / "start.sh", *options, "--shell", "--", "-c", "cat /opt/sandbox/VERSION"],
            env=sandbox.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=PATIENCE * 8,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert result.stdout == (copied / "VERSION").read_text()
        return result.stderr

    assert BUILT in start()
    assert BUILT not in start()
    (copied / "VERSION").write_text("0.0.1\n")
    assert BUILT in start(), "a file that is copied has changed"
    assert BUILT not in start()
    assert BUILT in start("--build-arg", "TZ_UNUSED=1")
    assert BUILT in start(), "an image of other arguments is not this checkout's"
    name = sandbox.environ["SANDBOX_IMAGE"]
    text = f'FROM {name}\nLABEL {recipe.LABEL}=""\n'
    subprocess.run(["docker", "build", "--quiet", "--tag", name, "-"], input=text, text=True, check=True)
    assert BUILT in start(), "somebody else's image of that name"
