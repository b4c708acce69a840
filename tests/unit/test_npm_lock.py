"""scripts/npm_lock.py: entries of package-lock.json that npm alone would leave without a hash, or out."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import npm_lock

LOCK = Path(__file__).parents[2] / "locks" / "npm" / "package-lock.json"
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


def test_of_the_lock_as_it_is_only_packages_of_other_platforms_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "package-lock.json"
    path.write_text(LOCK.read_text())
    npm_lock.main("forget", path)
    lost = set(packages(LOCK)) - set(packages(path))
    assert lost
    assert all(packages(LOCK)[place]["optional"] and packages(LOCK)[place]["os"] for place in lost)
    npm_lock.main("complete", path)
    assert set(packages(path)) == set(packages(LOCK))
