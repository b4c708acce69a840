"""sandbox-tasks: what is a list of tasks, and what is told of one that is none."""

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.errors import SandboxError
from init.programs import tasks

GOOD = """\
# A comment
- name: fix-tests
  prompt: Make the tests pass.
- name: docs
  prompt: |
    Write the docs.
    All of them.
  tool: omp
  timeout: 20m
"""


def test_a_list() -> None:
    assert tasks.read(GOOD, "tasks.yml") == [
        {"name": "fix-tests", "prompt": "Make the tests pass.", "tool": "", "timeout": 0},
        {"name": "docs", "prompt": "Write the docs.\nAll of them.\n", "tool": "omp", "timeout": 1200},
    ]


@pytest.mark.parametrize(
    ("written", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("24h", 86400), ("1440m", 86400)]
)
def test_times(written: str, seconds: int) -> None:
    (task,) = tasks.read(f"- {{name: a, prompt: b, timeout: {written}}}", "x")
    assert task["timeout"] == seconds


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no list"),
        ("name: a\nprompt: b", "is no list"),
        ("[]", "is no list"),
        ("just words", "is no list"),
        ("- a\n- b", "line 1, column 3: this is no mapping"),
        ("- name: a\n  promt: b", "line 2, column 3: this has the unknown entry 'promt'"),
        ("- name: a", "line 1, column 3: this has no prompt"),
        ("- {name: a, prompt: '  '}", "line 1, column 3: this has no prompt"),
        ("- prompt: a", "line 1, column 3: this has no name"),
        ("- name: a\n  prompt: b\n- name: a\n  prompt: c", "line 3, column 3: this is the name of another"),
        ("- name: a\n  name: b", "line 2, column 3: 'name' is there twice"),
        ("- {name: A, prompt: b}", "line 1, column 4: this is no name of a task: 'A'"),
        ("- {name: ../a, prompt: b}", "line 1, column 4: this is no name of a task"),
        (f"- {{name: {'a' * 42}, prompt: b}}", "line 1, column 4: this is no name of a task"),
        ("- {name: a, prompt: [b]}", "this has prompt that is no text"),
        ("- {name: a, prompt: b, timeout: soon}", "line 1, column 24: this is no time: 'soon'"),
        ("- {name: a, prompt: b, timeout: 0}", "this is no time: '0'"),
        ("- {name: a, prompt: b, timeout: -1}", "this is no time"),
        ("- {name: a, prompt: b, timeout: 25h}", "this is no time"),
        ("- {name: a, prompt: b, timeout: 1.5h}", "this is no time"),
        ('- {name: a, prompt: "\\0b"}', "NUL"),
        (f"- {{name: a, prompt: {'b' * 131072}}}", "this is too long"),
        ("- {name: a, prompt: b", "line 2"),
        ("- &a [*a]", ""),
        ("\x01", "line 1, column 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, what: str) -> None:
    with pytest.raises(SandboxError) as told:
        tasks.read(text, "tasks.yml")
    assert told.value.what.startswith("tasks.yml")
    assert what in told.value.what
    assert told.value.fix


def test_too_many_are_refused() -> None:
    text = "".join(f"- {{name: t{number}, prompt: x}}\n" for number in range(10_000))
    with pytest.raises(SandboxError, match="10000 tasks: 1000 are the most"):
        tasks.read(text, "tasks.yml")
    assert len(tasks.read(text[: text.index("- {name: t1000,")], "tasks.yml")) == 1000


@given(st.text())
def test_any_text_is_a_list_or_refused(text: str) -> None:
    with contextlib.suppress(SandboxError):
        assert tasks.read(text, "tasks.yml")


@pytest.mark.parametrize(("text", "code"), [(GOOD, 0), ("no", 78)])
def test_the_program_answers_json(
    text: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"text": text, "file": "tasks.yml"})))
    assert tasks.main() == code
    assert list(json.loads(capsys.readouterr().out)) == (["error"] if code else ["tasks"])
