"""Who may talk to whom: a sandbox to the gateway, and nobody to a sandbox."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from init import listeners
from tests.harness.manifests import Object, pod_templates

NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
SANDBOX = {NAME: "agentic-sandbox", COMPONENT: "sandbox"}
GATEWAY = {NAME: "agentic-sandbox", COMPONENT: "gateway"}
PORTS = [{"protocol": "TCP", "port": min(listeners.PORTS.values()), "endPort": max(listeners.PORTS.values())}]
# Where clouds hand out a machine's keys.
METADATA = ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fe80::a9fe:a9fe"]


def policies(objects: list[Object]) -> dict[str, Any]:
    """Return the specification of each network policy, by its name."""
    return {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "NetworkPolicy"}


def of(labels: dict[str, str], objects: list[Object]) -> list[Any]:
    """Return the policies that select a pod with these labels."""
    selectors = ((spec, spec["podSelector"].get("matchLabels", {})) for spec in policies(objects).values())
    return [spec for spec, wanted in selectors if wanted.items() <= labels.items()]


def rules(labels: dict[str, str], direction: str, objects: list[Object]) -> list[Any]:
    """Return what these policies allow in a direction, `ingress` or `egress`: they add up."""
    chosen = of(labels, objects)
    assert any(direction.capitalize() in spec["policyTypes"] for spec in chosen), "nothing is refused"
    return [rule for spec in chosen for rule in spec.get(direction, ())]


def test_a_pod_of_this_namespace_reaches_nothing_and_nobody_reaches_it(
    rendered: dict[str, list[Object]],
) -> None:
    assert policies(rendered["base"])["default-deny"] == {
        "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
    }  # fmt: skip
    for direction in ("ingress", "egress"):
        assert rules({"app": "other"}, direction, rendered["base"]) == []


def test_a_sandbox_reaches_the_gateway_and_nothing_else(rendered: dict[str, list[Object]]) -> None:
    the_gateway = [{"podSelector": {"matchLabels": GATEWAY}}]
    assert rules(SANDBOX, "egress", rendered["base"]) == [{"to": the_gateway, "ports": PORTS}]
    assert rules(SANDBOX, "ingress", rendered["base"]) == []


def test_a_sandbox_alone_reaches_the_gateway(rendered: dict[str, list[Object]]) -> None:
    the_sandbox = [{"podSelector": {"matchLabels": SANDBOX}}]
    assert rules(GATEWAY, "ingress", rendered["base"]) == [{"from": the_sandbox, "ports": PORTS}]


def test_the_gateway_asks_for_names_and_otherwise_speaks_tcp(rendered: dict[str, list[Object]]) -> None:
    for rule in rules(GATEWAY, "egress", rendered["base"]):
        assert [port for port in rule["ports"] if port["protocol"] != "TCP" and port["port"] != 53] == []


@pytest.mark.parametrize("address", METADATA)
def test_the_gateway_does_not_reach_what_gives_out_keys(
    rendered: dict[str, list[Object]], address: str
) -> None:
    assert not any(allows(block, address) for block in blocks(rendered["base"]))


@pytest.mark.parametrize("address", ["10.0.0.13", "203.0.113.7", "2001:db8::7", "fd12::7"])
def test_the_gateway_reaches_a_model_server_anywhere(rendered: dict[str, list[Object]], address: str) -> None:
    assert any(allows(block, address) for block in blocks(rendered["base"]))


def test_a_team_with_a_server_in_its_cluster_reaches_that(rendered: dict[str, list[Object]]) -> None:
    upstream = policies(rendered["overlays/team"])["gateway-upstream"]
    assert upstream["egress"] == [
        {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "models"}}}],
            "ports": [{"protocol": "TCP", "port": 8000}],
        }
    ]


def test_the_controller_adds_a_policy_that_is_the_same(rendered: dict[str, list[Object]]) -> None:
    (template,) = (one["spec"] for one in rendered["agent-sandbox"] if one["kind"] == "SandboxTemplate")
    assert template["networkPolicyManagement"] == "Managed"
    assert template["networkPolicy"] == {
        "ingress": rules(SANDBOX, "ingress", rendered["base"]),
        "egress": rules(SANDBOX, "egress", rendered["base"]),
    }


def test_every_pod_is_the_gateway_or_a_sandbox(rendered: dict[str, list[Object]]) -> None:
    for objects in rendered.values():
        for one in objects:
            for pod in pod_templates(one):
                labels = pod["metadata"]["labels"]
                expected = GATEWAY if one["kind"] == "Deployment" else SANDBOX
                assert {name: labels.get(name) for name in expected} == expected


def test_the_service_has_every_listener_and_leads_to_the_gateway(rendered: dict[str, list[Object]]) -> None:
    (service,) = (one["spec"] for one in rendered["base"] if one["kind"] == "Service")
    (gateway,) = (one["spec"] for one in rendered["base"] if one["kind"] == "Deployment")
    (budget,) = (one["spec"] for one in rendered["base"] if one["kind"] == "PodDisruptionBudget")
    (container,) = gateway["template"]["spec"]["containers"]
    assert {one["name"]: one["port"] for one in service["ports"]} == listeners.PORTS
    assert {one["name"]: one["containerPort"] for one in container["ports"]} == listeners.PORTS
    assert all(one["targetPort"] == one["name"] for one in service["ports"])
    assert service["selector"] == GATEWAY
    assert service.get("type", "ClusterIP") == "ClusterIP"
    assert gateway["selector"] == budget["selector"] == {"matchLabels": GATEWAY}


def blocks(objects: list[Object]) -> Iterator[Any]:
    """Yield the ranges of addresses that the gateway reaches otherwise than to ask for names."""
    for rule in policies(objects)["gateway-upstream"]["egress"]:
        yield from (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer)


def allows(block: Any, address: str) -> bool:
    """Tell whether an address is in a range, and in no exception from it."""
    it = ipaddress.ip_address(address)
    return it in ipaddress.ip_network(block["cidr"]) and not any(
        it in ipaddress.ip_network(one) for one in block["except"]
    )
