"""init/model/renderers/qwen.py: what Qwen Code is told, and what the user's own file keeps."""

import json
from typing import Any

import pytest

from init.errors import SandboxError
from init.model.renderers import qwen
from tests.unit.model.test_renderers import own, sample


def render(**files: Any) -> Any:
    return json.loads(qwen.render(sample(), own(**files), "/r").files["qwen-settings.json"])


def test_it_gets_every_model_with_its_limits() -> None:
    main, eye, fast = render()["modelProviders"]["openai"]
    assert (main["id"], main["baseUrl"], main["name"]) == ("m", "http://h/v1", "m (big (vLLM))")
    assert main["generationConfig"]["contextWindowSize"] == 65536
    assert main["generationConfig"]["samplingParams"] == {"max_tokens": 16384}
    assert [each["generationConfig"]["modalities"]["image"] for each in (main, eye, fast)] == [
        False,
        True,
        False,
    ]
    assert (fast["id"], fast["baseUrl"]) == ("s", "http://s/v1")


def test_it_gets_a_model_for_each_role() -> None:
    settings = render()
    assert settings["model"] == {"name": "m", "baseUrl": "http://h/v1"}
    assert (settings["fastModel"], settings["visionModel"]) == ("s", "eye")


def test_a_key_is_named_and_without_one_there_is_a_word() -> None:
    settings = render(qwen_settings_json={"env": {"MINE": "1"}})
    main, _, fast = settings["modelProviders"]["openai"]
    assert main["envKey"] == "MODEL_BIG_API_KEY"
    assert settings["env"] == {"MINE": "1", fast["envKey"]: "none"}


def test_what_the_user_set_stays() -> None:
    mine = {
        "modelProviders": {"openai": [{"id": "mine"}], "anthropic": [{"id": "theirs"}]},
        "tools": {"approvalMode": "plan"},
        "fastModel": "mine",
    }
    settings = render(qwen_settings_json=mine)
    assert [each["id"] for each in settings["modelProviders"]["openai"]] == ["mine", "m", "eye", "s"]
    assert settings["modelProviders"]["anthropic"] == [{"id": "theirs"}]
    assert (settings["tools"], settings["fastModel"]) == ({"approvalMode": "plan"}, "mine")


def test_what_the_user_set_for_every_model_is_set_for_ours() -> None:
    mine = {"model": {"generationConfig": {"timeout": 5000, "samplingParams": {"top_k": 20}}}}
    settings = render(qwen_settings_json=mine)
    assert settings["model"]["name"] == "m"
    config = settings["modelProviders"]["openai"][0]["generationConfig"]
    assert (config["timeout"], config["streamIdleTimeoutMs"]) == (5000, 0)
    assert config["samplingParams"] == {"max_tokens": 16384, "top_k": 20}


def test_a_model_that_the_user_chose_is_the_first_and_that_is_told() -> None:
    rendered = qwen.render(sample(tools=False), own(qwen_settings_json={"model": {"name": "x"}}), "/r")
    assert rendered.ignored == ("config/qwen-settings.json sets model.name to x: Qwen Code begins with that",)
    assert json.loads(rendered.files["qwen-settings.json"])["model"] == {"name": "x"}


def test_an_id_that_would_be_read_as_a_variable_is_refused() -> None:
    with pytest.raises(SandboxError, match="for a variable"):
        qwen.render(sample("${MODEL_BIG_API_KEY}"), own(), "/r")


def test_a_model_that_only_talks_is_refused() -> None:
    with pytest.raises(SandboxError, match="Qwen Code works only with a model that can call tools, and m"):
        qwen.render(sample(tools=False), own(), "/r")


@pytest.mark.parametrize(
    "content", [{"modelProviders": 1}, {"modelProviders": {"openai": {}}}, {"model": []}]
)
def test_a_file_of_another_form_is_no_trap(content: Any) -> None:
    assert [each["id"] for each in render(qwen_settings_json=content)["modelProviders"]["openai"]] == [
        "m",
        "eye",
        "s",
    ]
