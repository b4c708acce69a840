"""What git would find is found: by pointers, settings, its index, and where it keeps submodules."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from init.guard import budget, git_index, search
from tests.unit.guard.projects import add_submodule, commit, embed, git, made, put, told

# Where git would find it


def test_a_repository_is_a_repository_whatever_its_name(root: Path) -> None:
    def act() -> None:
        git(root, "init", "-q", "--bare", "docs")
        git(root / "docs", "config", "core.worktree", "../../outside")
        put(root / "docs" / "hooks" / "post-checkout", "a")

    assert told(root, act) == {
        "docs/HEAD": ("added", ("makes a repository of the folder that it is in",)),
        "docs/config": ("added", ("core.worktree = ../../outside",)),
        "docs/hooks/post-checkout": ("added", ("a",)),
    }


@pytest.mark.parametrize(
    "place",
    [
        *(".git/modules/lib", ".git/modules/a/b", ".git/worktrees/x", ".git/modules/a/modules/b"),
        *(".git/modules/vendor/b", ".git/modules/node_modules", ".git/modules/objects/b"),
    ],
)
@pytest.mark.parametrize("marker", ["objects", "commondir"])
def test_hooks_and_settings_of_submodules_and_worktrees_count(root: Path, place: str, marker: str) -> None:
    def act() -> None:
        put(root / place / "HEAD", "ref: refs/heads/main")
        put(root / place / marker, ".")
        put(root / place / "config", "[core]\nfsmonitor = x\n")
        put(root / place / "hooks" / "pre-commit", "a")

    parents = {path: lines for path, lines in told(root, act).items() if path.startswith(place)}
    assert set(parents) == {f"{place}/config", f"{place}/hooks/pre-commit"}


@pytest.mark.parametrize("place", [".husky/vendor", ".vscode/node_modules", ".claude/a/target"])
def test_a_repository_is_found_in_a_skipped_folder_of_one_whose_files_all_count(
    root: Path, place: str
) -> None:
    def act() -> None:
        git(root, "init", "-q", place)
        git(root / place, "config", "core.fsmonitor", "x")

    assert told(root, act) == {f"{place}/.git/config": ("added", ("core.fsmonitor = x",))}


def test_a_git_file_leads_to_the_repository_that_it_names(root: Path) -> None:
    put(root / "hidden" / "config", "[core]\neditor = old\n")

    def act() -> None:
        put(root / "project" / ".git", "gitdir: ../hidden\n")

    assert told(root, act) == {"hidden/config": ("added", ("core.editor = old",))}


@pytest.mark.parametrize("target", ["../../outside", "/outside", "../project/../../x", "link/x"])
def test_a_git_file_that_leads_out_is_told(root: Path, target: str) -> None:
    (root / "link").symlink_to("..")
    (root / "project").mkdir()
    (root / "project" / "link").symlink_to("../..")
    found = told(root, lambda: put(root / "project" / ".git", f"gitdir: {target}\n"))
    assert found == {"project/.git": ("added", (f"gitdir = {target}",))}


def test_a_shared_repository_counts_where_commondir_says(root: Path, project: Path) -> None:
    def act() -> None:
        put(root / "shared" / "config", "[core]\nfsmonitor = x\n")
        put(project / ".git" / "commondir", "../../shared")

    assert told(root, act) == {
        "shared/config": ("added", ("core.fsmonitor = x",)),
        "project/.git/commondir": ("added", ("is new in a repository that was there, and names = shared",)),
    }


def test_a_git_file_of_a_repository_that_is_gone_is_nothing(root: Path) -> None:
    put(root / "project" / ".git", "gitdir: ../gone\n")
    assert search.search(str(root)).unseen == ()


def test_a_commondir_that_leads_out_is_told(root: Path, project: Path) -> None:
    found = told(root, lambda: put(project / ".git" / "commondir", "/outside"))
    lines = ("gitdir = /outside", "is new in a repository that was there, and names = /outside")
    assert found == {"project/.git/commondir": ("added", lines)}


def test_the_folder_of_hooks_path_is_relative_to_where_git_works(root: Path, project: Path) -> None:
    git(project, "config", "core.hooksPath", "tools/hooks")
    git(project, "worktree", "add", "-q", "../tree")
    for folder in (project, root / "tree"):
        put(folder / "tools" / "hooks" / "pre-commit", "make\n")

    def act() -> None:
        for folder in (project, root / "tree"):
            put(folder / "tools" / "hooks" / "pre-commit", "make\nevil\n")

    assert told(root, act) == {
        "project/tools/hooks/pre-commit": ("changed", ("evil",)),
        "tree/tools/hooks/pre-commit": ("changed", ("evil",)),
    }


def test_a_hooks_path_of_the_users_machine_is_found_by_its_end(root: Path, project: Path) -> None:
    git(project, "config", "core.hooksPath", "/home/user/work/project/tools")
    found = told(root, lambda: put(project / "tools" / "pre-commit", "evil"))
    assert found == {"project/tools/pre-commit": ("added", ("evil",))}


@pytest.mark.parametrize("key", ["include.path", "includeIf.gitdir:**.path"])
def test_a_file_that_is_included_counts_and_so_does_what_it_names(
    root: Path, project: Path, key: str
) -> None:
    git(project, "config", key, "../settings")
    put(project / "settings", "[include]\npath = more\n")
    put(project / "more", "[core]\nhooksPath = tools\n")

    def act() -> None:
        put(project / "more", "[core]\nhooksPath = tools\npager = evil\n")
        put(project / "tools" / "pre-commit", "evil")

    assert told(root, act) == {
        "project/more": ("changed", ("core.pager = evil",)),
        "project/tools/pre-commit": ("added", ("evil",)),
    }


@pytest.mark.parametrize(
    "name", [".gitattributes", "setup.cfg", ".vscode/settings.json", ".envrc", "tools/x", ".git/commondir"]
)
@pytest.mark.parametrize("hooks", ["tools", "../elsewhere"])
def test_a_file_that_is_included_counts_whatever_else_it_is(
    root: Path, project: Path, name: str, hooks: str
) -> None:
    git(project, "config", "include.path", f"../{name}")
    put(project / "more", f"[core]\nhooksPath = {hooks}\n")
    put(project / name, f"[include]\npath={project}/more\n")

    def act() -> None:
        put(project / name, (project / name).read_text() + "[core]\npager = evil\n")
        put(project / hooks / "pre-commit", "evil")

    assert set(told(root, act)) == {
        f"project/{name}",
        str(Path(os.path.normpath(f"project/{hooks}/pre-commit"))),
    }


def test_an_alternate_counts_whatever_else_its_file_is(root: Path, project: Path) -> None:
    other = project / "node_modules" / "other"
    git(project, "init", "-q", "--bare", str(other))
    (project / ".vscode").symlink_to(".git/objects/info")
    put(project / ".git" / "objects" / "info" / "alternates", "../../node_modules/other/objects\n")
    changed = told(root, lambda: git(other, "config", "core.sshCommand", "evil"))
    assert changed == {"project/node_modules/other/config": ("changed", ("core.sshcommand = evil",))}


@pytest.mark.parametrize("many", [3, 3000])
def test_includes_in_a_circle_or_a_long_row_end(root: Path, project: Path, many: int) -> None:
    git(project, "config", "include.path", "../c0")
    for number in range(many):
        put(project / f"c{number}", f"[include]\npath = c{(number + 1) % many}\n")
    assert f"project/c{min(many, 1000) - 1}" in search.search(str(root)).items


@pytest.mark.parametrize(
    "name", [".git", ".git/hooks", ".vscode", ".envrc", ".git/config", ".git/hooks/pre-push"]
)
@pytest.mark.parametrize("target", ["../../outside", "/outside", "nowhere"])
def test_a_link_in_a_risky_place_is_told(root: Path, name: str, target: str) -> None:
    def act() -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)

    assert told(root, act) == {name: ("added", (f"is a link to {target}",))}


@pytest.mark.parametrize("folder", [".claude/hooks", "prompts"])
@pytest.mark.parametrize("name", ["setup.py", "head", "package.json", "tools/run", ".vscode/settings.json"])
def test_all_of_a_folder_is_all_of_it_whatever_the_names(root: Path, folder: str, name: str) -> None:
    put(root / "prompts" / "old", "a")
    (root / ".claude").mkdir()
    (root / ".claude" / "commands").symlink_to("../prompts")
    (change,) = made(root, lambda: put(root / folder / name, "{}\n"))
    assert (change.path, change.lines, change.by_itself) == (f"{folder}/{name}", ("{}",), True)


def test_a_link_in_the_place_of_gits_folder_of_submodules_leads_on(root: Path) -> None:
    put(root / "vendor" / "a" / "lib" / "HEAD")
    put(root / "vendor" / "a" / "lib" / "objects" / "x")
    put(root / ".git" / "HEAD")
    (root / ".git" / "modules").symlink_to("../vendor")
    found = told(root, lambda: put(root / "vendor" / "a" / "lib" / "hooks" / "pre-push", "evil"))
    assert found == {"vendor/a/lib/hooks/pre-push": ("added", ("evil",))}


def test_what_a_link_leads_to_in_the_workspace_counts(root: Path) -> None:
    for name in ("real/hooks/pre-push", "scripts/lint.sh", "editor/tasks.json", "repository/config"):
        put(root / name, "[a]\n")
    put(root / ".git" / "hooks" / "pre-commit").unlink()
    (root / ".git" / "hooks" / "pre-commit").symlink_to("../../scripts/lint.sh")
    (root / ".vscode").symlink_to("editor")
    (root / "nested").mkdir()
    (root / "nested" / ".git").symlink_to("../repository")

    def act() -> None:
        put(root / "scripts" / "lint.sh", "evil")
        put(root / "editor" / "tasks.json", "evil")
        put(root / "repository" / "config", "[core]\npager = evil\n")

    assert told(root, act) == {
        "scripts/lint.sh": ("changed", ("evil",)),
        "editor/tasks.json": ("changed", ("evil",)),
        "repository/config": ("changed", ("core.pager = evil",)),
    }


# What git finds by its index, in folders that are not searched


EVIL = ("changed", ("core.fsmonitor = evil",))


INDEXES = {
    "plain": [],
    "3": ["update-index", "--index-version", "3"],
    "4": ["update-index", "--index-version", "4"],
    "split": ["update-index", "--split-index"],
}


@pytest.mark.parametrize("name", ["vendor", "node_modules/x/y", "target/" + "long" * 30 + "/x"])
@pytest.mark.parametrize("kind", INDEXES)
def test_a_repository_that_the_index_names_is_found_where_nothing_is_searched(
    root: Path, project: Path, name: str, kind: str
) -> None:
    inner = embed(project, name)
    if kind == "3":
        put(project / "intended")
        git(project, "add", "-N", "intended")
    if INDEXES[kind]:
        git(project, *INDEXES[kind])
    found = told(root, lambda: git(inner, "config", "core.fsmonitor", "evil"))
    assert found == {f"project/{name}/.git/config": EVIL}


def test_what_the_index_of_a_repository_in_the_index_names_is_found(root: Path, project: Path) -> None:
    inner = embed(project, "vendor")
    inmost = embed(inner, "node_modules/x")

    def act() -> None:
        git(inmost, "config", "core.fsmonitor", "evil")
        embed(inmost, "target/y")
        put(inmost / "target" / "y" / ".git" / "hooks" / "pre-push", "evil")

    assert told(root, act) == {
        "project/vendor/node_modules/x/.git/config": EVIL,
        "project/vendor/node_modules/x/target/y/.git/hooks/pre-push": ("added", ("evil",)),
    }


@pytest.mark.parametrize("version", ["2", "4"])
def test_a_gitlink_that_replaces_an_entry_of_a_shared_index_is_found(
    root: Path, project: Path, version: str
) -> None:
    git(project, "update-index", "--index-version", version)
    put(project / "vendor", "a file")
    git(project, "add", "-f", "vendor")
    git(project, "update-index", "--split-index")
    (project / "vendor").unlink()
    (project / "vendor").mkdir()
    git(project / "vendor", "init", "-q")
    git(project / "vendor", "commit", "-q", "--allow-empty", "-m", "x")
    commit_id = git(project / "vendor", "rev-parse", "HEAD").strip()
    git(project, "update-index", "--cacheinfo", f"160000,{commit_id},vendor")
    assert "160000" in git(project, "ls-files", "-s", "vendor")
    found = told(root, lambda: git(project / "vendor", "config", "core.fsmonitor", "evil"))
    assert found == {"project/vendor/.git/config": EVIL}


def test_the_index_of_a_linked_worktree_and_of_a_submodule_count(root: Path, project: Path) -> None:
    add_submodule(project)
    git(project, "worktree", "add", "-q", "../tree")
    inner = [embed(root / "tree", "vendor"), embed(project / "libs" / "other", "target/x")]
    found = told(root, lambda: [git(folder, "config", "core.fsmonitor", "evil") for folder in inner])
    assert found == {"tree/vendor/.git/config": EVIL, "project/libs/other/target/x/.git/config": EVIL}


def test_an_index_of_longer_names_of_objects_is_read(root: Path) -> None:
    git(root, "init", "-q", "--object-format=sha256")
    put(root / "a")
    commit(root)
    put(root / "vendor" / "b")
    git(root / "vendor", "init", "-q", "--object-format=sha256")
    git(root / "vendor", "commit", "-q", "--allow-empty", "-m", "x")
    git(root, "add", "-f", "vendor")
    found = told(root, lambda: git(root / "vendor", "config", "core.fsmonitor", "evil"))
    assert found == {"vendor/.git/config": EVIL}
    assert search.search(str(root)).unseen == ()


def test_a_gitlink_of_an_odd_mode_is_one_to_git(root: Path, project: Path) -> None:
    embed(project, "vendor")
    index = project / ".git" / "index"
    data = index.read_bytes()
    assert data.count(b"\0\0\xe0\0") == 1
    index.write_bytes(data.replace(b"\0\0\xe0\0", b"\1\0\xe1\xa4"))
    found = told(root, lambda: put(project / "vendor" / ".git" / "hooks" / "pre-push", "evil"))
    assert found == {"project/vendor/.git/hooks/pre-push": ("added", ("evil",))}


def no_index(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "act",
    [
        lambda path: path.write_bytes(b"x"),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff" + b"\0" * 10_000_000),
        lambda path: path.write_bytes(b"DIRC\0\0\0\4\xff\xff\xff\xff" + b"\xff" * 1_000_000),
        lambda path: os.truncate(path, budget.MAX_INDEX + 1),
        no_index,
    ],
)
def test_an_index_that_cannot_be_read_is_told(root: Path, project: Path, act: Callable[[Path], None]) -> None:
    start = time.process_time()
    act(project / ".git" / "index")
    assert search.search(str(root)).unseen == ("project/.git/index",)
    assert time.process_time() - start < 5


def test_a_sparse_index_does_not_tell_all(root: Path, project: Path) -> None:
    git(project, "sparse-checkout", "set", "--cone", "--sparse-index", "none")
    assert search.search(str(root)).unseen == ("project/.git/index",)


def test_an_index_that_names_too_many_ends(
    root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vendor", "target"):
        embed(project, name)
    monkeypatch.setattr(budget, "MAX_LEADS", 0)
    assert "project/vendor" in search.search(str(root)).unseen


@pytest.mark.parametrize("name", ["vendor", "node_modules", ".cache", ".venv", "app/target"])
@pytest.mark.parametrize("bare", [True, False])
def test_a_folder_that_is_not_searched_is_so_if_it_is_a_repository(root: Path, name: str, bare: bool) -> None:
    (root / "app").mkdir()

    def act() -> None:
        git(root, "init", "-q", *(["--bare"] if bare else []), name)
        git(root / name, "config", "core.fsmonitor", "evil")

    place = name if bare else f"{name}/.git"
    assert told(root, act)[f"{place}/config"] == ("added", ("core.fsmonitor = evil",))


def test_an_index_of_many_gitlinks_in_many_folders_ends_soon(
    root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it costs to read the index is paid once, not for each folder that git works on with it."""
    many = 100_000
    entries = (
        b"\0" * 24 + 0xE000.to_bytes(4, "big") + b"\0" * 32 + b"\0\7%07d\0\0\0" % number
        for number in range(many)
    )
    index = b"DIRC\0\0\0\2" + many.to_bytes(4, "big") + b"".join(entries) + b"\0" * 20
    assert git_index.gitlinks(index, 20) == ({b"%07d" % number for number in range(many)}, True)
    put(project / ".git" / "index", index)
    for number in range(1000):
        put(root / f"d{number}" / ".git", "gitdir: ../project/.git")
    monkeypatch.setattr(budget, "MAX_ENTRIES", 2 * many)
    monkeypatch.setattr(budget, "MAX_SECONDS", 1000)
    begun = time.process_time()
    found = search.search(str(root))
    assert time.process_time() - begun < 8
    assert any(place.split("/")[-1].isdigit() for place in found.unseen)


