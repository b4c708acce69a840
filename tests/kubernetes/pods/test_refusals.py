"""What a cluster can be set up wrongly with, and what the pods say then."""

import pytest

from tests.harness.podman import GATEWAY, KEY, Cluster, secret
from tests.harness.waiting import wait_for

NAME = "sandbox-sandbox"


def refused(cluster: Cluster, settings: dict[str, str] | None = None, **env: str) -> str:
    """Return what a session said that did not start."""
    cluster.session("-c", "echo started", env={"SANDBOX_SHELL": "plain", **env}, settings=settings)
    assert cluster.wait(NAME) not in (0, 137), cluster.logs(NAME)
    assert "started" not in cluster.output(NAME)
    return told(cluster, NAME)


def told(cluster: Cluster, name: str) -> str:
    text = cluster.logs(name)
    assert "Traceback" not in text
    return text


def gateway(cluster: Cluster, complaint: str, *, key: str = "model_key", **settings: str) -> str:
    """Return what a gateway said that does not start; a Deployment starts it again and again."""
    cluster.gateway(secret("another-key", **{key: KEY}), number=77, **settings)
    name = "gateway-pod-77-gateway"
    wait_for(lambda: complaint in cluster.logs(name), lambda: f"{complaint!r}: {cluster.logs(name)}")
    text = told(cluster, name)
    assert '"ready"' not in text
    return text


def test_a_secret_without_the_key_is_named(cluster: Cluster) -> None:
    text = gateway(cluster, "model.key", key="other_key", MODEL_API_KEY_FILE="model.key")
    assert "/etc/sandbox/keys/model.key" in text or "MODEL_API_KEY_FILE" in text


def test_the_address_of_the_model_server_as_it_is_delivered_is_no_address(cluster: Cluster) -> None:
    placeholder = "put-the-address-of-your-model-server-here"
    assert "MODEL_URL" in gateway(cluster, placeholder, MODEL_URL=placeholder)


def test_a_workspace_that_the_agent_cannot_write_is_named(cluster: Cluster) -> None:
    cluster.claim("workspace", group=0, mode="755")
    assert "/home/agent/workspace" in refused(cluster)


def test_a_cluster_without_a_network_policy_is_refused(cluster: Cluster) -> None:
    api = {"KUBERNETES_SERVICE_HOST": GATEWAY, "KUBERNETES_SERVICE_PORT": "21001"}
    text = refused(cluster, api)
    assert f"reaches the cluster's API at {GATEWAY} port 21001" in text
    assert "NetworkPolicy" in text


def test_a_session_without_the_gateways_service_is_refused(cluster: Cluster) -> None:
    assert "SANDBOX_GATEWAY" in refused(cluster, SANDBOX_GATEWAY="tcp:$(NO_SUCH_SERVICE_HOST)")


def test_a_session_whose_gateway_is_not_there_is_refused(cluster: Cluster) -> None:
    # A shell starts all the same, and says so.
    text = refused(cluster, SANDBOX_GATEWAY="tcp:10.89.1.99", SANDBOX_SHELL="0", DEFAULT_TOOL="opencode")
    assert "the gateway, which is the session's way out, is not there" in text
    assert "kubectl logs" in text


@pytest.mark.parametrize("what", ["SANDBOX_SESSION", "EGRESS"])
def test_a_variable_of_the_config_map_that_is_no_value_is_named(cluster: Cluster, what: str) -> None:
    assert what in refused(cluster, {what: "no-such-thing"})
