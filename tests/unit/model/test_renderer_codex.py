"""init/model/renderers/codex.py: what Codex is told, and what the user's own file keeps."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.errors import SandboxError
from init.model.renderers import codex
from init.model.servers import Server
from tests.unit.model.test_renderers import OPEN, own, sample

# What TOML can hold besides dates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CONTENT = st.dictionaries(
    TEXT,
    st.recursive(
        st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), TEXT),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
        max_leaves=6,
    ),
    max_size=4,
)


def render(**files: Any) -> Any:
    return tomllib.loads(codex.render(sample(), own(**files), "/r").files["codex-config.toml"])


def replaced(server: Server) -> Any:
    """The models, with this server as the main one's."""
    catalogue = sample()
    main, *others = catalogue.providers
    return catalogue._replace(providers=(main._replace(server=server._replace(name="big")), *others))


def test_it_gets_the_main_model_with_its_limits() -> None:
    document = render()
    assert (document["model"], document["model_context_window"]) == ("m", 65536)
    assert document["model_auto_compact_token_limit"] == 65536 - 16384
    server = document["model_providers"][document["model_provider"]]
    assert (server["base_url"], server["wire_api"], server["name"]) == (
        "http://h/v1",
        "responses",
        "big (vLLM)",
    )
    assert document["features"] == {"view_image": False}


def test_a_key_is_named_where_there_is_one() -> None:
    assert render()["model_providers"]["sandbox"]["env_key"] == "MODEL_BIG_API_KEY"
    text = codex.render(replaced(OPEN), own(), "/r").files["codex-config.toml"]
    assert "env_key" not in text


def test_a_certificate_of_the_servers_is_found() -> None:
    rendered = codex.render(replaced(OPEN._replace(ca="/etc/ca.pem")), own(), "/r")
    assert rendered.variables == {"CODEX_CA_CERTIFICATE": "/r/ca.pem"}
    assert codex.render(sample(), own(), "/r").variables == {}


def test_what_the_user_set_stays() -> None:
    mine = {
        "model_reasoning_summary": "auto",
        "features": {"goals": True, "view_image": True},
        "model_providers": {"sandbox": {"stream_idle_timeout_ms": 5000}, "mine": {"base_url": "http://x"}},
    }
    document = render(codex_config_toml=mine)
    assert (document["model"], document["model_reasoning_summary"]) == ("m", "auto")
    assert document["features"] == {"goals": True, "view_image": True}
    assert document["model_providers"]["sandbox"]["stream_idle_timeout_ms"] == 5000
    assert document["model_providers"]["mine"] == {"base_url": "http://x"}


def test_a_model_that_the_user_chose_is_the_only_one_and_that_is_told() -> None:
    rendered = codex.render(sample(tools=False), own(codex_config_toml={"model": "x"}), "/r")
    assert rendered.ignored == ("config/codex-config.toml sets model to x: Codex begins with that",)
    assert tomllib.loads(rendered.files["codex-config.toml"]) == {"model": "x"}


def test_a_model_that_only_talks_is_refused() -> None:
    with pytest.raises(SandboxError, match="Codex works only with a model that can call tools, and m"):
        codex.render(sample(tools=False), own(), "/r")


@given(CONTENT)
def test_what_is_written_is_what_is_read(content: dict[str, Any]) -> None:
    kept = {name: value for name, value in content.items() if name != "model"}
    assert {name: render(codex_config_toml=kept)[name] for name in kept} == kept
