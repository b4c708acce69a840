"""What a hostile session got past: nothing is hidden behind links, pointers, decoys or long chains."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from init import signals
from init.errors import Interrupted
from init.guard import budget, search
from tests.unit.guard.projects import compared, git, made, put, told

EVIL = "[core]\n\tfsmonitor = evil\n"


@pytest.mark.parametrize("place", [".cache/app", "node_modules/a", "project/.git/x", "target/a/b"])
@pytest.mark.parametrize("chain", [0, 1, 5])
def test_a_project_that_became_a_link_is_searched_where_it_is(
    root: Path, project: Path, place: str, chain: int
) -> None:
    app = root / "app"
    git(root, "init", "-q", "app")

    def act() -> None:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        app.rename(root / place)
        for number in range(chain):
            (root / f"link{number}").symlink_to(f"link{number + 1}" if number < chain - 1 else place)
        app.symlink_to("link0" if chain else place)
        put(app / ".git" / "config", EVIL)

    found = told(root, act)
    assert found[f"{place}/.git/config"] == ("added", ("core.fsmonitor = evil",))
    assert found["app"][1] == (f"was a folder, and is a link to = {place}",)
    assert project.exists()


@pytest.mark.parametrize("target", ["../data/app", "/home/agent/data/app", "in/../../data/app"])
def test_a_link_that_leads_out_is_told(root: Path, target: str) -> None:
    put(root / "in" / "a")
    assert "app" in told(root, lambda: (root / "app").symlink_to(target))


def test_usual_links_are_silent(root: Path, project: Path) -> None:
    put(root / "src" / "a.py")

    def act() -> None:
        (root / "lib").symlink_to("src")
        (root / "gone").symlink_to("nothing")
        (root / "python3").symlink_to("/usr/bin/python3")
        (root / "same.py").symlink_to("src/a.py")
        shutil.rmtree(project)

    assert told(root, act) == {}


def git_dir_of(folder: Path) -> str | None:
    """Return the repository that the real git takes, with links resolved; None if it refuses."""
    command = ["git", "-c", "safe.directory=*", "rev-parse", "--absolute-git-dir"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return os.path.realpath(os.fsdecode(done.stdout.removesuffix(b"\n"))) if done.returncode == 0 else None


POINTERS = (
    b"gitdir: %s\n", b"gitdir: %s", b"gitdir:  %s\n", b"gitdir:\t%s\n", b"gitdir:%s\n", b"gitdir: %s\n\0x",
    b"gitdir: %s\r\n", b"gitdir: %s \n", b"gitdir: %s\0x\n", b" gitdir: %s\n", b"gitdir: %s\n\n\r\n",
    b"gitdir: ./%s\n", b"gitdir: %s/\n", b"gitdir: %s\nx", b"GITDIR: %s\n", b"\xef\xbb\xbfgitdir: %s\n",
)  # fmt: skip
# Folders that a reading of the file may end in.
DECOYS = ("node_modules/g", " node_modules/g", "node_modules/g\n", "node_modules/g ", "node_modules/g\nx")


@pytest.mark.parametrize("form", POINTERS)
def test_a_git_file_is_read_as_git_reads_it(root: Path, form: bytes) -> None:
    project = root / "project"
    for decoy in DECOYS:
        git(root, "init", "-q", "x")
        (project / decoy).parent.mkdir(parents=True, exist_ok=True)
        (root / "x" / ".git").rename(project / decoy)
    (project / ".git").write_bytes(form % b"node_modules/g")
    used = git_dir_of(project)
    before = search.search(str(root))
    if used is not None:
        assert f"{os.path.relpath(used, root)}/config" in before.items


@pytest.mark.parametrize("form", [b"gitdir:  %s\n", b"gitdir: %s\n\0x", b"gitdir:%s\n", b"gitdir: %s\0\n"])
def test_an_odd_git_file_is_told(root: Path, form: bytes) -> None:
    put(root / "g" / "config")
    found = told(root, lambda: put(root / "project" / ".git", form % b"../g"))
    assert any("no program writes" in line for line in found["project/.git"][1])


def test_decoys_do_not_hide_a_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_FOLDERS", 50)
    git(root, "init", "-q", "zz")

    def act() -> None:
        for number in range(500):
            (root / f"a{number:05}").mkdir()
        put(root / "zz" / ".git" / "config", EVIL)

    found = compared(root, act)
    assert [change.path for change in found.changes] == ["zz/.git/config"]
    assert found.unseen


def test_long_chains_of_links_end_soon(root: Path) -> None:
    (root / "s" / "d").mkdir(parents=True)
    for number in range(3000):
        (root / "s" / f"l{number}").symlink_to("d/../" * 800 + f"l{number + 1}")
    (root / ".vscode").mkdir()
    for number in range(200):
        (root / ".vscode" / f"x{number}").symlink_to("../s/l0")
    begun = time.process_time()
    search.search(str(root))
    assert time.process_time() - begun < 12


def test_the_time_ends_and_is_told_at_the_next_search_as_well(
    root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_SECONDS", -1)
    monkeypatch.setattr(budget, "LOOK_EVERY", 0)
    found = compared(root, project.exists)
    assert found.unseen == (budget.OUT_OF_TIME,)
    assert found.may_hide


def test_a_signal_ends_a_search(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise Interrupted(signals.SIGTERM)

    monkeypatch.setattr(budget, "LOOK_EVERY", 0)
    monkeypatch.setattr(signals, "stop_if_asked", stop)
    put(root / "a")
    with pytest.raises(Interrupted):
        search.search(str(root))


def test_a_file_in_a_plain_workspace_is_no_change(root: Path) -> None:
    assert made(root, lambda: put(root / "a" / "b.py")) == ()


@pytest.mark.parametrize("blank", ["\t", "\r"])
@pytest.mark.parametrize("reading", ["newer", "older"])
def test_hooks_are_found_where_any_git_looks(root: Path, project: Path, blank: str, reading: str) -> None:
    folder = f"node_modules/a{blank if reading == 'newer' else ' '}b"

    def act() -> None:
        put(project / ".git" / "config", f"[core]\n\thooksPath = node_modules/a{blank}b\n")
        put(project / folder / "pre-commit", "evil")

    assert f"project/{folder}/pre-commit" in told(root, act)


def test_repositories_whose_objects_are_used_count(root: Path, project: Path) -> None:
    def act() -> None:
        git(root, "init", "-q", "--bare", "node_modules/a")
        put(root / "node_modules" / "a" / "config", EVIL)
        put(project / ".git" / "objects" / "info" / "alternates", "../../../node_modules/a/objects\n")

    assert "node_modules/a/config" in told(root, act)


def test_a_long_chain_of_alternates_ends(root: Path, project: Path) -> None:
    put(project / ".git" / "objects" / "info" / "alternates", "../../../node_modules/r0/objects\n")
    for number in range(1500):
        info = root / "node_modules" / f"r{number}" / "objects" / "info"
        put(info / "alternates", f"../../r{number + 1}/objects\n")
    put(root / "node_modules" / "r1500" / "objects" / "a")
    search.search(str(root))
