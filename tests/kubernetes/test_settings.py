"""What a pod is told: the gateway and PID 1 take it, and what the user has to set is refused until he has."""

from typing import Any

import pytest

from gateway import policy_file
from init.errors import SandboxError
from init.model import configuration
from init.model.servers import Places
from init.settings import read
from tests.harness.manifests import Object
from tests.harness.repository import ROOT

POLICY = str(ROOT / "deploy/kubernetes/base/policy")


def variables(rendered: dict[str, list[Object]], folder: str) -> dict[str, str]:
    """Return the variables of the settings that a kustomization of base has."""
    (found,) = (
        one["data"]
        for one in rendered[folder]
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "settings"
    )
    return dict(found)


def servers(told: dict[str, str]) -> Any:
    """Return the model servers that the gateway makes of the variables."""
    return configuration.read(told, lambda _what, _fix: None, Places(config=POLICY, keys=POLICY, shared=True))


def test_no_model_server_is_refused_with_what_to_do(rendered: dict[str, list[Object]]) -> None:
    with pytest.raises(SandboxError, match=r"^MODEL_URL='put-the-address.*does not begin with http"):
        servers(variables(rendered, "base"))


def test_a_server_that_is_set_is_taken(rendered: dict[str, list[Object]]) -> None:
    (server,) = servers(variables(rendered, "overlays/team")).servers
    assert server.url.startswith("http://vllm.models:8000")


@pytest.mark.parametrize("mode", ["model", "list"])
def test_the_policy_is_one_that_the_gateway_reads(rendered: dict[str, list[Object]], mode: str) -> None:
    told = variables(rendered, "overlays/team")
    assert policy_file.read({**told, "EGRESS": mode}, POLICY).mode == mode


def test_a_session_takes_its_settings(rendered: dict[str, list[Object]]) -> None:
    (pod,) = (one["spec"] for one in rendered["session"] if one["kind"] == "Pod")
    own = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    # What the cluster tells of a service named gateway.
    own["SANDBOX_GATEWAY"] = own["SANDBOX_GATEWAY"].replace("$(GATEWAY_SERVICE_HOST)", "10.96.0.7")
    settings = read({**variables(rendered, "overlays/team"), **own})
    assert (settings.gateway, settings.egress_via, settings.egress) == ("tcp:10.96.0.7", "network", "model")
    assert (settings.session, settings.default_tool) == ("tool", "opencode")


def test_without_the_gateways_service_a_session_is_refused() -> None:
    with pytest.raises(SandboxError, match="SANDBOX_GATEWAY"):
        read({"SANDBOX_GATEWAY": "tcp:$(GATEWAY_SERVICE_HOST)"})


def test_no_sandbox_is_told_of_a_key(rendered: dict[str, list[Object]]) -> None:
    told = {name for folder in ("base", "overlays/team") for name in variables(rendered, folder)}
    assert not [name for name in told if "KEY" in name]
    for folder in ("session", "job", "agent-sandbox"):
        assert "model-key" not in str(rendered[folder])
