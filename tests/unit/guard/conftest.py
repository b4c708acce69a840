"""What every test of the guard starts from: a git that knows nothing of this machine, and a workspace."""

import json
import os
from pathlib import Path

import pytest

from tests.unit.guard.projects import commit, git, put


@pytest.fixture(autouse=True)
def _own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know nothing of the machine it runs on."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    # Newer ones tidy up in the background, and hold a lock in .git for a moment.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "maintenance.auto")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester")
        monkeypatch.setenv(f"GIT_{role}_DATE", "2000-01-01T00:00:00Z")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def project(root: Path) -> Path:
    """Return a repository in the workspace, with a commit, a hook and a script."""
    folder = root / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    put(folder / "package.json", json.dumps({"name": "a", "scripts": {"test": "jest", "prepare": "husky"}}))
    put(folder / "Makefile", "all:\n\techo\n")
    put(folder / "src" / "main.py", "print()\n")
    put(folder / ".git" / "hooks" / "pre-commit", "#!/bin/sh\nmake lint\n", 0o755)
    commit(folder)
    return folder
