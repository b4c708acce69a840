"""init/session/plan.py: which session, which tool."""

import os

import pytest

from init import settings
from init.errors import SandboxError
from init.session import plan
from init.tools import Tool

TOOLS = tuple(Tool(name, name, (name,), (), {}, (), ()) for name in ("opencode", "omp"))


def test_each_kind_of_session_says_what_it_needs() -> None:
    assert set(plan.NEEDS) == set(settings.SESSIONS)


@pytest.mark.parametrize(
    ("default", "tools", "name"),
    [(None, TOOLS, "opencode"), (None, TOOLS[1:], "omp"), ("omp", TOOLS, "omp"), ("omp", TOOLS[1:], "omp")],
)
def test_without_a_terminal_the_tool_named_or_the_first_is_taken(
    monkeypatch: pytest.MonkeyPatch, default: str | None, tools: tuple[Tool, ...], name: str
) -> None:
    with open(os.devnull) as null:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", null)
        chosen = plan.choose_tool(settings.read({})._replace(default_tool=default), tools)
    assert chosen is not None
    assert chosen.name == name


def test_a_named_tool_that_is_not_there_is_an_error_even_if_one_is_left() -> None:
    with pytest.raises(SandboxError, match="DEFAULT_TOOL"):
        plan.choose_tool(settings.read({"DEFAULT_TOOL": "gone"}), TOOLS[:1])


HEADLESS = TOOLS[0]._replace(headless=("run", "{prompt}", "--title={prompt}"))


@pytest.mark.parametrize(
    ("prompt", "given"),
    [
        ("Fix it", "Fix it"),
        ("--version", " --version"),
        ("-", " -"),
        ("{prompt}", "{prompt}"),
        ("a\nb", "a\nb"),
    ],
)
def test_a_task_is_the_prompt_in_the_tools_headless_form(prompt: str, given: str) -> None:
    assert plan.headless(HEADLESS, [prompt]) == ["run", given, f"--title={given}"]


@pytest.mark.parametrize("arguments", [[], [""], [" \n"], ["Fix", "it"]])
def test_a_task_is_one_prompt(arguments: list[str]) -> None:
    with pytest.raises(SandboxError, match="one prompt"):
        plan.headless(HEADLESS, arguments)


def test_a_tool_without_a_headless_form_does_no_task() -> None:
    with pytest.raises(SandboxError, match="opencode has no form"):
        plan.headless(TOOLS[0], ["Fix it"])
