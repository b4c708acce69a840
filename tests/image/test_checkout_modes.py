"""What the image takes from a checkout: the same, whoever made the checkout, and on whatever disk."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT

# Benchmarks are for an image of their own.
TAKEN = ("VERSION", "gateway", "init", "image", "config", ".opencode", "demo", "locks", "scripts/build")
# The user's own, which stay where they are: .dockerignore.
KEPT = ("config/auth.json", "config/egress.yml", "config/models.yml")
LISTING = ("find", *TAKEN, "-printf", r"%p %m %U:%G\n")


def git(*arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def expected() -> set[str]:
    """Return what git says of what the engine is sent: folders and programs 755, files 644, all root's."""
    lines = set()
    for entry in git("ls-files", "--stage", "--", *TAKEN).splitlines():
        mode, path = entry.split()[0], entry.partition("\t")[2]
        if path in KEPT:
            continue
        lines.add(f"{path} {'755' if mode == '100755' else '644'} 0:0")
        lines |= {f"{parent} 755 0:0" for parent in Path(path).parents if str(parent) not in (".", "scripts")}
    return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what git knows of this checkout."""
    for name in filter(None, git("ls-files", "-z").split("\0")):
        target = tmp_path / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target)
    return tmp_path / "checkout"


def listing(checkout: Path) -> set[str]:
    """Build the stage that copies the checkout, and return what it holds."""
    labels = json.loads(docker("image", "inspect", IMAGE))[0]["Config"]["Labels"]
    base = labels["org.opencontainers.image.base.name"]
    name = f"agentic-sandbox-checkout:{uuid.uuid4().hex[:8]}"
    docker(
        "build",
        "--quiet",
        "--target=checkout",
        f"--build-arg=BASE_IMAGE={base}",
        "--tag",
        name,
        str(checkout),
    )
    try:
        return set(
            docker("run", "--rm", "--network=none", "--workdir=/checkout", name, *LISTING).splitlines()
        )
    finally:
        docker("image", "rm", "--force", name)


@pytest.mark.parametrize("owner", [0, 1500])
@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022, 0o007, 0o000], ids=oct)
def test_the_image_does_not_depend_on_the_umask_or_the_user_of_a_checkout(
    checkout: Path, umask: int, owner: int
) -> None:
    for path in (checkout, *checkout.rglob("*")):
        program = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod((0o777 if program else 0o666) & ~umask)
        if os.geteuid() == 0:
            os.chown(path, owner, owner)
    assert listing(checkout) == expected()


def test_nor_on_a_disk_that_keeps_no_modes_or_a_folder_that_hands_its_group_down(checkout: Path) -> None:
    for path in checkout.rglob("*"):
        path.chmod(0o3755 if path.is_dir() else 0o644)
    assert listing(checkout) == expected()


def test_a_clone_for_windows_has_the_same_lines(tmp_path: Path) -> None:
    clone = [
        "git",
        "-c",
        "core.autocrlf=true",
        "clone",
        "--quiet",
        "--no-checkout",
        str(ROOT),
        str(tmp_path / "clone"),
    ]
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    subprocess.run(clone, env={**os.environ, **safe}, check=True)
    # What is tried is this working tree's .gitattributes, committed or not.
    shutil.copy(ROOT / ".gitattributes", tmp_path / "clone" / ".git" / "info" / "attributes")
    subprocess.run(
        ["git", "-c", "core.autocrlf=true", "checkout", "--quiet"], cwd=tmp_path / "clone", check=True
    )
    wrong = [path for path in (tmp_path / "clone").rglob("*") if path.is_file() and ".git" not in path.parts
             and b"\r\n" in path.read_bytes()]  # fmt: skip
    assert wrong == []
