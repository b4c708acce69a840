"""Every default of compose.yml has its counterpart in the manifests, or a reason why it has none.

A table for each service: for each of its settings a check of the pod, or a sentence. What is new in
compose.yml is in neither, and fails.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.harness.manifests import Object, pod_templates
from tests.harness.repository import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text())["services"]
SETTINGS = (ROOT / "deploy/kubernetes/base/settings.env").read_text()
# The variables that base/settings.env describes, set or as an example.
DESCRIBED = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", SETTINGS, re.MULTILINE))

Check = Callable[[Any, Any, Any], bool]
"""What compose.yml has, the pod's specification, and its container."""

WITHOUT_ROOT = "the start is one without root: runAsUser says who the agent is, fsGroup gives him the volumes"
COVER = "the volume data is this session's alone: no other project's data lies in it"
OF_THE_IMAGE = "the image's own; an overlay may mount a ConfigMap there"
SHORT = "short for SANDBOX_SESSION, which a patch can set"
NO_PROXY = "nothing gives a pod such variables, as the client of an engine does"
TMP, HOME = "/tmp", "/home/agent"  # noqa: S108 - the pod's
SHARED = "containers of two pods share no sockets: SANDBOX_GATEWAY has the service's address"


def size(text: str) -> str:
    """Return a size of Compose's in Kubernetes' form."""
    return text[:-1] + {"g": "Gi", "m": "Mi"}[text[-1]]


def shares(value: int) -> str:
    """Return the request for CPU that gives this weight: 1024 shares are one CPU."""
    return f"{value * 1000 // 1024}m"


def mounted(place: str, *, read_only: bool = False) -> Check:
    """Make a check that something is mounted at a place."""

    def check(_value: Any, _spec: Any, container: Any) -> bool:
        found = [one for one in container["volumeMounts"] if one["mountPath"] == place]
        return len(found) == 1 and found[0].get("readOnly", False) is read_only

    return check


def memory(place: str) -> Check:
    """Make a check that a folder lies in memory, and how large it may become."""

    def check(value: Any, spec: Any, container: Any) -> bool:
        (name,) = (one["name"] for one in container["volumeMounts"] if one["mountPath"] == place)
        (volume,) = (one["emptyDir"] for one in spec["volumes"] if one["name"] == name)
        return bool(volume == {"medium": "Memory", "sizeLimit": size(value)})

    return check


def variable(name: str, wanted: str) -> Check:
    """Make a check that the container has a variable."""
    return lambda _value, _spec, container: {"name": name, "value": wanted} in container["env"]


