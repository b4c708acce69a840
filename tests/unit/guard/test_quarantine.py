"""The quarantine: what is taken away is kept, nothing else is touched, and nothing gets out of it."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from init.guard import acceptance, budget, changes, copies, quarantine, search
from init.guard.snapshot import Snapshot
from tests.unit.guard.projects import EMPTY, HOOK, NOTHING, git, made, put


def everything(root: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            found[str(path)] = (status.st_mode, os.fsencode(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            found[str(path)] = (status.st_mode, path.read_bytes())
    return found


def attack(project: Path) -> None:
    put(project / ".git" / "hooks" / "pre-commit", HOOK, 0o755)
    put(project / ".git" / "hooks" / "post\n\udcffx", HOOK, 0o755)
    put(project / "Makefile", "all: evil\n", 0o600)
    put(project / ".envrc", "evil")
    (project / ".vimrc").symlink_to("/etc/passwd")
    (project / "setup.py").symlink_to("src/main.py")
    put(project / "package.json", '{"scripts": {"test": "evil"}, "version": "2"}')


def test_what_is_taken_away_is_gone_and_comes_back_when_it_is_accepted(
    root: Path, project: Path, tmp_path: Path
) -> None:
    calm, before = everything(root), search.search(str(root))
    attack(project)
    attacked = everything(root)
    found = changes.compare(before, search.search(str(root))).changes
    folder = tmp_path / "data" / "quarantine" / "1"
    outcomes = quarantine.put_away(str(root), found, str(folder))
    assert {outcome.what for outcome in outcomes} == {"moved", "restored"}
    assert everything(root) == calm
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    accepted = acceptance.accept(str(root), str(folder))
    assert {outcome.what for outcome in accepted} == {"accepted"}
    assert everything(root) == attacked
    assert not folder.exists()


def test_of_a_git_configuration_only_what_runs_is_put_back(root: Path, project: Path, tmp_path: Path) -> None:
    git(project, "config", "core.editor", "mine")
    git(project, "config", "core.pager", "less")
    git(project, "config", "diff.x.textconv", 'a\\b"c\td')
    git(project, "remote", "add", "origin", "u")

    def act() -> None:
        git(project, "config", "core.editor", "evil")
        git(project, "config", "core.fsmonitor", "evil")
        git(project, "config", "alias.x", "!evil")
        git(project, "config", "diff.x.textconv", "evil")
        git(project, "config", "user.name", "new")
        git(project, "remote", "add", "other", "evil")

    quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    listed = dict(line.split("=", 1) for line in git(project, "config", "--local", "--list").splitlines())
    assert listed["core.editor"] == "mine"
    assert listed["core.pager"] == "less"
    assert listed["diff.x.textconv"] == 'a\\b"c\td'
    assert listed["user.name"] == "new"
    assert listed["remote.origin.url"] == "u"
    assert {"core.fsmonitor", "alias.x", "remote.other.url"}.isdisjoint(listed)
    acceptance.accept(str(root), str(tmp_path / "q"))
    assert git(project, "config", "core.fsmonitor") == "evil\n"


def test_a_new_repository_keeps_its_configuration_but_for_what_runs(root: Path, tmp_path: Path) -> None:
    def act() -> None:
        git(root, "init", "-q", "new")
        git(root / "new", "config", "core.sshCommand", "evil")

    (outcome,) = quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert outcome == ("new/.git/config", "restored", "")
    assert git(root / "new", "config", "--list", "--local").count("core.") >= 3
    assert "sshcommand" not in git(root / "new", "config", "--list", "--local")


def test_a_configuration_that_cannot_be_read_is_replaced_as_a_whole(
    root: Path, project: Path, tmp_path: Path
) -> None:
    config = project / ".git" / "config"
    former = config.read_bytes()
    found = made(root, lambda: config.write_text("[core]\nfsmonitor = evil\n!"))
    quarantine.put_away(str(root), found, str(tmp_path / "q"))
    assert config.read_bytes() == former


@pytest.mark.parametrize("limit", ["MAX_FILE", "MAX_READ"])
def test_what_was_too_large_to_keep_stays_and_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(budget, limit, 10)
    put(root / ".envrc", "a" * 100)
    (outcome,) = quarantine.put_away(
        str(root), made(root, lambda: put(root / ".envrc", "b" * 101)), str(tmp_path / "q")
    )
    why = "too large to put back what was there before: look at it yourself"
    assert outcome == (".envrc", "failed", why)
    assert (root / ".envrc").read_text() == "b" * 101


def test_what_cannot_be_copied_gets_another_name_and_comes_back(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MAX_COPY", 100)

    def act() -> None:
        put(root / ".envrc", "b" * 101)
        os.mkfifo(root / ".vimrc")

    quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert changes.compare(EMPTY, search.search(str(root))) == NOTHING
    assert len(list(root.iterdir())) == 2
    acceptance.accept(str(root), str(tmp_path / "q"))
    assert (root / ".envrc").read_text() == "b" * 101
    assert (root / ".vimrc").is_fifo()


def test_what_is_more_than_is_copied_gets_another_name_and_comes_back(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_COPIED", 4)

    def act() -> None:
        for name in "abc":
            put(root / name / ".envrc", "evil")

    found = made(root, act)
    planted = everything(root)
    folder = tmp_path / "1"
    outcomes = quarantine.put_away(str(root), found, str(folder))
    assert [outcome.what for outcome in outcomes] == ["moved"] * 3
    assert sorted(path.name for path in folder.iterdir()) == ["0", "manifest.json"]
    assert len(list(root.glob(".quarantined-*"))) == 2
    assert {outcome.what for outcome in acceptance.accept(str(root), str(folder))} == {"accepted"}
    assert everything(root) == planted


def test_a_hard_link_to_a_file_that_is_put_back_does_not_change(
    root: Path, project: Path, tmp_path: Path
) -> None:
    def act() -> None:
        put(project / "Makefile", "evil\n")
        (root / "other").hardlink_to(project / "Makefile")

    quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert (root / "other").read_text() == "evil\n"
    assert (project / "Makefile").read_text() == "all:\n\techo\n"


@pytest.mark.as_user
def test_a_locked_folder_and_a_locked_file_do_not_keep_what_runs(root: Path, tmp_path: Path) -> None:
    def act() -> None:
        put(root / "a" / ".envrc", "a", 0).parent.chmod(0o500)

    (outcome,) = quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert outcome.what == "moved"
    assert not (root / "a" / ".envrc").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".git/config", "[core]\nhooksPath = src\n"),
        (".git/config", "[include]\npath = ../own\n"),
        (".git/hooks/pre-push", ""),
        (".vscode", ""),
        ("HEAD", "ref: x"),
    ],
)
def test_what_is_the_users_and_only_led_to_stays(
    root: Path, project: Path, tmp_path: Path, name: str, content: str
) -> None:
    put(project / "own", "[core]\npager = mine\n")
    put(project / "src" / "tasks.json", "{}")
    put(project / "hooks" / "use.js", "export\n")
    put(project / "objects" / "x")
    calm = everything(root)

    def act() -> None:
        if content:
            put(project / name, content)
        else:
            (project / name).symlink_to("../../own" if "hooks" in name else "src")

    found = made(root, act)
    assert len(found) > 1
    quarantine.put_away(str(root), found, str(tmp_path / "q"))
    if name == ".git/config":
        del calm[str(project / name)]
        assert (project / name).read_text() in ("[core]\n", "[include]\n")
        (project / name).unlink()
    assert everything(root) == calm


@pytest.mark.parametrize("setting", ["core.hooksPath", "include.path"])
def test_what_the_users_own_settings_lead_to_does_not_stay(
    root: Path, project: Path, tmp_path: Path, setting: str
) -> None:
    git(project, "config", setting, "tools" if "hooks" in setting else "../tools/pre-push")

    def act() -> None:
        put(project / "tools" / "pre-push", "[core]\npager = evil\n")
        git(project, "config", "core.editor", "evil")

    found = made(root, act)
    assert {change.path for change in found} == {"project/.git/config", "project/tools/pre-push"}
    quarantine.put_away(str(root), found, str(tmp_path / "q"))
    assert "evil" not in "".join(path.read_text() for path in (project / "tools").iterdir())


def test_what_is_led_to_but_risky_by_its_name_does_not_stay(root: Path, tmp_path: Path) -> None:
    put(root / ".git" / "HEAD")

    def act() -> None:
        put(root / "a" / "b" / "c" / ".envrc", "evil")
        put(root / ".git" / "hooks" / "x").unlink()
        (root / ".git" / "hooks" / "x").symlink_to("../../a/b/c/.envrc")

    quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert not (root / "a" / "b" / "c" / ".envrc").exists()


def test_a_folder_swapped_for_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / ".envrc", "mine").parent
    found = made(root, lambda: put(root / "a" / "b" / ".envrc", "evil"))
    shutil.rmtree(root / "a")
    (root / "a").mkdir()
    (root / "a" / "b").symlink_to(outside)
    (outcome,) = quarantine.put_away(str(root), found, str(tmp_path / "q"))
    assert outcome.what == "failed"
    assert (outside / ".envrc").read_text() == "mine"


@pytest.mark.parametrize("name", ["workspace/q", "workspace/a/q", "taken", "link"])
def test_a_quarantine_is_a_new_folder_outside_of_the_workspace(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    found = made(root, lambda: put(root / ".envrc", "evil"))
    with pytest.raises(OSError, match=r"exists|in the workspace"):
        quarantine.put_away(str(root), found, str(tmp_path / name))
    assert (root / ".envrc").exists()


def test_unseen_places_are_nothing_to_take_away(root: Path, tmp_path: Path) -> None:
    found = changes.compare(EMPTY, Snapshot({}, ("a",)))
    assert quarantine.put_away(str(root), found.changes, str(tmp_path / "q")) == ()


def test_what_somebody_has_written_since_is_not_overwritten(
    root: Path, project: Path, tmp_path: Path
) -> None:
    def act() -> None:
        put(project / "Makefile", "evil\n")
        put(project / ".envrc", "evil")
        put(project / ".vimrc", "evil")

    quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    put(project / "Makefile", "mine\n")
    put(project / ".envrc", "mine")
    outcomes = {outcome.path: outcome.what for outcome in acceptance.accept(str(root), str(tmp_path / "q"))}
    assert outcomes == {
        "project/Makefile": "failed",
        "project/.envrc": "failed",
        "project/.vimrc": "accepted",
    }
    assert (project / "Makefile").read_text() == "mine\n"
    # What failed still waits.
    (project / ".envrc").unlink()
    again = {outcome.path: outcome.what for outcome in acceptance.accept(str(root), str(tmp_path / "q"))}
    assert again == {"project/Makefile": "failed", "project/.envrc": "accepted"}


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../outside"}, {"path": "/outside"}, {"path": "a/../../outside"}, {"path": ""},
        {"path": "a\0"}, {"path": 1}, {"kept": "../../outside"}, {"kept": "manifest.json"}, {"kept": ""},
        {"kept": 0}, {"mode": "x"}, {"left": None}, {"more": 1},
    ],
)  # fmt: skip
@pytest.mark.parametrize("lines", [True, False])
def test_a_manifest_that_was_tampered_with_is_refused(
    root: Path, tmp_path: Path, change: dict[str, object], lines: bool
) -> None:
    quarantine.put_away(str(root), made(root, lambda: put(root / ".envrc", "evil")), str(tmp_path / "q"))
    manifest = tmp_path / "q" / "manifest.json"
    entry = {**json.loads(manifest.read_text()), **change}
    # In the form that it had before 0.3.0, too.
    manifest.write_text(json.dumps(entry if lines else [entry]))
    with pytest.raises(ValueError, match="none of ours"):
        acceptance.accept(str(root), str(tmp_path / "q"))


@pytest.mark.parametrize("content", ["{}", "{}x", "1", "[1]", '{"a": 1}', "[" * 100_000, b"\xff"])
def test_a_manifest_that_is_none_is_refused(root: Path, tmp_path: Path, content: str | bytes) -> None:
    put(tmp_path / "q" / "manifest.json", content)
    with pytest.raises(ValueError, match="none of ours"):
        acceptance.accept(str(root), str(tmp_path / "q"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("0")])
def test_a_manifest_that_is_no_file_is_refused(
    root: Path, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    put(tmp_path / "q" / "0", "[]")
    make(tmp_path / "q" / "manifest.json")
    with pytest.raises(OSError, match="cannot be read"):
        acceptance.accept(str(root), str(tmp_path / "q"))


def test_what_is_accepted_never_gets_out_by_a_link(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    found = made(root, lambda: put(root / "a" / ".envrc", "evil"))
    quarantine.put_away(str(root), found, str(tmp_path / "q"))
    (root / "a").rmdir()
    (root / "a").symlink_to(outside)
    (outcome,) = acceptance.accept(str(root), str(tmp_path / "q"))
    assert outcome.what == "failed"
    assert list(outside.iterdir()) == []


def test_setuid_is_not_given_back(root: Path, tmp_path: Path) -> None:
    def act() -> None:
        put(root / ".envrc", "evil", 0o6755)

    quarantine.put_away(str(root), made(root, act), str(tmp_path / "q"))
    acceptance.accept(str(root), str(tmp_path / "q"))
    assert stat.S_IMODE((root / ".envrc").stat().st_mode) == 0o755
