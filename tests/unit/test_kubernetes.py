"""The manifests of docs/kubernetes.md: they fit each other, and have the fields that the API knows."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from init import listeners
from init.settings import read

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
OBJECTS: dict[tuple[str, str], Any] = {
    (one["kind"], one["metadata"]["name"]): one for block in BLOCKS for one in yaml.safe_load_all(block)
}
GATEWAY = OBJECTS["Deployment", "gateway"]["spec"]["template"]
SANDBOX = OBJECTS["Pod", "sandbox"]
PODS = {"gateway": GATEWAY["spec"], "sandbox": SANDBOX["spec"]}

# Of the API's reference, v1.30: those that the manifests have use for.
POD = {
    "automountServiceAccountToken", "dnsPolicy", "dnsConfig", "securityContext", "containers", "volumes",
}  # fmt: skip
CONTAINER = {
    "name", "image", "command", "env", "resources", "securityContext", "volumeMounts", "stdin", "tty",
}  # fmt: skip


def environment(pod: Any) -> dict[str, str]:
    """Return the variables that a manifest sets as text."""
    return {one["name"]: one["value"] for one in pod["containers"][0]["env"] if "value" in one}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_meets_the_restricted_profile(pod: Any) -> None:
    assert pod.keys() <= POD
    (container,) = pod["containers"]
    assert container.keys() <= CONTAINER
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["automountServiceAccountToken"] is False
    assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}


def test_the_service_has_every_listener_and_leads_to_the_gateway() -> None:
    service = OBJECTS["Service", "gateway"]["spec"]
    assert {one["name"]: one["port"] for one in service["ports"]} == listeners.PORTS
    labels = GATEWAY["metadata"]["labels"]
    assert service["selector"] == labels
    assert OBJECTS["Deployment", "gateway"]["spec"]["selector"] == {"matchLabels": labels}


def test_the_policies_let_the_sandbox_reach_the_gateway_and_nobody_else() -> None:
    ports = [
        {"protocol": "TCP", "port": min(listeners.PORTS.values()), "endPort": max(listeners.PORTS.values())}
    ]
    sandbox, gateway = (OBJECTS["NetworkPolicy", name]["spec"] for name in ("sandbox", "gateway"))
    the_sandbox = {"podSelector": {"matchLabels": SANDBOX["metadata"]["labels"]}}
    the_gateway = {"podSelector": {"matchLabels": GATEWAY["metadata"]["labels"]}}
    assert sandbox == {
        **the_sandbox, "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [the_gateway], "ports": ports}],
    }  # fmt: skip
    assert gateway == {
        **the_gateway, "policyTypes": ["Ingress"], "ingress": [{"from": [the_sandbox], "ports": ports}],
    }  # fmt: skip


def test_the_sandbox_takes_its_settings() -> None:
    told = environment(SANDBOX["spec"])
    # What the cluster tells of a service named gateway.
    told = {name: value.replace("$(GATEWAY_SERVICE_HOST)", "10.96.0.7") for name, value in told.items()}
    settings = read(told)
    assert (settings.gateway, settings.egress_via, settings.egress) == ("tcp:10.96.0.7", "network", "model")
    assert environment(GATEWAY["spec"])["SANDBOX_GATEWAY"] == "tcp:$(POD_IP)"
    assert environment(GATEWAY["spec"])["MODEL_URL"] == told["MODEL_URL"]
    assert not {name for name in told if "KEY" in name}
