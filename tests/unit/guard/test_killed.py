"""PID 1 is killed while it takes something away, or gives it back: nothing is lost."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from init.guard import acceptance, copies, quarantine
from tests.unit.guard.projects import git, made, put

# Of sys.audit: what changes a name or a file. Writing comes between two of these.
CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod", "os.truncate")


def killed(act: Callable[[], object], moment: int) -> bool:
    """Do something in a process that is killed before its nth change; return whether it was."""

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal moment
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        moment -= event in CHANGING or bool(writes)
        if moment == 0 and event != "os.kill":
            os.kill(os.getpid(), 9)

    child = os.fork()
    if child == 0:
        try:
            sys.addaudithook(count)
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder by path; of a link where to, of a pipe that it is one."""
    found = {}
    for above, _, names in os.walk(folder):
        for path in (Path(above, name) for name in names):
            data = os.fsencode(path.readlink()) if path.is_symlink() else b"pipe"
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else data
    return found


@pytest.fixture
def mine(project: Path) -> dict[str, bytes]:
    """Return what the user had before."""
    put(project / ".vimrc", "mine")
    put(project / "large" / "Makefile", "mine")
    (project / "setup.py").symlink_to("src")
    return contents(project.parent)


def attack(project: Path) -> None:
    git(project, "config", "core.fsmonitor", "evil")
    put(project / "Makefile", "evil")
    put(project / ".envrc", "evil")
    put(project / "large" / "Makefile", b"evil" * 1000)
    (project / "setup.py").unlink()
    (project / "setup.py").symlink_to("evil")
    (project / ".vimrc").unlink()
    os.mkfifo(project / ".vimrc")


def test_killed_at_any_moment_nothing_is_lost_and_all_can_be_accepted(
    root: Path, project: Path, mine: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MAX_COPY", 2000)
    found = made(root, lambda: attack(project))
    evil = contents(root)
    changed = {path for path in evil if evil[path] != mine.get(path)}
    assert len(changed) == len(found) == 6
    moment, taken = 1, tmp_path / "q"
    while killed(partial(quarantine.put_away, str(root), found, f"{taken}/{moment}"), moment):
        now, kept = contents(root), contents(taken)
        for path in changed:
            beside = [now[name] for name in now if name.startswith(f"{Path(path).parent}/.quarantined-")]
            assert path in now or path not in mine or mine[path] in beside, (moment, path)
            assert evil[path] in (*now.values(), *kept.values()), (moment, path)
        if now != evil:
            assert str(moment) in acceptance.unfinished(str(taken))
        if (taken / str(moment) / "manifest.json").exists():
            acceptance.accept(str(root), f"{taken}/{moment}")
        assert {path: now for path, now in contents(root).items() if path in changed} == {
            path: evil[path] for path in changed
        }
        moment += 1
    assert moment > 30
    assert {path: data for path, data in contents(root).items() if path in changed and path in mine} == {
        path: mine[path] for path in changed if path in mine
    }


def test_killed_while_it_is_accepted_all_can_be_accepted(
    root: Path, project: Path, mine: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MAX_COPY", 2000)
    found = made(root, lambda: attack(project))
    evil = contents(root)
    moment = 1
    while True:
        folder = f"{tmp_path}/q/{moment}"
        quarantine.put_away(str(root), found, folder)
        assert mine.items() <= contents(root).items()
        if not killed(partial(acceptance.accept, str(root), folder), moment):
            break
        if (Path(folder) / "manifest.json").exists():
            acceptance.accept(str(root), folder)
        assert evil.items() <= contents(root).items(), moment
        moment += 1
    assert evil.items() <= contents(root).items()
    assert moment > 20
