"""init/model/renderers/claude.py: what Claude Code is told, and what the user's own file keeps."""

import json
from typing import Any

import pytest

from init.model.renderers import claude
from init.model.renderers.base import Rendered
from tests.unit.model.test_renderers import own, sample


def render(*, tools: bool = True, **files: Any) -> Rendered:
    return claude.render(sample(tools=tools), own(**files), "/r")


def test_it_gets_the_main_model_with_its_limits() -> None:
    rendered = render()
    assert rendered.files == {}
    assert rendered.variables["ANTHROPIC_BASE_URL"] == "http://h"
    names = ("ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL")
    assert {rendered.variables[name] for name in names} == {"m"}
    assert rendered.variables["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    assert rendered.variables["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "16384"
    assert rendered.keys == ("ANTHROPIC_AUTH_TOKEN",)


@pytest.mark.parametrize(("role", "model"), [(("big", "eye"), "eye"), (("small", "s"), "m")])
def test_it_gets_a_fast_model_of_the_same_server_alone(role: tuple[str, str], model: str) -> None:
    catalogue = sample()
    catalogue = catalogue._replace(roles={**catalogue.roles, "fast": role})
    variables = claude.render(catalogue, own(), "/r").variables
    assert variables["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == model


def test_what_the_user_set_stays() -> None:
    mine = {"env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "5", "ANTHROPIC_MODEL": "x"}}
    variables = render(claude_settings_json=mine).variables
    assert not mine["env"].keys() & variables.keys(), "it sets them itself"
    assert variables["ANTHROPIC_BASE_URL"] == "http://h"


def test_a_model_that_the_user_chose_is_the_first_and_that_is_told() -> None:
    rendered = render(tools=False, claude_settings_json={"model": "x"})
    assert rendered.ignored == ("config/claude-settings.json sets model to x: Claude Code begins with that",)
    assert "ANTHROPIC_MODEL" not in rendered.variables
    assert rendered.files == {}


def test_a_model_that_only_talks_gets_no_tools_and_no_rules() -> None:
    mine = {"theme": "light", "permissions": {"defaultMode": "plan", "deny": ["Bash"]}}
    rendered = render(tools=False, claude_settings_json=mine)
    assert json.loads(rendered.files["claude-settings.json"]) == {
        "theme": "light",
        "permissions": {"defaultMode": "plan", "deny": ["*"]},
    }
    assert rendered.variables["CLAUDE_CODE_DISABLE_CLAUDE_MDS"] == "1"


@pytest.mark.parametrize("content", [{"env": 1}, {"permissions": []}])
def test_a_file_of_another_form_is_no_trap(content: Any) -> None:
    assert render(tools=False, claude_settings_json=content).variables["ANTHROPIC_MODEL"] == "m"
