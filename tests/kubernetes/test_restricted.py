"""Every pod meets the restricted Pod Security profile, and each of its rules is seen to bite."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import manifests
from tests.harness.manifests import Object
from tests.kubernetes import restricted

GOOD: Object = {
    "metadata": {},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "one",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def _of_pod(**fields: Any) -> Callable[[Object], None]:
    return lambda pod: pod["spec"].update(fields)


def _of_context(**fields: Any) -> Callable[[Object], None]:
    return lambda pod: pod["spec"]["securityContext"].update(fields)


def _of_container(**fields: Any) -> Callable[[Object], None]:
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def _of_its_context(**fields: Any) -> Callable[[Object], None]:
    return lambda pod: pod["spec"]["containers"][0]["securityContext"].update(fields)


def _unannotated(pod: Object) -> None:
    pod["metadata"]["annotations"] = {f"{restricted.APPARMOR}one": "unconfined"}


def _another(name: str) -> Callable[[Object], None]:
    """Add a container that says nothing."""
    return lambda pod: pod["spec"].setdefault(name, []).append({"name": "two"})


BAD = [
    ("HostProcess", _of_context(windowsOptions={"hostProcess": True})),
    ("HostProcess", _of_its_context(windowsOptions={"hostProcess": True})),
    ("Host Namespaces", _of_pod(hostNetwork=True)),
    ("Host Namespaces", _of_pod(hostPID=True)),
    ("Host Namespaces", _of_pod(hostIPC=True)),
    ("Privileged Containers", _of_its_context(privileged=True)),
    ("Host Ports", _of_container(ports=[{"containerPort": 80, "hostPort": 80}])),
    ("Host Probes / Lifecycle Hooks", _of_container(readinessProbe={"tcpSocket": {"host": "10.0.0.1"}})),
    ("Host Probes / Lifecycle Hooks", _of_container(lifecycle={"preStop": {"httpGet": {"host": "a"}}})),
    ("AppArmor", _of_its_context(appArmorProfile={"type": "Unconfined"})),
    ("AppArmor, by annotation", _unannotated),
    ("SELinux type", _of_context(seLinuxOptions={"type": "spc_t"})),
    ("SELinux user", _of_context(seLinuxOptions={"user": "root"})),
    ("SELinux role", _of_its_context(seLinuxOptions={"role": "sysadm_r"})),
    ("/proc Mount Type", _of_its_context(procMount="Unmasked")),
    ("Sysctls", _of_context(sysctls=[{"name": "net.ipv4.ip_forward", "value": "1"}])),
    ("Volume Types", _of_pod(volumes=[{"name": "one", "hostPath": {"path": "/"}}])),
    ("Volume Types", _of_pod(volumes=[{"name": "one", "nfs": {"server": "a", "path": "/"}}])),
    ("Privilege Escalation", _of_its_context(allowPrivilegeEscalation=True)),
    ("Privilege Escalation", _another("initContainers")),
    ("Running as Non-root", _of_context(runAsNonRoot=False)),
    ("Running as Non-root", _of_its_context(runAsNonRoot=False)),
    ("Running as Non-root user", _of_context(runAsUser=0)),
    ("Running as Non-root user", _of_its_context(runAsUser=0)),
    ("Seccomp", _of_context(seccompProfile={"type": "Unconfined"})),
    ("Seccomp", _of_its_context(seccompProfile={"type": "Unconfined"})),
    ("Seccomp", _of_pod(securityContext={"runAsNonRoot": True})),
    ("Capabilities, dropped", _of_its_context(capabilities={"drop": ["NET_RAW"]})),
    ("Capabilities, dropped", _another("containers")),
    ("Capabilities, added", _of_its_context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]})),
]


def test_every_pod_meets_the_profile(rendered: dict[str, list[Object]]) -> None:
    pods = {
        (folder, one["kind"], one["metadata"]["name"]): pod
        for folder, objects in rendered.items()
        for one in objects
        for pod in manifests.pod_templates(one)
    }
    assert len(pods) > 10
    assert {name: broken for name, pod in pods.items() if (broken := restricted.violations(pod))} == {}


def test_a_good_pod_breaks_no_rule() -> None:
    assert restricted.violations(GOOD) == []


@pytest.mark.parametrize(
    ("rule", "spoil"), BAD, ids=[f"{number}-{rule}" for number, (rule, _) in enumerate(BAD)]
)
def test_each_rule_bites(rule: str, spoil: Callable[[Object], None]) -> None:
    pod = copy.deepcopy(GOOD)
    spoil(pod)
    assert rule in restricted.violations(pod)


def test_no_rule_is_left_untried() -> None:
    assert {rule for rule, _ in BAD} == restricted.RULES.keys()


@pytest.mark.parametrize("name", ["enforce", "audit", "warn"])
def test_the_namespace_enforces_it(rendered: dict[str, list[Object]], name: str) -> None:
    (namespace,) = (one for one in rendered["base"] if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{name}"] == "restricted"
