"""The table: every name and every setting in it is found."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from init.guard import build_scripts, rules, views
from init.guard.rules.git_settings import GIT_SETTINGS
from init.guard.rules.rule import Rule, by_part, grow, parts
from init.guard.rules.version_control import IN_REPOSITORY
from tests.harness.git_settings import HARMLESS_NAMES, OF_ONE_KIND, QUESTION, unknown
from tests.unit.guard.projects import git, made, put, told

RULES = (*rules.RULES, *IN_REPOSITORY)


# By view, what makes something run.
SAMPLES = {
    "text": "run\n",
    "git": "[core]\nfsmonitor = run\n",
    "attributes": "* filter=run\n",
    "shared": "shared\n",
    "scripts": '{"scripts": {"install": "run"}}',
    "editor": '{"a.path": "run"}',
    "backend": 'backend-path = ["run"]\n',
    "plugins": "plugins = run\n",
    "cargo": 'build = "run"\n',
    "pth": "import run\n",
    "composer": '{"scripts": {"post-install-cmd": "run"}}',
    "tsconfig": '{"compilerOptions": {"plugins": ["run"]}}',
    "deno": '{"lint": {"plugins": ["run"]}}',
    "cspell": '{"import": ["run"]}',
    "cspell lines": "import: run\n",
    "analyzer": "plugins: run\n",
    "compilers": '[{"command": "./run"}]',
    "cabal": "build-type: run\n",
    "platformio": "[env]\nextra_scripts = run\n",
    "godot": '[autoload]\nx = "run"\n',
    "dub": 'preBuildCommands "run"\n',
    "requirements": "-e ./run\n",
    "pixi": '[activation]\nscripts = ["run"]\n',
    **dict.fromkeys(build_scripts.QUIET, "run(it) {\n"),
}
# What git takes for a repository has tests of its own.
NAMED = [rule for rule in rules.RULES if rule.view not in {"pointer", "head"}]


def upper(name: str) -> str:
    return name.upper()


def odd(name: str) -> str:
    """Return a name that macOS takes for this one."""
    return "\u200d".join(name.replace("s", "\u017f").replace("k", "\u212a"))


@pytest.mark.parametrize("spelled", [str, upper, odd], ids=["as it is", "upper case", "as macOS reads it"])
@pytest.mark.parametrize("where", ["", "a/b/"])
def test_every_name_of_the_table_is_found(root: Path, where: str, spelled: Callable[[str], str]) -> None:
    planted: dict[str, Rule] = {}
    for rule in NAMED:
        for pattern in rule.names.split():
            path = where + spelled(pattern.replace("**", "deep/er").replace("*", "any"))
            assert path not in planted, "one name has one rule"
            planted[path] = rule

    def plant() -> None:
        for path, rule in planted.items():
            put(root / path, SAMPLES[rule.view])

    found = {change.path: (change.reason, change.by_itself) for change in made(root, plant)}
    assert found == {path: (rule.reason, rule.by_itself) for path, rule in planted.items()}


@pytest.mark.parametrize(("pattern", "name"), [
    ("tsconfig.*", "tsconfig.app.json"), ("jest.config.*", "jest.config.e2e.ts"), ("*.props", "a.b.props"),
])  # fmt: skip
def test_a_pattern_stands_for_one_or_two_endings(pattern: str, name: str) -> None:
    begins, ends = parts(grow((Rule("x", pattern),)))
    assert by_part(begins, ends, name)
    assert not by_part(begins, ends, f"x{name}x")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.names.split()[0])
def test_every_rule_is_written_for_people_and_known(rule: Rule) -> None:
    assert rule.reason
    assert rule.names
    assert rule.view in {"text", "hook", "pointer", "head", *views._READERS}
    assert rule not in NAMED or rule.view in SAMPLES


@pytest.mark.parametrize(
    "key",
    [
        f"{section}.any.{'x' if key == '*' else key}"
        for section, keys in GIT_SETTINGS.items()
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


def test_every_setting_of_git_is_told_or_harmless_with_a_reason() -> None:
    listed = subprocess.run(QUESTION, check=True, capture_output=True, text=True).stdout
    assert unknown(listed) == [], "put each into GIT_SETTINGS or HARMLESS (init/guard/rules)"


@pytest.mark.parametrize("name", ["gui.newProgram", "new.*", "submodule.<name>.newProgram", "gc.newHook"])
def test_a_setting_that_is_new_is_in_neither(name: str) -> None:
    listed = subprocess.run(QUESTION, check=True, capture_output=True, text=True).stdout
    assert unknown(f"{listed}\n{name}") == [name.lower()]


def test_no_setting_is_told_and_harmless_and_none_is_there_twice() -> None:
    told_ones = {f"{section}.{key}" for section, keys in GIT_SETTINGS.items() for key in keys}
    everything = {section for section, keys in GIT_SETTINGS.items() if "*" in keys}
    assert len(set(HARMLESS_NAMES)) == len(HARMLESS_NAMES)
    assert told_ones.isdisjoint(HARMLESS_NAMES)
    assert everything.isdisjoint(name.partition(".")[0] for name in HARMLESS_NAMES)
    assert {name for name in HARMLESS_NAMES if "*" in name} == OF_ONE_KIND


@pytest.mark.parametrize(("name", "value"), [
    ("http.cookieFile", "~/.bashrc"), ("http.saveCookies", "true"), ("http.sslVerify", "false"),
    ("http.https://a.example/.proxy", "http://b.example"), ("http.extraHeader", "Host: b.example"),
    ("http.userAgent", "x\r\nHost: b.example"), ("remote.origin.mirror", "true"),
    ("remote.origin.push", "+main:main"), ("extensions.refStorage", "files:///x"),
    ("commit.template", "~/.netrc"), ("gui.diffOpts", ">x"), ("gui.editor", "x"),
    ("tig.bind.generic", "x !y"), ("credential.trace", "/x"), ("remote.origin.gh-resolved", "b/x"),
])  # fmt: skip
def test_what_makes_git_write_or_send_elsewhere_is_told(
    root: Path, project: Path, name: str, value: str
) -> None:
    assert told(root, lambda: git(project, "config", name, value))


@pytest.mark.parametrize(("name", "value"), [
    ("http.sslVerify", "true"), ("remote.origin.mirror", "false"), ("extensions.refStorage", "files"),
    ("remote.origin.gh-resolved", "base"),
])  # fmt: skip
def test_what_leaves_git_as_it_is_is_not_told(root: Path, project: Path, name: str, value: str) -> None:
    assert not told(root, lambda: git(project, "config", name, value))


@pytest.mark.parametrize(("requires", "is_told"), [("share-safe\nstore\n", False), ("store\nshared\n", True)])
def test_a_repository_of_hg_is_told_if_it_shares_anothers_settings(
    root: Path, requires: str, is_told: bool
) -> None:
    assert bool(told(root, lambda: put(root / "x/.hg/requires", requires))) is is_told
