"""The commit that a folder is at, read from git's files: git would go by settings that may be an agent's."""

import os
import subprocess
from pathlib import Path

import pytest

from host import git

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")


def run(folder: Path, *words: str) -> str:
    command = [*GIT, "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "main"
    folder.mkdir()
    run(folder, "init", "--quiet")
    run(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    return folder


def test_every_kind_of_head_is_read_as_git_reads_it(repository: Path, tmp_path: Path) -> None:
    def same(folder: Path) -> bool:
        return git.head(folder) == run(folder, "rev-parse", "HEAD")

    assert same(repository)
    run(repository, "pack-refs", "--all")
    assert same(repository)
    run(repository, "checkout", "--quiet", "-b", "a/b", "--no-track")
    run(repository, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert same(repository)
    run(repository, "worktree", "add", "--quiet", "../tree", "-b", "tree")
    run(tmp_path / "tree", "commit", "--quiet", "--allow-empty", "--message", "third")
    assert same(tmp_path / "tree")
    run(repository, "pack-refs", "--all")
    assert same(tmp_path / "tree")
    run(tmp_path / "tree", "checkout", "--quiet", "--detach")
    assert same(tmp_path / "tree")
    run(repository, "submodule", "--quiet", "add", "-b", "a/b", str(repository), "below")
    assert same(repository / "below")


def test_a_folder_that_is_at_no_commit(tmp_path: Path) -> None:
    assert git.head(tmp_path) == ""
    run(tmp_path, "init", "--quiet")
    assert git.head(tmp_path) == ""


@pytest.mark.parametrize(
    "told",
    [
        "",
        "x",
        "ref: refs/../../secret",
        "ref: /etc/passwd",
        "ref: refs/heads/\0",
        "gitdir: x",
        "a" * 41,
        "A" * 40,
    ],
)
def test_a_head_that_is_none(tmp_path: Path, told: str) -> None:
    (tmp_path / ".git" / "refs").mkdir(parents=True)
    (tmp_path / "secret").write_text("c" * 40)
    (tmp_path / ".git" / "HEAD").write_text(f"{told}\n")
    assert git.head(tmp_path) == ""


def test_a_pipe_in_the_place_of_a_file_hangs_nobody(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "HEAD")
    assert git.head(tmp_path) == ""
    (tmp_path / ".git" / "HEAD").unlink()
    (tmp_path / ".git" / "HEAD").symlink_to("/dev/zero")
    assert git.head(tmp_path) == ""
