"""The table: every name and every setting in it is found."""

import subprocess
from pathlib import Path

import pytest

from init.guard import rules, views
from init.guard.rules.git_settings import GIT_SETTINGS
from init.guard.rules.rule import Rule
from init.guard.rules.version_control import IN_REPOSITORY
from tests.harness.git_settings import HARMLESS_NAMES, OF_ONE_KIND, QUESTION, unknown
from tests.unit.guard.projects import git, made, put, told

RULES = (*rules.RULES, *IN_REPOSITORY)


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
def test_every_rule_is_written_for_people_and_known(rule: Rule) -> None:
    assert rule.reason
    assert rule.names
    assert rule.view in {"text", "hook", "pointer", "head", *views._READERS}


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
