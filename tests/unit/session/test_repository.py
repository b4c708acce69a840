"""init/session/repository.py and report.py: what git and lstat(2) say of a repository, asked twice."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from init.session import report, repository
from init.session.differences import Look

# A file is told as it is only if it did not change just before.
LONG_AGO = "1999-01-01"


def git(*words: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=tester", "-c", "user.email=tester")
    return subprocess.run(
        ["git", *identity, *words], check=True, capture_output=True, text=True, env=environ
    ).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder: a repository with a commit, two files of it edited, two that are in none."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    # What was written a moment ago may have been written by the tool.
    monkeypatch.setattr(repository, "_COARSE", 0)
    git("init", "-q")
    for name in ("a", "b", "edited", "staged"):
        Path(name).write_text("1\n2\n3\n")
    Path(".gitignore").write_text("ignored\n")
    git("add", "-A")
    git("commit", "-qm", "first")
    Path("edited").write_text("mine\n")
    Path("staged").write_text("mine\n")
    git("add", "staged")
    Path("loose").write_text("mine\n")
    Path("ignored").write_text("x\n")
    return folder


def told(before: Look, folder: Path) -> list[str]:
    """Return the lines of the report."""
    return [
        line
        for _, headline, details, _ in report.events(str(folder), tuple(before))
        for line in (headline, *details.splitlines())
    ]


def test_a_look_has_all_files_and_those_that_no_commit_has(project: Path) -> None:
    look = repository.look()
    assert look.commit == git("rev-parse", "HEAD").strip()
    assert set(look.files) == {b".gitignore", b"a", b"b", b"edited", b"staged", b"loose"}
    assert look.loose == {b"edited", b"staged", b"loose"}
    assert look.files[b"a"][1] == (project / "a").stat().st_ino


def test_before_the_first_commit_nothing_can_be_brought_back(project: Path) -> None:
    git("update-ref", "-d", "HEAD")
    look = repository.look()
    assert look.commit == ""
    assert look.loose == frozenset(look.files)
    git("commit", "-qam", "first")
    assert "1 commit came" in told(look, project)[0]


def delete_a_loose_one() -> None:
    Path("loose").unlink()


def commit_a_change() -> None:
    Path("a").write_text("1\n2\n")
    git("commit", "-qam", "what was done")


def go_back() -> None:
    git("commit", "--amend", "-qm", "another")


def there_and_back() -> None:
    git("stash", "-q")
    git("stash", "pop", "-q", "--index")


def hide_a_change() -> None:
    Path(".git/info/exclude").write_text("loose\n")
    Path("loose").write_text("longer than it was\n")


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (delete_a_loose_one, ["  deleted  loose (no commit has it as it was)"]),
        (commit_a_change, ["  changed  a (+0 -1)", "commit", "what was done"]),
        (lambda: git("mv", "a", "sub"), ["  renamed  a -> sub"]),
        (lambda: git("rm", "-q", "a"), ["  deleted  a (+0 -3)"]),
        (go_back, ["1 commit came, 1 commit went", "another"]),
        (hide_a_change, ["  changed  loose (no commit has it as it was)"]),
        (lambda: git("update-index", "--assume-unchanged", "a"), []),
        (lambda: Path("ignored").unlink(), []),
        (lambda: Path("a").touch(), []),
        (lambda: Path("b").chmod(0o755), ["  changed  b"]),
        (lambda: Path("new").write_bytes(b"1\n2"), ["  new      new (+2 -0)"]),
        (lambda: Path("new").write_bytes(b"\0\n"), ["  new      new"]),
        (lambda: os.mkfifo("new"), []),
        (lambda: Path("new").symlink_to("/etc/passwd"), ["  new      new"]),
        (lambda: Path("a\x1b[31m\n").write_text("1\n"), [r"  new      a\x1b[31m\n (+1 -0)"]),
    ],
)  # fmt: skip
def test_what_a_session_does_is_told(project: Path, act: Callable[[], object], expected: list[str]) -> None:
    before = repository.look()
    act()
    lines = told(before, project)
    assert all(any(text in line for line in lines) for text in expected), lines
    assert bool(lines) == bool(expected), lines


def test_a_checkout_there_and_back_changes_nothing_that_a_commit_has(project: Path) -> None:
    before = repository.look()
    there_and_back()
    assert {line.split()[1] for line in told(before, project)[1:]} <= {"edited", "staged"}


def test_what_is_written_during_the_look_counts_as_changed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_COARSE", 10**15)
    before = repository.look()
    assert told(before, project)[1:] == [
        "  changed  edited (no commit has it as it was)",
        "  changed  loose (no commit has it as it was)",
        "  changed  staged (no commit has it as it was)",
    ]


def test_another_repository_within_is_one_thing(project: Path) -> None:
    git("init", "-q", "within")
    Path("within/file").write_text("x")
    before = repository.look()
    assert b"within/" in before.files
    Path("within/file").write_text("y")
    assert told(before, project) == []
    subprocess.run(["rm", "-rf", "within"], check=True)
    assert "  deleted  within/ (no commit has it as it was)" in told(before, project)


def test_a_repository_that_git_cannot_read_any_more_is_told_with_what_is_known(project: Path) -> None:
    before = repository.look()
    Path(".git/HEAD").write_text("rubbish")
    Path("loose").unlink()
    lines = told(before, project)
    assert lines[0] == "what is new in project/ is not told: the repository cannot be read by git"
    assert "  deleted  loose (no commit has it as it was)" in lines


def test_a_repository_that_is_gone_is_told(project: Path) -> None:
    before = repository.look()
    project.rename(f"{project}-2")
    assert told(before, project) == ["while this session ran, project/ went, or was closed to us"]


def test_too_many_files_are_not_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MOST_FILES", 3)
    with pytest.raises(repository.NotToldError, match="has more than 3 files"):
        repository.look()
    assert "it has more than 3 files" in next(report.events(str(project), "has more than 3 files"))[1]


def test_many_changes_are_counted_without_naming_each_to_git(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_MOST_COUNTED", 1)
    before = repository.look()
    for name in ("a", "b", "edited"):
        Path(name).write_text("1\n2\n")
    assert told(before, project)[1:] == [
        "  changed  a (+0 -1)", "  changed  b (+0 -1)", "  changed  edited (no commit has it as it was)",
    ]  # fmt: skip