COMMON: dict[str, Check | str] = {
    "image": lambda value, _, container: container["image"] == value,
    # The pause container would be PID 1 otherwise, and no command stands before the image's own.
    "init": lambda value, spec, _: value is spec.get("shareProcessNamespace", False) is False,
    "security_opt no-new-privileges": lambda value, _, container: (
        container["securityContext"]["allowPrivilegeEscalation"] is (value != "true")
    ),
    "cap_drop": lambda value, _, container: container["securityContext"]["capabilities"] == {"drop": value},
    "read_only": lambda value, _, container: container["securityContext"]["readOnlyRootFilesystem"] is value,
    "mem_limit": lambda value, _, container: container["resources"]["limits"]["memory"] == size(value),
    "cpu_shares": lambda value, _, container: container["resources"]["requests"]["cpu"] == shares(value),
    "pids_limit": "a pod has no field for it: podPidsLimit of each node's kubelet",
    "ulimits nofile": "a pod has no field for it: that of the container runtime",
    "ulimits core": "a pod has no field for it: the runtime's own, and kernel.core_pattern of the node",
    "logging driver": "the kubelet's: containerLogMaxSize (10Mi) for each of containerLogMaxFiles (5)",
    "cgroup": "a pod has no field for it: the runtime does so where the node has control groups v2",
}
SANDBOX: dict[str, Check | str] = {
    **COMMON,
    "build": "the cluster gets a finished image: components/registry",
    "stdin_open": lambda value, _, container: container.get("stdin", False) is value,
    "tty": lambda value, _, container: container.get("tty", False) is value,
    "cap_add CHOWN": WITHOUT_ROOT,
    "cap_add DAC_OVERRIDE": WITHOUT_ROOT,
    "cap_add SETUID": WITHOUT_ROOT,
    "cap_add SETGID": WITHOUT_ROOT,
    f"tmpfs {TMP} size": memory(TMP),
    f"tmpfs {HOME} size": memory(HOME),
    **{f"tmpfs {place} exec": "what lies in an emptyDir may be executed" for place in (TMP, HOME)},
    **{f"tmpfs {place} mode": "an emptyDir is fsGroup's, and there is one user" for place in (TMP, HOME)},
    **{
        f"tmpfs {place} nr_inodes": "an emptyDir has no field for it; an inode is memory, and counts as such"
        for place in (TMP, HOME)
    },
    "tmpfs /home/agent/data/projects ro": COVER,
    "tmpfs /home/agent/data/projects mode": COVER,
    "tmpfs /home/agent/data/projects size": COVER,
    "memswap_limit": "a pod has no field for it: swapBehavior of the kubelet; a sandbox's memory has no key",
    "cpus": lambda value, _, container: ("cpu" in container["resources"]["limits"]) is (value != "0"),
    "runtime": "components/gvisor and components/kata",
    "stop_grace_period": lambda value, spec, _: spec["terminationGracePeriodSeconds"] == int(value[:-1]),
    "network_mode": "containers of a pod share one network: the policies are the wall, see test_network.py",
    "dns": lambda value, spec, _: (spec["dnsPolicy"], spec["dnsConfig"]["nameservers"]) == ("None", value),
    "dns_search": lambda value, spec, _: value == ["."] and "searches" not in spec["dnsConfig"],
    "depends_on": "without the service of base SANDBOX_GATEWAY is no address, and the start is refused",
    "volumes /home/agent/workspace": mounted("/home/agent/workspace"),
    "volumes /home/agent/data": mounted("/home/agent/data"),
    "volumes /etc/sandbox/config": f"{OF_THE_IMAGE}; components/models mounts models.yml",
    "volumes /etc/sandbox/opencode": OF_THE_IMAGE,
    "volumes /etc/sandbox/session-ca.pem": "components/session-ca",
    "volumes /run/gateway": SHARED,
    "environment SANDBOX_GATEWAY": variable("SANDBOX_GATEWAY", "tcp:$(GATEWAY_SERVICE_HOST)"),
    "environment TERM": variable("TERM", "xterm-256color"),
    "environment COLORTERM": variable("COLORTERM", "truecolor"),
    "environment PUID": WITHOUT_ROOT,
    "environment PGID": WITHOUT_ROOT,
    "environment SANDBOX_SESSION": "its default, tool; each container of a task's pod names its own",
    "environment SANDBOX_SHELL": SHORT,
    "environment SANDBOX_DOCTOR": SHORT,
    "environment MENU_TIMEOUT": "DEFAULT_TOOL starts without a menu",
    "environment SANDBOX_LIMIT": "a session has none; a task's file has its timeout",
    "environment SANDBOX_ALLOW_UNSAFE": "the restricted profile admits nothing of it",
    "environment SANDBOX_REPOSITORIES": "no repository outside of the workspace is mounted",
    "environment SANDBOX_GIT_VERSION": "no git of the user's looks into the volume",
    "environment SESSION_CA": "components/session-ca",
}
# Nobody is at its terminal.
TASK: dict[str, Check | str] = {
    **SANDBOX,
    "stdin_open": "nobody is there",
    "tty": "nobody is there",
    "environment TERM": "there is no terminal",
    "environment COLORTERM": "there is no terminal",
}
GATEWAY: dict[str, Check | str] = {
    **COMMON,
    "entrypoint": lambda value, _, container: container["command"] == value,
    "user": lambda value, spec, _: (
        value == f"{spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}"
    ),
    # It is many sessions', not one's.
    "mem_limit": lambda value, _, container: (
        (value, container["resources"]["limits"]["memory"]) == ("128m", "256Mi")
    ),
    # Memory whose request is the limit is never swapped.
    "memswap_limit": lambda _value, _, container: (
        container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
    ),
    "networks": "the policies say who reaches it and what it reaches, see test_network.py",
    "extra_hosts": "there is no `this machine`: a model server has an address or a service",
    "volumes /run/gateway": SHARED,
    "volumes /etc/sandbox/config": mounted("/etc/sandbox/config", read_only=True),
    "volumes /etc/sandbox/keys": mounted("/etc/sandbox/keys", read_only=True),
    "environment SANDBOX_GATEWAY": variable("SANDBOX_GATEWAY", "tcp:$(POD_IP)"),
    "environment MODEL_API_KEY": "a variable is in the pod's description: a Secret has the key, as a file",
    # The Secret has the name there at which the gateway looks by itself.
    "environment MODEL_API_KEY_FILE": mounted("/run/secrets", read_only=True),
    **{
        f"environment {name}": NO_PROXY
        for word in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        for name in (word, word.lower())
    },
}
# The demo's model is for who has one machine and no server.
LEFT_OUT = {"model"}


