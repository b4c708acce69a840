"""The repository itself: whole, and independent of any one registry."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from init import tools
from init.formats import syntax

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "config"
# In parts, so that this file does not name them.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"),
        ("deb", "debian", "org"), ("security", "debian", "org"), ("archive", "ubuntu", "com"),
        ("security", "ubuntu", "com"),
    )
)  # fmt: skip


def test_the_locks_name_no_registry_and_no_weak_hash() -> None:
    locks = (REPOSITORY / "locks").glob("*.txt")
    lines = [line for lock in locks for line in lock.read_text().splitlines()]
    assert [line for line in lines if re.match(r"-|.*://", line)] == []
    for lock in (REPOSITORY / "locks").rglob("package-lock.json"):
        packages = json.loads(lock.read_text())["packages"].values()
        assert [package for package in packages if "resolved" in package] == [], lock
        hashes = {package["integrity"].partition("-")[0] for package in packages if "integrity" in package}
        assert hashes == {"sha512"}, lock


def test_each_tool_has_a_lock_a_script_a_stage_and_a_layer() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    locked = {path.parent.name for path in REPOSITORY.glob("locks/npm/*/package-lock.json")}
    assert {path.name for path in (REPOSITORY / "scripts" / "tools").iterdir()} == {*locked, "toolchain"}
    assert set(re.findall(r"^FROM tool AS (\S+)$", dockerfile, re.MULTILINE)) == locked
    layers = set(re.findall(r"^COPY --from=(\S+) /out /opt/tools$", dockerfile, re.MULTILINE))
    assert layers == {*locked, "toolchain"}


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
