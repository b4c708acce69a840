"""The objects of kubernetes-sigs/agent-sandbox: the session's pod, and what a controller must not add."""

import copy
from typing import Any

import kubernetes_validate
import pytest

from tests.harness.manifests import Object
from tests.kubernetes import agent_sandbox


@pytest.fixture
def objects(rendered: dict[str, list[Object]]) -> dict[str, Any]:
    return {one["kind"]: one for one in rendered["agent-sandbox"]}


@pytest.mark.parametrize("kind", ["Sandbox", "SandboxTemplate"])
def test_the_pod_is_that_of_a_session(
    rendered: dict[str, list[Object]], objects: dict[str, Any], kind: str
) -> None:
    (session,) = (one for one in rendered["session"] if one["kind"] == "Pod")
    made = objects[kind]["spec"]["podTemplate"]
    metadata = {name: session["metadata"][name] for name in ("labels", "annotations")}
    assert made == {"spec": session["spec"], "metadata": metadata}


@pytest.mark.parametrize("kind", ["Sandbox", "SandboxTemplate"])
def test_its_volumes_are_those_of_a_session(
    rendered: dict[str, list[Object]], objects: dict[str, Any], kind: str
) -> None:
    claims = {
        one["metadata"]["name"]: one["spec"]
        for one in rendered["session"]
        if one["kind"] == "PersistentVolumeClaim"
    }
    made = {one["metadata"]["name"]: one["spec"] for one in objects[kind]["spec"]["volumeClaimTemplates"]}
    assert made == claims
    # Its controller puts the claim that it made where a volume has the template's name.
    volumes = objects[kind]["spec"]["podTemplate"]["spec"]["volumes"]
    assert {one["name"] for one in volumes if "persistentVolumeClaim" in one} == made.keys()


def test_no_sandbox_gets_a_service(objects: dict[str, Any]) -> None:
    assert [objects[kind]["spec"]["service"] for kind in ("Sandbox", "SandboxTemplate")] == [False, False]


def test_a_claim_sets_no_variable_and_mounts_nothing(objects: dict[str, Any]) -> None:
    template = objects["SandboxTemplate"]["spec"]
    assert template["envVarsInjectionPolicy"] == template["volumeClaimTemplatesPolicy"] == "Disallowed"
    assert objects["SandboxClaim"]["spec"].keys() == {"warmPoolRef", "lifecycle"}


BAD: list[tuple[str, tuple[str, ...], Any, str]] = [
    ("Sandbox", ("spec", "replicas"), 1, "replicas"),
    ("Sandbox", ("spec", "operatingMode"), "Paused", "Paused"),
    ("Sandbox", ("spec", "shutdownPolicy"), "DeleteForeground", "DeleteForeground"),
    ("Sandbox", ("spec", "service"), "false", "boolean"),
    ("SandboxTemplate", ("spec", "envVarsInjectionPolicy"), "Never", "Never"),
    ("SandboxTemplate", ("spec", "networkPolicy", "podSelector"), {}, "podSelector"),
    ("SandboxWarmPool", ("spec", "replicas"), -1, "minimum"),
    ("SandboxWarmPool", ("spec", "updateStrategy", "type"), "Always", "Always"),
    ("SandboxClaim", ("spec", "sandboxTemplateRef"), {"name": "sandbox"}, "sandboxTemplateRef"),
    ("SandboxClaim", ("spec", "lifecycle", "ttlSecondsAfterFinished"), "1h", "integer"),
    ("SandboxClaim", ("status",), {}, "status"),
]


@pytest.mark.parametrize(("kind", "path", "value", "told"), BAD)
def test_what_its_types_do_not_know_is_seen(
    objects: dict[str, Any], kind: str, path: tuple[str, ...], value: Any, told: str
) -> None:
    spoiled = copy.deepcopy(objects[kind])
    *folders, name = path
    inner = spoiled
    for folder in folders:
        inner = inner[folder]
    inner[name] = value
    with pytest.raises(kubernetes_validate.ValidationError, match=told):
        agent_sandbox.check(spoiled)
