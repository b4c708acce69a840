"""Worktrees and submodules as a workspace, and what in it leads out of the container."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.sandbox import Sandbox, start

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
GIT_INSIDE = "git -c user.name=a -c user.email=a@b"
SHELL = ("--no-build", "--shell", "--", "-c")
EX_QUARANTINED = 79


class Projects:
    """A repository with two worktrees, and one with a submodule, all the agent's."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "projects"
        self.main = self.root / "main"
        for name in ("main", "library", "project"):
            (self.root / name).mkdir(parents=True)
            self.git(name, "init", "--quiet")
            self.git(name, "commit", "--quiet", "--allow-empty", "--message", "first")
        for name in ("tree", "other"):
            self.git("main", "worktree", "add", "--quiet", f"../{name}", "-b", name)
        self.git("project", "submodule", "--quiet", "add", str(self.root / "library"), "lib")
        self.give()

    def give(self) -> None:
        self.sandbox.own("1000:1000", "projects")

    def git(self, folder: str, *words: str) -> str:
        """Run the user's own git, which must not mind that the agent owns what root made."""
        command = [*GIT, "-c", "safe.directory=*", "-C", str(self.root / folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def start(self, folder: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return start(self.sandbox, *words, WORKSPACE_DIR=str(self.root / folder), **environ)


@pytest.fixture
def projects(sandbox: Sandbox) -> Iterator[Projects]:
    sandbox.environ["COMPOSE_PROJECT_NAME"] = sandbox.name
    yield Projects(sandbox)
    down = sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes")
    subprocess.run(down, env=sandbox.variables, capture_output=True, check=False)


def test_a_worktree_is_told_with_the_way_out(projects: Projects) -> None:
    result = projects.start("tree", *SHELL, "git status")
    assert f".git -> {projects.main}/.git/worktrees/tree" in result.stderr
    assert "--with-repository" in result.stderr
    both = projects.start("", *SHELL, "true")
    assert "tree/.git -> " in both.stderr, both.stderr
    assert "project/lib" not in both.stderr


def test_git_works_in_a_worktree_with_its_repository(projects: Projects) -> None:
    script = f"{GIT_INSIDE} commit --quiet --allow-empty -m inside && git worktree prune && git gc --quiet"
    script += " && git log --format=%s"
    result = projects.start("tree", "--with-repository", *SHELL, script)
    assert (result.returncode, result.stdout) == (0, "inside\nfirst\n"), result.stderr
    assert "git does not work" not in result.stderr
    assert projects.git("tree", "log", "--format=%s") == "inside\nfirst"
    # What the container cannot see is still there, and not locked.
    assert "other" in projects.git("main", "worktree", "list")
    assert "locked" not in projects.git("main", "worktree", "list", "--porcelain")


def test_git_works_in_a_submodule_with_its_repository(projects: Projects) -> None:
    alone = projects.start("project/lib", *SHELL, "git status")
    assert alone.returncode == 128, alone.stderr
    script = f"touch new && git add new && {GIT_INSIDE} commit --quiet -m inside && git status --short"
    result = projects.start("project/lib", "--with-repository", *SHELL, script)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert projects.git("project/lib", "log", "--format=%s") == "inside\nfirst"


@pytest.mark.parametrize("guard", ["report", "block"])
def test_what_is_planted_in_the_repository_is_found(projects: Projects, guard: str) -> None:
    hook = projects.main / ".git" / "hooks" / "post-checkout"
    script = (
        'cd "$(git rev-parse --git-common-dir)"; mkdir -p hooks; echo evil >hooks/post-checkout; '
        "chmod +x hooks/post-checkout; git config core.fsmonitor evil; exit 0"
    )
    result = projects.start("tree", "--with-repository", *SHELL, script, SANDBOX_GUARD=guard)
    assert f"in the repository {projects.main}/.git" in result.stderr
    assert "hooks/post-checkout" in result.stderr
    assert "core.fsmonitor = evil" in result.stderr
    assert result.returncode == (EX_QUARANTINED if guard == "block" else 0)
    assert hook.exists() == (guard == "report")
    if guard == "block":
        assert "quarantine-outside" in result.stderr
        assert "fsmonitor" not in (projects.main / ".git" / "config").read_text()


def test_housekeeping_inside_deletes_no_worktree(projects: Projects) -> None:
    """As in fault 3 d: the files of an entry are older than git keeps them."""
    entry = projects.main / ".git" / "worktrees" / "tree"
    projects.sandbox.as_root(
        "find", "projects/main/.git/worktrees", "-exec", "touch", "-d", "2020-01-01", "{}", "+"
    )
    result = projects.start("", *SHELL, "cd main && git gc --quiet")
    assert result.returncode == 0, result.stderr
    assert entry.exists()


def test_without_a_repository_outside_the_option_is_refused(projects: Projects) -> None:
    result = projects.start("main", "--with-repository", *SHELL, "true")
    assert result.returncode == 1
    assert "the workspace leads to no repository outside of it" in result.stderr


def test_a_pointer_that_an_agent_wrote_mounts_nothing(projects: Projects) -> None:
    box = projects.root / "box"
    box.mkdir()
    (box / ".git").write_text(f"gitdir: {projects.root / 'library' / '.git'}\n")
    result = projects.start("box", "--with-repository", *SHELL, "true")
    assert result.returncode == 1
    assert "does not know this folder: not mounted" in result.stderr


def test_links_out_of_the_workspace_are_told(projects: Projects) -> None:
    (projects.main / "notes").symlink_to(projects.root / "library")
    result = projects.start("main", *SHELL, "true")
    assert f"links that lead nowhere in the container: notes -> {projects.root}/library" in result.stderr


def test_a_repository_of_a_third_user_is_no_riddle(projects: Projects) -> None:
    projects.sandbox.own("4321:4321", "projects/main/.git")
    result = projects.start("main", *SHELL, "git log --format=%s")
    assert (result.returncode, result.stdout) == (0, "first\n"), result.stderr
    projects.give()


def test_configuration_files_that_are_links(sandbox: Sandbox) -> None:
    """One that leads out of what is mounted is never told as missing, and never left out."""
    file = sandbox.config / "opencode.json"
    shutil.move(file, sandbox.config / "kept.json")
    file.symlink_to("kept.json")
    good = start(sandbox, "--no-build", "--tool", "opencode", "--", "--version")
    assert good.returncode == 0, good.stderr
    file.unlink()
    file.symlink_to("/home/me/dotfiles/opencode.json")
    refused = start(sandbox, "--no-build", "--tool", "opencode", "--", "--version")
    assert refused.returncode == 78
    assert "config/opencode.json is a link to /home/me/dotfiles/opencode.json" in refused.stderr
    assert "missing" not in refused.stderr
    assert Path("/home/me").exists() or refused.stdout == ""