def default(value: Any) -> Any:
    """Return what Compose takes where a variable is not set."""
    if isinstance(value, list):
        return [default(one) for one in value]
    while isinstance(value, str) and (found := re.search(r"\$\{\w+(?::-([^${}]*))?\}", value)):
        value = value.replace(found[0], found[1] or "")
    return value


def settings(service: Any) -> Iterator[tuple[str, Any]]:
    """Yield each setting of a service with its default; those within a list or a mapping one by one."""
    for key, value in service.items():
        if key == "environment":
            yield from ((f"{key} {one.partition('=')[0]}", default(one.partition("=")[2])) for one in value)
        elif key == "volumes":
            yield from ((f"{key} {one['target']}", one) for one in value)
        elif key in ("ulimits", "logging"):
            yield from ((f"{key} {name}", one) for name, one in value.items())
        elif key == "security_opt":
            yield from ((f"{key} {one.partition(':')[0]}", one.partition(":")[2]) for one in value)
        elif key == "cap_add":
            yield from ((f"{key} {one}", one) for one in value)
        elif key == "tmpfs":
            for place, _, options in (default(one).partition(":") for one in value):
                for option in options.split(","):
                    yield f"{key} {place} {option.partition('=')[0]}", option.partition("=")[2]
        else:
            yield key, default(value)


def pod(rendered: dict[str, list[Object]], folder: str, kind: str) -> Any:
    """Return the specification of the pod of an object."""
    (found,) = (one for one in rendered[folder] if one["kind"] == kind)
    (template,) = pod_templates(found)
    return template["spec"]


PODS = {
    ("session", "Pod"): ("sandbox", "sandbox", SANDBOX),
    ("agent-sandbox", "Sandbox"): ("sandbox", "sandbox", SANDBOX),
    ("agent-sandbox", "SandboxTemplate"): ("sandbox", "sandbox", SANDBOX),
    ("job", "Job"): ("sandbox", "task", TASK),
    ("base", "Deployment"): ("gateway", "gateway", GATEWAY),
}


@pytest.mark.parametrize(("place", "compared"), PODS.items(), ids=["-".join(one) for one in PODS])
def test_every_default_has_its_counterpart_or_a_reason(
    rendered: dict[str, list[Object]],
    place: tuple[str, str],
    compared: tuple[str, str, dict[str, Check | str]],
) -> None:
    service, name, table = compared
    spec = pod(rendered, *place)
    (container,) = (one for one in spec["containers"] if one["name"] == name)
    for setting, value in settings(COMPOSE[service]):
        known = table.get(setting)
        variable_name = setting.removeprefix("environment ")
        if known is None and variable_name != setting:
            assert variable_name in DESCRIBED, f"{setting}: neither in settings.env nor in the table"
            continue
        assert known is not None, f"{setting}: neither a check nor a reason"
        assert isinstance(known, str) or known(value, spec, container), f"{setting}: {value!r}"


@pytest.mark.parametrize(
    ("service", "table"), [("sandbox", SANDBOX), ("sandbox", TASK), ("gateway", GATEWAY)]
)
def test_no_counterpart_is_left_of_what_is_gone(service: str, table: dict[str, Check | str]) -> None:
    there = dict(settings(COMPOSE[service]))
    # What only the sandbox has is in the table that both share.
    assert table.keys() - COMMON.keys() <= there.keys()
    assert not [name for name in table if name.removeprefix("environment ") in DESCRIBED]


def test_what_both_share_is_in_one_of_them() -> None:
    assert COMMON.keys() <= {name for one in ("sandbox", "gateway") for name, _ in settings(COMPOSE[one])}


def test_every_service_is_compared() -> None:
    assert COMPOSE.keys() == {service for service, _, _ in PODS.values()} | LEFT_OUT


@pytest.mark.parametrize("name", ["EGRESS", "TZ"])
def test_a_default_of_a_variable_is_the_same(name: str) -> None:
    assert DESCRIBED[name] == dict(settings(COMPOSE["sandbox"]))[f"environment {name}"]


def test_a_setting_that_is_new_is_seen() -> None:
    found = dict(settings({"environment": ["NEW=${NEW:-one}"], "shm_size": "64m", "cap_add": ["NET_RAW"]}))
    assert found == {"environment NEW": "one", "shm_size": "64m", "cap_add NET_RAW": "NET_RAW"}
    assert not found.keys() & SANDBOX.keys()


def test_the_settings_that_are_described_are_variables_of_the_project() -> None:
    known = {name for one in ("sandbox", "gateway") for name, _ in settings(COMPOSE[one])}
    assert {f"environment {name}" for name in DESCRIBED} <= known
