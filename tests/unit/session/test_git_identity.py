"""git's settings for the agent, read back by git itself."""

import os
import subprocess
from pathlib import Path

import pytest

from init.session import git_identity

ODD = (
    "Ada",
    'Ada "the first" Lovelace',
    "a\\b #c ;d",
    " leading",
    "Привет",
    "tab\tnewline\nend",
    "$(x) `y` %s",
)


def told(home: Path, key: str) -> str:
    environ = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": "", "GIT_CONFIG_NOSYSTEM": "1"}
    found = subprocess.run(
        ["git", "config", "--null", "--get", key], env=environ, capture_output=True, check=False, cwd="/"
    )
    return found.stdout.decode().rstrip("\0")


@pytest.mark.parametrize("value", ODD)
def test_git_reads_what_was_told(tmp_path: Path, value: str) -> None:
    git_identity.install(str(tmp_path), {git_identity.NAME: value, git_identity.EMAIL: "a@b"})
    assert (told(tmp_path, "user.name"), told(tmp_path, "user.email")) == (value, "a@b")
    assert not told(tmp_path, "worktree.useRelativePaths")


def test_a_control_character_is_left_out(tmp_path: Path) -> None:
    git_identity.install(str(tmp_path), {git_identity.NAME: "a\x1bb\rc\udcff"})
    assert b"a" in (tmp_path / ".config" / "git" / "config").read_bytes()
    assert b"\x1b" not in (tmp_path / ".config" / "git" / "config").read_bytes()


@pytest.mark.parametrize(
    ("version", "relative"),
    [
        ("2.48.0", True),
        ("2.50", True),
        ("3.0.1", True),
        ("2.47.3", False),
        ("", False),
        ("x.y", False),
        ("2", False),
    ],
)
def test_pointers_are_relative_only_where_the_users_git_reads_them(version: str, relative: bool) -> None:
    assert ("useRelativePaths" in git_identity.settings({git_identity.VERSION: version})) == relative


def test_what_is_there_stays_and_nothing_told_writes_nothing(tmp_path: Path) -> None:
    git_identity.install(str(tmp_path), {})
    assert not list(tmp_path.iterdir())
    file = tmp_path / ".config" / "git" / "config"
    file.parent.mkdir(parents=True)
    file.write_text("[user]\n\tname = mine\n")
    git_identity.install(str(tmp_path), {git_identity.NAME: "other"})
    assert told(tmp_path, "user.name") == "mine"
