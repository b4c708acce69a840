"""init/model/renderers/pi.py: what pi is told, and what the user's own files keep."""

import json
from typing import Any

import pytest

from init.model.renderers import pi
from tests.unit.model.test_renderers import own, sample


def render(tools: bool = True, **files: Any) -> tuple[Any, Any]:
    rendered = pi.render(sample(tools=tools), own(**files), "/r")
    return tuple(json.loads(rendered.files[name]) for name in ("pi-models.json", "pi-settings.json"))


def test_it_gets_every_model_with_its_limits() -> None:
    models, settings = render()
    big, small = models["providers"]["big"], models["providers"]["small"]
    assert (big["baseUrl"], big["api"]) == ("http://h/v1", "openai-completions")
    assert big["models"][0] == {
        "id": "m", "name": "m", "contextWindow": 65536, "maxTokens": 16384, "input": ["text"],
    }  # fmt: skip
    assert big["models"][1]["input"] == ["text", "image"]
    assert small["models"][0]["contextWindow"] == 8192
    assert (settings["defaultProvider"], settings["defaultModel"]) == ("big", "m")


def test_a_key_is_named_and_the_word_for_none_is_no_name() -> None:
    models, _ = render()
    assert models["providers"]["big"]["apiKey"] == "$MODEL_BIG_API_KEY"
    assert models["providers"]["small"]["apiKey"] == "none"


def test_a_long_conversation_is_shortened_to_what_fits_the_context() -> None:
    assert render()[1]["compaction"] == {"reserveTokens": 16384, "keepRecentTokens": 16384}


def test_what_the_user_set_stays() -> None:
    mine = {"providers": {"mine": {"baseUrl": "http://x"}, "big": {"compat": {"supportsStore": True}}}}
    chosen = {"theme": "light", "httpIdleTimeoutMs": 5000, "compaction": {"enabled": False}}
    models, settings = render(pi_models_json=mine, pi_settings_json=chosen)
    assert models["providers"]["mine"] == {"baseUrl": "http://x"}
    assert models["providers"]["big"]["compat"]["supportsStore"]
    assert models["providers"]["big"]["compat"]["maxTokensField"] == "max_tokens"
    assert (settings["theme"], settings["httpIdleTimeoutMs"]) == ("light", 5000)
    assert settings["compaction"] == {"enabled": False, "reserveTokens": 16384, "keepRecentTokens": 16384}


def test_a_model_that_the_user_chose_is_the_first_and_that_is_told() -> None:
    rendered = pi.render(sample(tools=False), own(pi_settings_json={"defaultModel": "x"}), "/r")
    assert rendered.ignored == ("config/pi-settings.json sets defaultModel to x: pi begins with that",)
    settings = json.loads(rendered.files["pi-settings.json"])
    assert settings == {"httpIdleTimeoutMs": 0, "defaultModel": "x"}


def test_a_model_that_only_talks_gets_a_short_prompt_and_no_tools() -> None:
    rendered = pi.render(sample(tools=False), own(pi_settings_json={"extensions": ["mine.ts"]}), "/r")
    settings = json.loads(rendered.files["pi-settings.json"])
    assert (settings["defaultTools"], settings["extensions"]) == ([], ["mine.ts", "/r/pi-talk.js"])
    assert "systemPrompt" in rendered.files["pi-talk.js"]
    assert "defaultTools" not in render()[1]


@pytest.mark.parametrize("content", [{"providers": 1}, {"providers": {"big": []}}, {"compaction": 1}])
def test_files_of_another_form_are_no_trap(content: Any) -> None:
    models, settings = render(pi_models_json=content, pi_settings_json=content)
    assert models["providers"]["small"]["baseUrl"] == "http://s/v1"
    assert settings["defaultModel"] == "m"
