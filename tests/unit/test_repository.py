"""The repository itself: pinned, whole, and independent of any one registry."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from init import tools
from init.formats import syntax

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "config"
PINNED = re.compile(r"[a-zA-Z0-9][\w.-]*(\[[\w,-]+])?==[\w.!+]+( ; [^\\]+?)?( --hash=sha256:[0-9a-f]{64})+")
PLATFORM = (("os", "linux"), ("cpu", "x64"), ("libc", "glibc"))
# In parts, so that this file does not name them.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"),
        ("deb", "debian", "org"), ("security", "debian", "org"), ("archive", "ubuntu", "com"),
        ("security", "ubuntu", "com"),
    )
)  # fmt: skip


def requirements(lock: Path) -> list[str]:
    """Return the logical lines of a lock file: joined where they are continued, without comments."""
    joined = re.sub(r" *\\\n *", " ", lock.read_text())
    return [line for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]


def serves(package: dict[str, Any], key: str, ours: str) -> bool:
    """Tell whether npm installs a package where ``key`` is ``ours``; "!x" is anything but x."""
    listed = package.get(key, [])
    return not listed or ours in listed or (listed[0].startswith("!") and f"!{ours}" not in listed)


@pytest.mark.parametrize("name", ["build.txt", "demo.txt", "dev.txt", "runtime.txt"])
def test_every_python_package_is_pinned_with_a_hash(name: str) -> None:
    locked = requirements(REPOSITORY / "locks" / name)
    assert locked
    assert [line for line in locked if not PINNED.fullmatch(line)] == []


def test_every_lock_file_is_known_here() -> None:
    assert {path.name for path in (REPOSITORY / "locks").glob("*.txt")} == {
        "build.txt",
        "demo.txt",
        "dev.txt",
        "runtime.txt",
    }


def test_every_npm_package_is_pinned_by_its_hash_and_to_no_registry() -> None:
    lock = json.loads((REPOSITORY / "locks" / "npm" / "package-lock.json").read_text())
    packages = {path: package for path, package in lock["packages"].items() if path}
    # A bundled package is part of its bundle's tarball, whose hash covers it.
    fetched = [
        path
        for path, package in packages.items()
        if not package.get("inBundle") and all(serves(package, *platform) for platform in PLATFORM)
    ]
    assert fetched
    assert [path for path in fetched if not packages[path].get("integrity", "").startswith("sha512-")] == []
    assert [path for path, package in packages.items() if "resolved" in package] == []


def test_the_npm_lock_is_that_of_its_package_file() -> None:
    folder = REPOSITORY / "locks" / "npm"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert wanted == locked[""]["dependencies"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}


def test_the_base_image_is_pinned_by_digest_and_the_only_one() -> None:
    text = (REPOSITORY / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE_IMAGE=\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)
    assert len(stages) == len(re.findall(r"^\s*FROM\b", text, re.MULTILINE | re.IGNORECASE))
    named = {stage for _, stage in stages}
    assert {base for base, _ in stages} <= {"${BASE_IMAGE}", "scratch", *named}
    assert set(re.findall(r"(?:--from=|\bfrom=)([^\s,]+)", text)) <= named


@pytest.mark.parametrize(
    "path", sorted(p for p in CONFIG.iterdir() if p.suffix in {".json", ".yml"}), ids=lambda path: path.name
)
def test_configuration_as_shipped_is_valid(path: Path) -> None:
    assert syntax.fault(path.name, path.read_text()) is None


def test_tools_as_shipped_name_configuration_that_is_there() -> None:
    for tool in tools.load(str(CONFIG / "tools.yml")).values():
        for file in tool.config:
            # The image has .opencode/ beside config/, without the dot.
            path = os.path.normpath(f"config/{file.source}")
            assert (REPOSITORY / re.sub(r"^opencode\b", ".opencode", path)).exists(), file
            assert file.target.startswith(("~/", "{data}/")), file


def test_no_file_names_a_registrys_host() -> None:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    assert files
    found = [
        f"{path.relative_to(REPOSITORY)}: {host}"
        for path in files
        if path.is_file()
        for host in HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert found == []


def test_what_the_user_keeps_is_not_sent_to_the_engine() -> None:
    patterns = [
        line.strip()
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert patterns[0] == "*"
    let_in = [pattern[1:].strip("/") for pattern in patterns if pattern.startswith("!")]
    assert [p for p in let_in if re.match(r"(workspace|data|\.env|\.git|\.|[*?\[].*)(/|$)", p)] == []


@pytest.mark.xdist_group("together")
def test_tests_of_a_group_share_a_worker(request: pytest.FixtureRequest) -> None:
    """pytest-xdist writes the group at the end of a test's ID, and is silent where that has no effect."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not with --dist loadgroup")
    assert request.node.nodeid.endswith("@together")
