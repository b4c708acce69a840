"""init/model/renderers/kimi.py: what Kimi Code is told, and where it keeps that a folder is trusted."""

import hashlib

import pytest

from init import paths, tools
from init.errors import SandboxError
from init.model.renderers import kimi
from tests.unit.model.test_renderers import SHIPPED, own, sample


def test_it_gets_the_main_model_with_its_limits() -> None:
    rendered = kimi.render(sample(), own(), "/r")
    assert rendered.variables == {
        "KIMI_MODEL_NAME": "m",
        "KIMI_MODEL_DISPLAY_NAME": "m (big (vLLM))",
        "KIMI_MODEL_PROVIDER_TYPE": "openai",
        "KIMI_MODEL_BASE_URL": "http://h/v1",
        "KIMI_MODEL_MAX_CONTEXT_SIZE": "65536",
        "KIMI_MODEL_MAX_OUTPUT_SIZE": "16384",
        "KIMI_MODEL_CAPABILITIES": "tool_use",
    }
    assert rendered.keys == ("KIMI_MODEL_API_KEY",)


def test_a_model_that_sees_may_be_shown_images() -> None:
    catalogue = sample()
    seeing = catalogue._replace(roles={"main": ("big", "eye")})
    assert kimi.render(seeing, own(), "/r").variables["KIMI_MODEL_CAPABILITIES"] == "tool_use,image_in"


def test_a_model_that_only_talks_is_refused() -> None:
    with pytest.raises(SandboxError, match="Kimi Code works only with a model that can call tools"):
        kimi.render(sample(tools=False), own(), "/r")


def test_the_workspace_is_the_folder_that_is_trusted() -> None:
    """Its name for a folder has a part of the hash of its path."""
    name = f"wd_workspace_{hashlib.sha256(paths.WORKSPACE.encode()).hexdigest()[:12]}"
    (trust,) = tools.load(str(SHIPPED))["kimi"].seed
    assert trust.target == f"{{data}}/kimi/workspace-trust/{name}"
