"""init/model/renderers/: the models as each tool is told of them, and what the user's own files keep."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from init import handed_over, tools
from init.model import renderers
from init.model.catalogue import Catalogue, Model, Provider
from init.model.renderers import omp as omp_renderer
from init.model.renderers import opencode as opencode_renderer
from init.model.renderers.base import Rendered
from init.model.servers import Origin, Server

SHIPPED = Path(__file__).parents[3] / "config" / "tools.yml"
KEYED = Server("big", "http://h/v1", "s3cret", "MODEL_BIG_API_KEY", "", Origin("servers.big"), ())
OPEN = Server("small", "http://s/v1", "", "MODEL_SMALL_API_KEY", "", Origin("servers.small"), ())


def sample(model: str = "m", *, tools: bool = True) -> Catalogue:
    main = Model(model, 65536, 16384, tools=tools, vision=False)
    seeing = Model("eye", 32768, 8192, tools=True, vision=True)
    fast = Model("s", 8192, 2048, tools=True, vision=False)
    return Catalogue(
        (
            Provider(KEYED, "vLLM", "http://h/v1", (main, seeing)),
            Provider(OPEN, "Ollama", "http://s/v1", (fast,)),
        ),
        {"main": ("big", model), "fast": ("small", "s"), "vision": ("big", "eye")},
    )


def own(**files: Any) -> Callable[[str], Any]:
    return lambda name: files.get(name.replace("-", "_").replace(".", "_"), {})


def opencode(catalogue: Catalogue, **files: Any) -> Any:
    rendered = opencode_renderer.render(catalogue, own(**files), "/r")
    assert rendered.variables["OPENCODE_CONFIG"] == "/r/opencode-models.json"
    return json.loads(rendered.files["opencode-models.json"])


def omp(catalogue: Catalogue, **files: Any) -> tuple[Any, Any]:
    rendered = omp_renderer.render(catalogue, own(**files), "/r")
    assert rendered.variables["PI_CONFIG_FILES"] == "/r/omp-overlay.yml"
    return tuple(yaml.safe_load(rendered.files[name]) for name in ("omp-models.yml", "omp-overlay.yml"))


def test_opencode_gets_providers_models_and_limits() -> None:
    document = opencode(sample())
    assert document["model"] == "big/m"
    assert document["small_model"] == "small/s"
    big = document["provider"]["big"]
    assert big["options"]["baseURL"] == "http://h/v1"
    assert big["name"] == "big (vLLM)"
    assert big["env"] == ["MODEL_BIG_API_KEY"]
    assert big["models"]["m"] == {"name": "m", "limit": {"context": 65536, "output": 16384}}
    assert big["models"]["eye"]["modalities"]["input"] == ["text", "image"]


def test_omp_gets_providers_models_and_roles() -> None:
    models, roles = omp(sample())
    big, small = models["providers"]["big"], models["providers"]["small"]
    assert (big["baseUrl"], big["api"], big["apiKey"]) == (
        "http://h/v1",
        "openai-completions",
        "MODEL_BIG_API_KEY",
    )
    assert small["auth"] == "none"
    assert "apiKey" not in small
    assert big["models"][0] == {
        "id": "m",
        "name": "m",
        "contextWindow": 65536,
        "maxTokens": 16384,
        "input": ["text"],
    }
    assert big["models"][1]["input"] == ["text", "image"]
    assert (big["compat"]["maxTokensField"], big["compat"]["supportsStore"]) == ("max_tokens", False)
    assert roles["modelRoles"] == {
        "default": "big/m", "slow": "big/m", "plan": "big/m", "task": "big/m",
        "smol": "small/s", "commit": "small/s", "tiny": "small/s", "vision": "big/eye",
    }  # fmt: skip


# What lifts the limits of each tool that were made for clouds, such as giving up on a model that is silent.
# And how often it is there: once, or for each of two servers or three models.
LIFTED = {
    "opencode": {'"timeout": false': 2, '"headerTimeout": false': 2, '"chunkTimeout": false': 2},
    "omp": {"'PI_STREAM_FIRST_EVENT_TIMEOUT_MS': '0'": 1, '"streamIdleTimeoutMs": 0': 2},
    "claude": {
        "'API_FORCE_IDLE_TIMEOUT': '0'": 1,
        "'API_TIMEOUT_MS': '86400000'": 1,
        "'CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS': '86400000'": 1,
    },
    "codex": {'"stream_idle_timeout_ms" = 86400000': 1},
    # These wait for six and ten minutes, and cannot be told to wait longer: docs/tools.md.
    "copilot": {},
    "kimi": {},
    "qwen": {"'QWEN_STREAM_MAX_LIFETIME_MS': '0'": 1, '"timeout": 0': 3, '"streamIdleTimeoutMs": 0': 3},
    "pi": {'"httpIdleTimeoutMs": 0': 1},
}


@pytest.mark.parametrize("name", renderers.NAMES)
def test_no_tool_is_left_with_a_limit_made_for_clouds(name: str) -> None:
    rendered = renderers.load(name)(sample(), own(), "/r")
    defined = tools.load(str(SHIPPED))[name].environment
    given = f"{rendered.files}{rendered.variables}{defined}"
    assert {word: given.count(word) for word in LIFTED[name]} == LIFTED[name]


def test_a_limit_of_the_users_own_stays() -> None:
    kept = {"provider": {"big": {"options": {"headerTimeout": 5000}}}}
    options = opencode(sample(), opencode_json=kept)["provider"]["big"]["options"]
    assert "headerTimeout" not in options, "it stays in their file"
    mine = {"providers": {"big": {"compat": {"streamIdleTimeoutMs": 5000}}}}
    compat = omp(sample(), omp_models_yml=mine)[0]["providers"]["big"]["compat"]
    assert compat["streamIdleTimeoutMs"] == 5000


@pytest.mark.parametrize("name", renderers.NAMES)
def test_no_file_holds_a_key(name: str) -> None:
    rendered = renderers.load(name)(sample(), own(), "/r")
    assert "s3cret" not in f"{rendered.files}{rendered.variables}"


@pytest.mark.parametrize("name", renderers.NAMES)
def test_every_variable_is_handed_over(name: str) -> None:
    catalogue = sample()
    certified = [entry._replace(server=entry.server._replace(ca="/ca.pem")) for entry in catalogue.providers]
    rendered = renderers.load(name)(catalogue._replace(providers=tuple(certified)), own(), "/r")
    assert [each for each in (*rendered.variables, *rendered.keys) if not handed_over.is_one(each)] == []


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_id_arrives_as_it_is(model: str) -> None:
    assert opencode(sample(model))["model"] == f"big/{model}"
    assert omp(sample(model))[1]["modelRoles"]["default"] == f"big/{model}"


@pytest.mark.parametrize("trap", ["{env:MODEL_API_KEY}", "{file:/etc/passwd}", "a{file:~/.ssh/id}b"])
def test_an_id_makes_opencode_read_nothing(trap: str) -> None:
    text = opencode_renderer.render(sample(trap), own(), "/r").files["opencode-models.json"]
    assert "{env:" not in text
    assert "{file:" not in text
    assert json.loads(text)["model"] == f"big/{trap}"


def test_what_the_user_set_for_opencode_stays() -> None:
    kept = {
        "model": "other/x",
        "provider": {"big": {"options": {"apiKey": "{env:MINE}"}, "models": {"m": {"limit": {"output": 1}}}}},
    }
    document = opencode(sample(), opencode_json=kept)
    assert "model" not in document
    assert "small_model" not in document
    # What they set is left out, for it is merged by opencode, which resolves {env:…} in their file.
    big = document["provider"]["big"]
    assert "apiKey" not in big["options"]
    assert big["models"]["m"] == {"name": "m", "limit": {"context": 65536}}
    assert "small_model" not in opencode(sample(), opencode_json={"small_model": "other/y"})
    assert opencode(sample(), opencode_json={"small_model": "other/y"})["model"] == "big/m"


def test_what_the_user_set_for_omp_stays() -> None:
    mine = {"providers": {"mine": {"baseUrl": "http://x"}, "big": {"baseUrl": "http://y"}}, "equivalence": 1}
    models, roles = omp(sample(), omp_models_yml=mine, omp_config_yml={"modelRoles": {"plan": "mine/p"}})
    assert models["providers"]["mine"] == {"baseUrl": "http://x"}
    assert models["providers"]["big"]["baseUrl"] == "http://y"
    assert models["equivalence"] == 1
    assert "plan" not in roles["modelRoles"]
    assert roles["modelRoles"]["default"] == "big/m"


@pytest.mark.parametrize(
    ("renderer", "files", "named"),
    [
        (
            opencode_renderer.render,
            {"opencode_json": {"model": "vllm/x"}},
            "config/opencode.json sets model to vllm/x",
        ),
        (
            omp_renderer.render,
            {"omp_config_yml": {"modelRoles": {"default": "vllm/x"}}},
            "modelRoles.default to vllm/x",
        ),
        (omp_renderer.render, {"omp_config_yml": {"modelRoles": {"plan": "vllm/x"}}}, None),
        (opencode_renderer.render, {}, None),
    ],
)
def test_it_is_told_where_the_users_choice_stays_first(
    renderer: Callable[..., Rendered], files: Any, named: str | None
) -> None:
    ignored = renderer(sample(), own(**files), "/r").ignored
    assert [named for reason in ignored if named and named in reason] == ([named] if named else [])
    assert len(ignored) == bool(named)


@pytest.mark.parametrize(
    "content",
    [{"provider": [], "providers": 1}, {"provider": {"big": 1}, "providers": {"big": []}}, {"modelRoles": 1}],
)
def test_files_of_another_form_are_no_trap(content: Any) -> None:
    big = opencode(sample(), opencode_json=content)["provider"]["big"]
    assert big["options"]["baseURL"] == "http://h/v1"
    models, overlay = omp(sample(), omp_models_yml=content, omp_config_yml=content)
    assert models["providers"]["big"]["baseUrl"] == "http://h/v1"
    assert overlay["modelRoles"]["default"] == "big/m"


def test_a_model_that_only_talks_gets_a_short_prompt_and_no_tools() -> None:
    document = opencode(sample(tools=False))
    agent = document["agent"][document["default_agent"]]
    assert agent["tools"] == {"*": False}
    assert len(agent["prompt"]) < 100
    rendered = omp_renderer.render(sample(tools=False), own(omp_config_yml={"extensions": ["mine.ts"]}), "/r")
    assert yaml.safe_load(rendered.files["omp-overlay.yml"])["extensions"] == ["mine.ts", "/r/omp-talk.js"]
    assert "setActiveTools([])" in rendered.files["omp-talk.js"]
    assert rendered.variables["PI_NO_TITLE"] == "1"
    talk = opencode_renderer.render(sample(tools=False), own(), "/r").variables
    assert (talk["OPENCODE_CONFIG_DIR"], talk["OPENCODE_DISABLE_PROJECT_CONFIG"]) == ("/r/none", "1")
    assert all(document["agent"][name] == {"disable": True} for name in ("title", "build", "plan"))


def test_a_model_with_tools_gets_the_tools_own_prompt() -> None:
    assert "agent" not in opencode(sample())
    assert "extensions" not in omp(sample())[1]