@pytest.mark.parametrize("version", ["2", "4"])
def test_an_index_that_several_threads_read_is_read(root: Path, project: Path, version: str) -> None:
    inner = embed(project, "vendor")
    git(project, "update-index", "--index-version", version)
    put(project / "more")
    git(project, "-c", "index.threads=2", "-c", "index.recordOffsetTable=true", "add", "more")
    assert b"IEOT" in (project / ".git" / "index").read_bytes()
    assert search.search(str(root)).unseen == ()
    found = told(root, lambda: git(inner, "config", "core.fsmonitor", "evil"))
    assert found == {"project/vendor/.git/config": EVIL}


# Where git keeps submodules


def test_the_objects_of_a_submodule_are_not_searched(
    root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_submodule(project)
    store = project / ".git" / "modules" / "libs" / "other"
    for number in range(256):
        (store / "objects" / f"{number:02x}").mkdir(exist_ok=True)
    monkeypatch.setattr(budget, "MAX_FOLDERS", 50)
    assert search.search(str(root)).unseen == ()


@pytest.mark.parametrize("name", ["logs", "info", "objects", "logs/a"])
def test_a_submodule_may_have_the_name_of_a_folder_of_git(root: Path, project: Path, name: str) -> None:
    add_submodule(project)
    git(project, "submodule", "--quiet", "add", "--name", name, "../other", "libs/again")

    def act() -> None:
        git(project / "libs" / "again", "config", "core.fsmonitor", "evil")
        embed(project / "libs" / "again", "target")

    assert told(root, act) == {f"project/.git/modules/{name}/config": EVIL}
    shutil.rmtree(project / "libs" / "again")
    assert f"project/.git/modules/{name}/config" in search.search(str(root)).items


# Where the host would find it, by paths that the container does not have

ABROAD = (
    "/home/me/box/workspace/project/ours",
    "~/box/workspace/project/ours",
    "~me/workspace/project/ours",
    "../../../workspace/project/ours",
)


@pytest.mark.parametrize("value", ABROAD)
@pytest.mark.parametrize("decoy", ["", "home/me/box/workspace/project/ours", "~/box/workspace/project/ours"])
def test_the_true_end_of_a_path_of_the_host_is_found_whatever_lies_at_others(
    root: Path, project: Path, value: str, decoy: str
) -> None:
    git(project, "config", "core.hooksPath", value)
    git(project, "config", "include.path", f"{value}/settings")

    def act() -> None:
        put(project / "ours" / "pre-commit", "evil", 0o755)
        put(project / "ours" / "settings", "[core]\n\tfsmonitor = evil\n")
        if decoy:
            put(root / decoy / "settings", "")

    found = told(root, act)
    assert found["project/ours/pre-commit"] == ("added", ("evil",))
    assert "evil" in "".join(found["project/ours/settings"][1])


def test_a_git_file_that_named_a_path_of_the_host_may_not_name_another_that_ends_like_it(root: Path) -> None:
    git(root, "init", "-q", "a")
    put(root / "b" / ".git", "gitdir: /home/me/workspace/a/.git")

    def act() -> None:
        git(root, "init", "-q", "--bare", ".git")
        put(root / "b" / ".git", "gitdir: ../.git")

    assert "named another place, and now = .git" in told(root, act)["b/.git"][1]


@pytest.mark.parametrize("tree", ["hooks", ".", "../.git/info", "../../store/hooks"])
def test_a_working_tree_within_a_repository_is_told(root: Path, project: Path, tree: str) -> None:
    git(root, "init", "-q", "--bare", "store")
    found = told(root, lambda: git(project, "config", "core.worktree", tree))
    assert found["project/.git/config"] == ("changed", (f"core.worktree = {tree}",))


@pytest.mark.parametrize("head", ["", "x", "ref: x\n"])
def test_what_looks_like_a_repository_hides_none(root: Path, project: Path, head: str) -> None:
    modules = project / ".git" / "modules"

    def act() -> None:
        put(modules / "HEAD", head)
        (modules / "refs").mkdir()
        git(project, "init", "-q", "--bare", ".git/modules/objects/lib")
        put(modules / "objects" / "lib" / "hooks" / "post-checkout", "evil", 0o755)

    assert "project/.git/modules/objects/lib/hooks/post-checkout" in told(root, act)


def test_a_sample_that_a_hook_of_the_user_links_to_counts(root: Path, project: Path) -> None:
    hooks = project / ".git" / "hooks"
    put(hooks / "commit-msg.sample", "true", 0o755)
    (hooks / "commit-msg").symlink_to("commit-msg.sample")
    found = told(root, lambda: put(hooks / "commit-msg.sample", "evil", 0o755))
    assert found == {"project/.git/hooks/commit-msg.sample": ("changed", ("evil",))}
