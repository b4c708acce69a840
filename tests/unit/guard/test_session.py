"""The session under the guard: what is loaded for it, its exit code, and what it says."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from init import log, paths
from init.errors import EX_QUARANTINED, SandboxError
from init.guard import budget, changes, session
from init.mounts import Mount
from init.settings import read
from tests.unit.guard.projects import put

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str], Callable[[], int]], int]:
    """Return a function that runs a session in the test's workspace."""
    monkeypatch.setattr(paths, "WORKSPACE", str(root))
    monkeypatch.setattr(paths, "HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(paths, "DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "QUARANTINE", str(tmp_path / "data" / "quarantine"))
    monkeypatch.setattr(paths, "GIVEN", str(tmp_path / "data" / "guard"))
    monkeypatch.setattr(paths, "GIVEN_ALONE", str(tmp_path / "alone"))
    table = [Mount(path=str(root), read_only=False)]
    return lambda environ, act: session.run(act, read(environ), table, lambda: None)


def attack(root: Path, code: int = 0) -> int:
    put(root / ".envrc", "evil\n")
    return code


@pytest.mark.parametrize(
    ("guard", "code", "ends_with"),
    [("report", 0, 0), ("report", 3, 3), ("off", 3, 3), ("block", 0, EX_QUARANTINED), ("block", 3, 3)],
)
def test_the_exit_code_is_the_sessions_own_if_it_has_one(
    run: Callable[[dict[str, str], Callable[[], int]], int], root: Path, guard: str, code: int, ends_with: int
) -> None:
    assert run({"SANDBOX_GUARD": guard}, lambda: attack(root, code)) == ends_with
    assert (root / ".envrc").exists() == (guard != "block")


def test_a_session_on_a_copy_lists_nothing_for_others(
    run: Callable[[dict[str, str], Callable[[], int]], int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its folder may have the number of another's, whose list would be taken for that of a killed session."""
    inside: list[bool] = []

    def act() -> int:
        inside.extend(folder.exists() for folder in (tmp_path / "alone", tmp_path / "data" / "guard"))
        return 0

    assert run({"SANDBOX_COPY": "1"}, act) == 0
    assert inside == [True, False]
    assert "an earlier session" not in capsys.readouterr().err


def test_a_start_that_fails_at_a_repository_is_no_session_that_was_killed(
    run: Callable[[dict[str, str], Callable[[], int]], int],
    root: Path,
    tmp_path: Path,
) -> None:
    """It is not there, and stands for one that this user may not read. A list that stays says "killed"."""
    missing = tmp_path / "repository"
    table = [Mount(path=str(place), read_only=False) for place in (root, missing)]
    with pytest.raises(SandboxError, match="cannot be read"):
        session.run(lambda: 0, read({"SANDBOX_REPOSITORIES": str(missing)}), table, lambda: None)
    assert not list((tmp_path / "data" / "guard").iterdir())
    assert run({}, lambda: 0) == 0


@pytest.mark.parametrize("guard", ["block", "report"])
def test_where_not_all_is_searched_it_is_said_in_every_session(
    run: Callable[[dict[str, str], Callable[[], int]], int],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    guard: str,
) -> None:
    monkeypatch.setattr(budget, "MAX_DEPTH", 0)
    for _ in range(2):
        assert run({"SANDBOX_GUARD": guard}, lambda: hide(root)) == (80 if guard == "block" else 0)
        level = "error" if guard == "block" else "warning"
        assert f"{level}: the workspace guard could not look at all" in (said := capsys.readouterr().err)
        assert "    a\n" in said


def hide(root: Path) -> int:
    (root / "a").mkdir(exist_ok=True)
    return attack(root / "a")


def test_a_quarantine_that_was_not_finished_is_told_with_the_session_that_was_killed(
    run: Callable[[dict[str, str], Callable[[], int]], int],
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(tmp_path / "data" / "guard" / f"{root.stat().st_ino:x}.0")
    for name in ("a\x1b[2J", "b"):
        put(tmp_path / "data" / "quarantine" / name / "unfinished")
    put(tmp_path / "data" / "quarantine" / "whole" / "manifest.json")
    run({}, lambda: 0)
    assert "did not come to the end of a quarantine: a\\x1b[2J, b" in (said := capsys.readouterr().err)
    assert "whole" not in said
    run({}, lambda: 0)
    assert capsys.readouterr().err == ""


def test_as_json_each_change_is_an_event(
    run: Callable[[dict[str, str], Callable[[], int]], int],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(budget, "MAX_DEPTH", 0)
    (root / "a").mkdir()
    log.configure(as_json=True)
    run({"SANDBOX_LOG": "json"}, lambda: attack(root))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(event["path"], event["what"], event["lines"]) for event in events[:2]] == [
        (".envrc", "added", ["evil"]),
        ("", "unseen", ["a"]),
    ]
    assert events[1]["reason"] == changes.NOT_SEARCHED


def test_without_a_guard_nothing_of_it_is_loaded() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from init.guard import session; "
        "from init.settings import read; settings = read({'SANDBOX_GUARD': 'off'}); "
        "session.run(lambda: 0, settings, (), lambda: None); "
        "print(*(name for name in sys.modules if name.startswith('init.guard.')))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(REPOSITORY)]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert loaded.split() == ["init.guard.session"]
