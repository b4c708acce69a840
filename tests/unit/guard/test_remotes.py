"""Remotes: whom git asks and whom it sends your work is told, unless a clone or usual work leaves it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from init.guard import budget, changes, overlap, search
from tests.unit.guard.projects import git, put, told

URL = "https://b.example/x"
NEW = {"project/.git/config": ("changed", (f"remote.fork.url = {URL}",))}


@pytest.fixture
def cloned(project: Path, tmp_path: Path) -> Path:
    """Return the project with a remote that is outside the workspace."""
    git(project, "clone", "-q", "--bare", ".", str(tmp_path / "origin.git"))
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(project, "push", "-q", "-u", "origin", "main")
    return project


# What is told


def test_a_remote_that_takes_the_place_of_another_is_told(root: Path, cloned: Path) -> None:
    assert told(root, lambda: git(cloned, "remote", "set-url", "origin", URL))


@pytest.mark.parametrize("also", [None, "origin"])
def test_a_new_remote_is_told(root: Path, cloned: Path, also: str | None) -> None:
    def act() -> None:
        git(cloned, "remote", "add", "fork", URL)
        if also:
            git(cloned, "remote", "remove", also)

    assert told(root, act) == NEW


@pytest.mark.parametrize(
    "name", [".git/config.worktree", "settings", "../.config/git/config", "../.gitconfig"]
)
def test_a_remote_from_any_other_file_is_told(root: Path, cloned: Path, name: str) -> None:
    git(cloned, "config", "include.path", "../settings")
    git(cloned, "config", "extensions.worktreeConfig", "true")
    path = (cloned / name).resolve()
    lines = (f"remote.origin.url = {URL}", "branch.main.remote = origin")
    file = f'[remote "origin"]\nurl = {URL}\n[branch "main"]\nremote = origin\n'
    assert told(root, lambda: put(path, file)) == {str(path.relative_to(root)): ("added", lines)}


def test_a_repository_that_another_includes_is_no_clone(root: Path, project: Path) -> None:
    git(project, "config", "include.path", "../../tools/.git/config")

    def act() -> None:
        git(root, "init", "-q", "tools")
        git(root / "tools", "remote", "add", "fork", URL)

    assert told(root, act) == {"tools/.git/config": ("added", NEW["project/.git/config"][1])}


@pytest.mark.parametrize("folder", ["src", "src/deep"])
def test_a_repository_within_another_is_no_clone(root: Path, cloned: Path, folder: str) -> None:
    (cloned / folder).mkdir(parents=True, exist_ok=True)

    def plant() -> None:
        git(cloned / folder, "init", "-q")
        git(cloned / folder, "remote", "add", "origin", URL)

    assert told(root, plant)


@pytest.mark.parametrize("value", ["fork", URL, "../other", "u@b.example:x"])
def test_a_branch_of_what_was_no_remote_is_told(root: Path, cloned: Path, value: str) -> None:
    found = told(root, lambda: git(cloned, "config", "branch.new.remote", value))
    assert found == {"project/.git/config": ("changed", (f"branch.new.remote = {value}",))}


def test_a_branch_of_a_remote_that_is_gone_is_told(root: Path, cloned: Path) -> None:
    def act() -> None:
        git(cloned, "remote", "remove", "origin")
        git(cloned, "config", "branch.new.remote", "origin")

    assert told(root, act) == {"project/.git/config": ("changed", ("branch.new.remote = origin",))}


def test_a_clone_that_goes_past_its_remotes_is_told(root: Path, cloned: Path) -> None:
    def act() -> None:
        git(root, "clone", "-q", "--no-checkout", str(cloned), "copy")
        git(root / "copy", "config", "branch.new.remote", URL)
        git(root / "copy", "remote", "add", "odd", "ext::x")

    lines = (f"branch.new.remote = {URL}", "remote.odd.url = ext::x")
    assert told(root, act) == {"copy/.git/config": ("added", lines)}


def test_a_repository_that_was_not_searched_before_is_no_clone(
    root: Path, cloned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_ITEMS", 0)
    before = search.search(str(root))
    monkeypatch.undo()
    assert "project/.git/config" in before.unseen
    found = changes.compare(before, search.search(str(root), before)).changes
    assert "project/.git/config" in [change.path for change in found]
    assert cloned.exists()


def test_what_another_session_writes_meanwhile_is_no_clone(root: Path, cloned: Path, tmp_path: Path) -> None:
    def look() -> overlap.Given:
        return overlap.look(str(root), str(tmp_path / "lists"), lambda: search.search(str(root)))

    first = look()
    git(cloned, "remote", "set-url", "origin", URL)
    second = look()
    after = search.search(str(root), second.before)
    lines = [change.lines for change in changes.compare(second.before, after).changes]
    assert lines == [(f"remote.origin.url = {URL}", "branch.main.remote = origin")]
    for given in (first, second):
        overlap.end(given)


MODULES = '[submodule "a"]\n\tpath = a\n\turl = %s\n'


@pytest.mark.parametrize("remote", ["https://a.example/u/x.git", "git@a.example:u/x", "/srv/x/", None])
@pytest.mark.parametrize("url", ["https://a.example/a", "../a", "../../v/a", "./a"])
def test_the_url_of_a_submodule_is_told_unless_it_is_that_of_gitmodules(
    root: Path, project: Path, remote: str | None, url: str
) -> None:
    put(project / ".gitmodules", MODULES % url)
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},a")
    if remote:
        git(project, "remote", "add", "origin", remote)
    assert told(root, lambda: git(project, "submodule", "init")) == {}
    git(project, "config", "--unset", "submodule.a.url")
    for evil in (URL, "ssh://a.example/a", "/a/b"):
        assert told(root, lambda evil=evil: git(project, "config", "submodule.a.url", evil))  # type: ignore[misc]
        git(project, "config", "--unset", "submodule.a.url")


# What is not told


def clone(project: Path) -> None:
    git(project.parent, "clone", "-q", "--no-checkout", "project", "copy")
    git(project.parent / "copy", "switch", "-q", "-c", "feature")


def clone_in_part(project: Path) -> None:
    origin = git(project, "remote", "get-url", "origin").strip()
    git(Path(origin), "config", "uploadpack.allowFilter", "true")
    git(project.parent, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{origin}", "copy")


def work_on_a_branch(project: Path) -> None:
    git(project, "switch", "-q", "-c", "feature")
    git(project, "push", "-q", "-u", "origin", "feature")
    git(project, "branch", "--track", "local", "main")
    git(project, "checkout", "-q", "-b", "again", "origin/main")
    git(project, "branch", "-q", "-d", "local")
    git(project, "branch", "-m", "feature", "renamed")
    git(project, "fetch", "-q")


def copy(project: Path) -> None:
    shutil.copytree(project / ".git", project.parent / "copy" / ".git")
    shutil.rmtree(project.parent / "copy" / ".git" / "hooks")


def take_away(project: Path) -> None:
    git(project, "remote", "remove", "origin")


USUAL = (clone, clone_in_part, work_on_a_branch, copy, take_away)


@pytest.mark.parametrize("act", USUAL, ids=lambda act: act.__name__)
def test_usual_work_is_not_told(root: Path, cloned: Path, act: Callable[[Path], None]) -> None:
    assert told(root, lambda: act(cloned)) == {}


def test_a_folder_of_git_that_is_a_link_is_one(root: Path, cloned: Path) -> None:
    (cloned / ".git").rename(root / "store")
    (cloned / ".git").symlink_to("../store")
    assert told(root, lambda: git(cloned, "push", "-q", "-u", "origin", "main:feature")) == {}
