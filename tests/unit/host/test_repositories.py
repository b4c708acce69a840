"""What a workspace's pointers lead to, with real repositories of git."""

import os
import subprocess
from pathlib import Path

import pytest

from host import repositories
from host.errors import HostError
from host.repositories import Mount


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    command = ["git", *identity, "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A repository with a worktree beside it, and one with a submodule."""
    for name in ("main", "library", "project"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "--quiet")
        git(tmp_path / name, "commit", "--quiet", "--allow-empty", "--message", "x")
    git(tmp_path / "main", "worktree", "add", "--quiet", "../tree", "-b", "b")
    git(tmp_path / "project", "submodule", "--quiet", "add", str(tmp_path / "library"), "lib")
    return tmp_path / "main"


def mounts(workspace: Path) -> list[Mount]:
    return [mount for repository in repositories.find(workspace) for mount in repository.mounts]


def test_a_worktrees_repository_is_mounted_where_its_pointer_says(main: Path) -> None:
    assert mounts(main.parent / "tree") == [Mount(main / ".git", str(main / ".git"))]


def test_a_worktree_that_the_workspace_holds(main: Path) -> None:
    git(main, "worktree", "add", "--quiet", "../more/deep", "-b", "c")
    assert mounts(main.parent) == [Mount(main / ".git", str(main / ".git"))]


def test_a_relative_pointer_is_seen_from_the_container(main: Path) -> None:
    pointer = main.parent / "tree" / ".git"
    pointer.write_text("gitdir: ../main/.git/worktrees/tree\n")
    assert mounts(pointer.parent) == [Mount(main / ".git", "/home/agent/main/.git")]


def test_a_submodule_needs_its_folder_where_the_repository_looks_for_it(main: Path) -> None:
    module = main.parent / "project" / "lib"
    assert mounts(module) == [
        Mount(main.parent / "project" / ".git" / "modules" / "lib", "/home/agent/.git/modules/lib"),
        Mount(module, "/home/agent/lib"),
    ]


def test_a_submodule_is_not_mounted_in_the_place_of_a_folder_of_the_sandbox(main: Path) -> None:
    """Compose would take one mount at /home/agent/data for the other, and the guard would write there."""
    project = main.parent / "project"
    git(project, "submodule", "--quiet", "add", str(main.parent / "library"), "data")
    with pytest.raises(HostError, match="/home/agent/data"):
        repositories.find(project / "data")


def test_a_submodule_in_a_project_needs_nothing(main: Path) -> None:
    assert not mounts(main.parent / "project")
    assert not mounts(main)


@pytest.mark.parametrize("attack", ["other", "chain", "not there", "no repository", "links"])
def test_a_pointer_that_the_repository_does_not_know_is_refused(main: Path, attack: str) -> None:
    """An agent can write .git, and anything in the workspace, but not the repository that it wants to see."""
    workspace, secret = main.parent / "box", main.parent / "library" / ".git"
    fake = workspace / "fake"
    named = {
        "other": secret, "chain": fake / "worktrees" / "x", "not there": "/nonexistent/x",
        "no repository": main, "links": fake,
    }  # fmt: skip
    (fake / "worktrees" / "x").mkdir(parents=True)
    (workspace / ".git").write_text(f"gitdir: {named[attack]}\n")
    (fake / "worktrees" / "x" / "commondir").write_text(f"{secret}\n")
    (fake / "worktrees" / "x" / "gitdir").write_text(f"{workspace}/.git\n")
    for name in ("HEAD", "objects", "refs"):
        (fake / name).symlink_to(secret / name)
    (fake / "config").write_text("[core]\n\tworktree = ../other\n")
    with pytest.raises(HostError, match=r"not mounted|not there"):
        repositories.find(workspace)


def test_a_pointer_with_a_zero_names_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /a\0b\n")
    assert not repositories.find(tmp_path)


@pytest.mark.parametrize("odd", ["circle", "pipe for commondir", "pipe for config"])
def test_an_odd_pointer_is_no_traceback_and_nobody_waits_for_a_pipe(
    main: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.setattr(repositories, "PATIENCE", 0.1)
    workspace = main.parent / "box"
    (workspace / "fake").mkdir(parents=True)
    for name in ("HEAD", "objects", "refs"):
        (workspace / "fake" / name).symlink_to(main / ".git" / name)
    (workspace / "circle").symlink_to("circle")
    if odd.startswith("pipe"):
        os.mkfifo(workspace / "fake" / odd.rpartition(" ")[2])
    named = "../box/circle/x" if odd == "circle" else f"{workspace}/fake"
    (workspace / ".git").write_text(f"gitdir: {named}\n")
    with pytest.raises(HostError, match=r"not mounted|not there"):
        repositories.find(workspace)


@pytest.mark.parametrize(
    "target",
    ["/", "/etc", "/etc/x", "/usr/share/x", "/lib64", "/home/agent", "/home/agent/data/x", "/opt/tools/x"],
)
def test_the_containers_own_places_are_reserved(target: str) -> None:
    assert repositories.RESERVED.fullmatch(target)


@pytest.mark.parametrize(
    "target", ["/home/me/.git", "/home/agent/main/.git", "/srv/x", "/opt/x", "/var/www/x", "/etcetera"]
)
def test_other_places_are_not(target: str) -> None:
    assert not repositories.RESERVED.fullmatch(target)


def test_what_compose_is_told(main: Path) -> None:
    (made,) = repositories.find(main.parent / "tree")
    made = made._replace(target="/root/a$b/.git", folder=Path("/root/a$b/.git"))
    service = repositories.override([made], "sandbox")["services"]["sandbox"]  # type: ignore[index]
    assert service["environment"] == {"SANDBOX_REPOSITORIES": "/root/a$$b/.git"}
    assert [volume["target"] for volume in service["volumes"]] == ["/root/a$$b/.git", "/root"]


def test_entries_are_locked_for_a_while_and_the_users_own_lock_stays(main: Path) -> None:
    git(main, "worktree", "add", "--quiet", "../locked", "-b", "c")
    git(main, "worktree", "lock", "--reason", "mine", "../locked")
    tree, locked = (main / ".git" / "worktrees" / name / "locked" for name in ("tree", "locked"))
    with repositories.kept(repositories.find(main.parent / "tree"), bool):
        assert tree.read_text() == repositories.LOCKED
        (main.parent / "tree").rename(main.parent / "away")
        git(main, "worktree", "prune", "--expire", "now")
    assert not tree.exists()
    assert tree.parent.exists()
    assert locked.read_text().strip() == "mine"


def test_the_last_of_two_sessions_unlocks_and_what_a_killed_one_left_is_taken_over(main: Path) -> None:
    lock = main / ".git" / "worktrees" / "tree" / "locked"
    found = repositories.find(main.parent / "tree")
    lock.write_text(repositories.LOCKED)
    with repositories.kept(found, bool):
        with repositories.kept(found, bool):
            pass
        assert lock.exists()
    assert not lock.exists()


def test_a_lock_that_became_a_link_is_left_alone(main: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(repositories.LOCKED)
    entry = main / ".git" / "worktrees" / "tree"
    with repositories.kept(repositories.find(main.parent / "tree"), bool):
        (entry / "locked").unlink()
        (entry / "locked").symlink_to(other)
    assert other.exists()
    assert (entry / "locked").is_symlink()


def test_root_is_told_what_its_own_git_will_say(main: Path) -> None:
    if main.stat().st_uid == 0:
        assert f"safe.directory {main}" in repositories.dubious(main, 0)
        assert "safe.directory" in repositories.dubious(main.parent, 0)
    assert not repositories.dubious(main, 1000)
    (main.parent / "plain").mkdir()
    assert not repositories.dubious(main.parent / "plain", 0)
    assert not repositories.dubious(main.parent / "nowhere", 0)


def test_a_lock_stays_with_a_session_that_stays(main: Path) -> None:
    found = repositories.find(main.parent / "tree")
    with repositories.kept(found, lambda: True):
        pass
    lock = main / ".git" / "worktrees" / "tree" / "locked"
    assert lock.exists()
    # The next one takes it over.
    with repositories.kept(found, bool):
        pass
    assert not lock.exists()
