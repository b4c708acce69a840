"""A repository in the place of another: it is told, and nothing in it is a clone's."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from init.guard import quarantine
from tests.unit.guard.projects import add_submodule, git, made, put, told

URL = "https://b.example/x"
GITMODULES = '[submodule "%s"]\n\tpath = inner\n\turl = ./inner\n'


@pytest.fixture
def inner(project: Path) -> Path:
    """Return a repository in the project that is a submodule, but for where its .git folder is."""
    folder = project / "inner"
    git(project, "init", "-q", "inner")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    git(folder, "remote", "add", "origin", "https://a.example/x")
    git(project, "add", "inner")
    put(project / ".gitmodules", GITMODULES % "inner")
    return folder


def replace_git(folder: Path, place: str) -> None:
    """Put a file in the place of .git, which names a repository with a remote of its own."""
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    git(folder.parent, "init", "-q", "evil")
    (folder.parent / "evil" / ".git").rename(target)
    git(target, "config", "remote.origin.url", URL)
    git(target, "config", "core.worktree", os.path.relpath(folder, target))
    if (folder / ".git").is_dir():
        shutil.rmtree(folder / ".git")
    (folder / ".git").write_text(f"gitdir: {place}\n")


PLACES = (
    "../.git/modules/inner",
    "../.git/modules/other",
    "../.git/modules/a/modules/inner",
    "../node_modules/g",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_git_folder_that_is_a_file_now_is_told(root: Path, inner: Path, place: str) -> None:
    found = told(root, lambda: replace_git(inner, place))
    target = os.path.normpath(f"project/inner/{place}")
    assert found == {
        "project/inner/.git": ("added", (f"was a folder, and is a file that names = {target}",)),
        f"{target}/config": ("added", (f"remote.origin.url = {URL}",)),
    }


@pytest.mark.parametrize("name", ["inner", "other"])
@pytest.mark.parametrize("known", [True, False])
def test_git_absorbs_a_submodule_that_was_one_in_silence(
    root: Path, project: Path, inner: Path, name: str, known: bool
) -> None:
    if not known:
        (project / ".gitmodules").unlink()

    def act() -> None:
        put(project / ".gitmodules", GITMODULES % name)
        git(project, "submodule", "absorbgitdirs")

    if known:
        put(project / ".gitmodules", GITMODULES % name)
    found = told(root, act)
    assert (inner / ".git").is_file()
    assert ("project/inner/.git" in found) is not known
    assert set(found) <= {"project/inner/.git", f"project/.git/modules/{name}/config"}


def test_a_submodule_that_is_absorbed_with_other_settings_is_told(
    root: Path, project: Path, inner: Path
) -> None:
    def act() -> None:
        git(project, "submodule", "absorbgitdirs")
        git(inner, "config", "remote.origin.url", URL)

    lines = ("added", (f"remote.origin.url = {URL}",))
    assert told(root, act)["project/.git/modules/inner/config"] == lines


def test_a_git_file_that_names_nothing_is_told_where_a_repository_was(root: Path, inner: Path) -> None:
    def act() -> None:
        shutil.rmtree(inner / ".git")
        put(inner / ".git", "gitdir: ../later\n")

    lines = ("was a folder, and is a file that names = ../later",)
    assert told(root, act) == {"project/inner/.git": ("added", lines)}


def test_a_git_file_that_names_another_repository_is_told_and_put_back(
    root: Path, project: Path, tmp_path: Path
) -> None:
    add_submodule(project)
    folder = project / "libs" / "other"
    file = (folder / ".git").read_text()
    changes = made(root, lambda: replace_git(folder, "../../.git/modules/evil"))
    assert {change.path: change.lines for change in changes} == {
        "project/libs/other/.git": ("named another place, and now = project/.git/modules/evil",),
        "project/.git/modules/evil/config": (f"remote.origin.url = {URL}",),
    }
    quarantine.put_away(str(root), changes, str(tmp_path / "q"))
    assert (folder / ".git").read_text() == file


def test_a_git_folder_in_the_place_of_a_file_is_no_clone(root: Path, project: Path) -> None:
    add_submodule(project)
    folder = project / "libs" / "other"

    def act() -> None:
        (folder / ".git").unlink()
        git(folder, "init", "-q")
        git(folder, "remote", "add", "origin", URL)

    lines = ("added", (f"remote.origin.url = {URL}",))
    assert told(root, act) == {"project/libs/other/.git/config": lines}


def test_a_repository_that_shares_another_all_at_once_is_told(root: Path, project: Path) -> None:
    def act() -> None:
        git(root, "init", "-q", "--bare", "node_modules/evil")
        git(root / "node_modules" / "evil", "config", "remote.origin.url", URL)
        put(project / ".git" / "commondir", "../../node_modules/evil\n")

    assert told(root, act) == {
        "project/.git/commondir": (
            "added",
            ("is new in a repository that was there, and names = node_modules/evil",),
        ),
        "node_modules/evil/config": ("added", (f"remote.origin.url = {URL}",)),
    }


def write_paths_in_another_way(project: Path) -> None:
    place = (project.parent / "tree" / ".git").read_text().partition(": ")[2].strip()
    put(project.parent / "tree" / ".git", f"gitdir: {os.path.relpath(place, project.parent / 'tree')}\n")


def move_and_remove(project: Path) -> None:
    git(project, "worktree", "move", "../tree", "../moved")
    git(project, "worktree", "add", "-q", "--no-checkout", "../third")
    git(project, "worktree", "remove", "--force", "../third")
    git(project, "worktree", "repair")


@pytest.mark.parametrize("act", [write_paths_in_another_way, move_and_remove])
def test_what_git_does_with_worktrees_is_not_told(
    root: Path, project: Path, act: Callable[[Path], None]
) -> None:
    git(project, "worktree", "add", "-q", "--no-checkout", "../tree")
    assert told(root, lambda: act(project)) == {}
