"""scripts/npm_lock.py: entries of package-lock.json that npm alone would leave without a hash, or out."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import npm_lock

LOCKS = sorted((Path(__file__).parents[2] / "locks").rglob("package-lock.json"))
TOOL = {
    "version": "1.0.0",
    "integrity": "sha512-x",
    "optionalDependencies": {"tool-linux-arm64-musl": "1.0.0"},
}
ADDED = {"version": "1.0.0", "optional": True, "os": ["linux"], "cpu": ["arm64"], "libc": ["musl"]}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "package-lock.json"
    packages: dict[str, Any] = {
        "": {"name": "x"},
        "node_modules/tool": TOOL,
        "node_modules/y": {"inBundle": True},
    }
    path.write_text(json.dumps({"packages": packages}))
    return path


def packages(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())["packages"]
    return content


def test_what_the_registry_lacks_is_named_without_a_hash_and_forgotten_before_npm_runs_again(
    lock: Path,
) -> None:
    before = packages(lock)
    npm_lock.main("complete", lock)
    assert packages(lock) == {**before, "node_modules/tool-linux-arm64-musl": ADDED}
    npm_lock.main("forget", lock)
    assert packages(lock) == before


def test_a_hash_that_npm_found_stays(lock: Path) -> None:
    content = {
        "packages": {
            **packages(lock),
            "node_modules/tool-linux-arm64-musl": {**ADDED, "integrity": "sha512-y"},
        }
    }
    lock.write_text(json.dumps(content))
    for verb in ("forget", "complete"):
        npm_lock.main(verb, lock)
    assert packages(lock) == content["packages"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name)
def test_of_a_lock_as_it_is_only_packages_of_other_platforms_are_forgotten(
    path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "package-lock.json"
    copy.write_text(path.read_text())
    npm_lock.main("forget", copy)
    lost = set(packages(path)) - set(packages(copy))
    assert all(packages(path)[place]["optional"] and packages(path)[place]["os"] for place in lost)
    npm_lock.main("complete", copy)
    assert set(packages(copy)) == set(packages(path))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_has_what_its_package_json_asks_for(path: Path) -> None:
    npm_lock.main("check", path)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("1.0.1", "package.json asks for tool 1.0.1, the lock has 1.0.0: run scripts/lock.sh"),
        ("^1.0.0", "package.json asks for tool '^1.0.0': write one exact version there"),
    ],
)
def test_another_version_than_the_one_asked_for_is_an_error(lock: Path, asked: str, said: str) -> None:
    (lock.parent / "package.json").write_text(json.dumps({"dependencies": {"tool": asked}}))
    with pytest.raises(SystemExit) as raised:
        npm_lock.main("check", lock)
    assert said in str(raised.value)
