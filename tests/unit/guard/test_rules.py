"""The table: every name and every setting in it is found."""

from pathlib import Path

import pytest

from init.guard import rules, views
from tests.unit.guard.projects import git, made, put, told

RULES = (*rules.RULES, *rules.IN_REPOSITORY)


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
