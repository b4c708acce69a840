"""What all pods together may take, and how the gateway stays reachable while its pods are replaced."""

from decimal import Decimal
from typing import Any

import pytest

from tests.harness.manifests import Object, pod_templates

UNITS = {"m": Decimal("0.001"), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}
# A hundred tasks beside some sessions, and a gateway more than there are: one is replaced.
MEANT = {"Job": 100, "Pod": 4, "Deployment": 3}


def quantity(text: str) -> Decimal:
    """Return a quantity of Kubernetes' as a number."""
    unit = next((one for one in sorted(UNITS, key=len, reverse=True) if text.endswith(one)), "")
    return Decimal(text.removesuffix(unit)) * UNITS.get(unit, 1)


def asked(spec: Any, kind: str, name: str) -> Decimal:
    """Return what a pod counts for: the sum of its containers, or what begins it, if that is more."""

    def of(container: Any) -> Decimal:
        return quantity(container["resources"][kind].get(name, "0"))

    return max(
        sum(map(of, spec["containers"]), Decimal(0)), *map(of, spec.get("initContainers", ())), Decimal(0)
    )


def one_of(kind: str, rendered: dict[str, list[Object]]) -> Any:
    """Return the specification of the only object of a kind."""
    places = {"Pod": "session", "Job": "job"}
    (found,) = (one["spec"] for one in rendered[places.get(kind, "base")] if one["kind"] == kind)
    return found


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("requests", "cpu"), ("requests", "memory"), ("limits", "memory"), ("requests", "ephemeral-storage"),
        ("limits", "ephemeral-storage"),
    ],
)  # fmt: skip
def test_a_hundred_tasks_are_within_the_quota(
    rendered: dict[str, list[Object]], kind: str, name: str
) -> None:
    hard = one_of("ResourceQuota", rendered)["hard"]
    needed = Decimal(0)
    for objects in (rendered["base"], rendered["session"], rendered["job"]):
        for one in objects:
            for pod in pod_templates(one):
                needed += MEANT[one["kind"]] * asked(pod["spec"], kind, name)
    assert 0 < needed <= quantity(hard[f"{kind}.{name}"])
    assert sum(MEANT.values()) <= int(hard["pods"])


def test_nothing_here_is_reached_from_outside(rendered: dict[str, list[Object]]) -> None:
    hard = one_of("ResourceQuota", rendered)["hard"]
    assert (hard["services.loadbalancers"], hard["services.nodeports"]) == ("0", "0")
    # Each service of the namespace is told to every pod: there is the gateway's.
    assert hard["services"] == "1"


def test_what_says_nothing_is_limited_as_the_quota_wants_it(rendered: dict[str, list[Object]]) -> None:
    hard = one_of("ResourceQuota", rendered)["hard"]
    (limit,) = one_of("LimitRange", rendered)["limits"]
    for name in hard:
        kind, _, resource = name.partition(".")
        if kind in ("requests", "limits") and resource != "storage":
            assert resource in limit["defaultRequest" if kind == "requests" else "default"]


def test_there_is_always_a_gateway(rendered: dict[str, list[Object]]) -> None:
    gateway = one_of("Deployment", rendered)
    assert gateway["replicas"] > one_of("PodDisruptionBudget", rendered)["minAvailable"] >= 1
    assert gateway["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    spec = gateway["template"]["spec"]
    (container,) = spec["containers"]
    *_, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert int(seconds) < spec["terminationGracePeriodSeconds"]
    assert "livenessProbe" not in container
    for name in ("startupProbe", "readinessProbe"):
        assert container[name]["tcpSocket"] == {"port": "dns"}


def test_gateways_prefer_nodes_of_their_own(rendered: dict[str, list[Object]]) -> None:
    gateway = one_of("Deployment", rendered)
    rules = gateway["template"]["spec"]["affinity"]["podAntiAffinity"]
    # Never required: a cluster of one node has both.
    (rule,) = rules.pop("preferredDuringSchedulingIgnoredDuringExecution")
    assert rules == {}
    term = rule["podAffinityTerm"]
    assert (term["topologyKey"], term["labelSelector"]) == ("kubernetes.io/hostname", gateway["selector"])
