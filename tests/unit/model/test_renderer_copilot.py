"""init/model/renderers/copilot.py: what Copilot CLI is told."""

import pytest

from init.errors import SandboxError
from init.model.renderers import copilot
from tests.unit.model.test_renderers import own, sample


def test_it_gets_the_main_model_with_its_limits() -> None:
    rendered = copilot.render(sample(), own(), "/r")
    assert rendered.variables == {
        "COPILOT_PROVIDER_BASE_URL": "http://h/v1",
        "COPILOT_MODEL": "m",
        "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": str(65536 - 16384),
        "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS": "16384",
    }
    assert rendered.keys == ("COPILOT_PROVIDER_API_KEY",)


def test_a_model_that_only_talks_is_refused() -> None:
    with pytest.raises(SandboxError, match="Copilot CLI works only with a model that can call tools"):
        copilot.render(sample(tools=False), own(), "/r")
