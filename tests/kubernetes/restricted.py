"""The restricted Pod Security profile, as a table: a namespace that enforces it takes no other pod.

Source: Kubernetes' documentation, "Pod Security Standards". The restricted profile has all rules of the
baseline one, and more.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.harness.manifests import Object, containers

# Which types of volumes there may be; baseline's rule on hostPath is part of it.
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
# Those of the oldest Kubernetes that is meant, 1.29.
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
SELINUX = {"", "container_t", "container_init_t", "container_kvm_t"}
PROFILES = {"RuntimeDefault", "Localhost"}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def violations(pod: Object) -> list[str]:
    """Return the names of the rules that a pod breaks."""
    return [name for name, holds in RULES.items() if not holds(pod)]


def _contexts(pod: Object) -> list[Any]:
    return [pod["spec"].get("securityContext", {}), *_own(pod)]


def _own(pod: Object) -> list[Any]:
    return [one.get("securityContext", {}) for one in containers(pod)]


def _everywhere(pod: Object, holds: Callable[[Any], bool]) -> bool:
    """Tell whether each container says so, or the pod for those that say nothing."""
    return all(holds(own) for own in _own(pod)) if not holds(_contexts(pod)[0]) else True


def _in_each(*path: str, allowed: Callable[[Any], bool]) -> Callable[[Object], bool]:
    """Make a rule on one field of the pod's security context, and of each container's."""

    def holds(pod: Object) -> bool:
        return all(allowed(_at(context, path)) for context in _contexts(pod))

    return holds


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = (value or {}).get(name)
    return value


def _no_host_namespaces(pod: Object) -> bool:
    return not any(pod["spec"].get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))


def _no_host_ports(pod: Object) -> bool:
    return not any(port.get("hostPort") for one in containers(pod) for port in one.get("ports", ()))


def _handlers(pod: Object) -> Iterator[Any]:
    for one in containers(pod):
        yield from (one.get(name, {}) for name in PROBES)
        yield from one.get("lifecycle", {}).values()


def _no_host_in_probes(pod: Object) -> bool:
    # Since 1.34.
    return not any(_at(one, (kind, "host")) for one in _handlers(pod) for kind in ("httpGet", "tcpSocket"))


def _apparmor_by_annotation(pod: Object) -> bool:
    noted = pod.get("metadata", {}).get("annotations", {})
    values = [value for name, value in noted.items() if name.startswith(APPARMOR)]
    return all(value == "runtime/default" or value.startswith("localhost/") for value in values)


def _seccomp(pod: Object) -> bool:
    types = [_at(context, ("seccompProfile", "type")) for context in _contexts(pod)]
    return all(one in PROFILES for one in types if one is not None) and _everywhere(
        pod, lambda context: _at(context, ("seccompProfile", "type")) in PROFILES
    )


def _drops_all(pod: Object) -> bool:
    return all("ALL" in (_at(own, ("capabilities", "drop")) or ()) for own in _own(pod))


def _adds_nothing(pod: Object) -> bool:
    return all(set(_at(own, ("capabilities", "add")) or ()) <= {"NET_BIND_SERVICE"} for own in _own(pod))


def _not_root(pod: Object) -> bool:
    says_root = any(context.get("runAsNonRoot") is False for context in _own(pod))
    return not says_root and _everywhere(pod, lambda context: context.get("runAsNonRoot") is True)


def _volume_types(pod: Object) -> bool:
    return all(one.keys() - {"name"} <= VOLUMES for one in pod["spec"].get("volumes", ()))


def _sysctls(pod: Object) -> bool:
    return {one["name"] for one in _contexts(pod)[0].get("sysctls", ())} <= SYSCTLS


def _nothing(value: Any) -> bool:
    return not value


# Baseline's first, then what restricted adds.
RULES: dict[str, Callable[[Object], bool]] = {
    "HostProcess": _in_each("windowsOptions", "hostProcess", allowed=_nothing),
    "Host Namespaces": _no_host_namespaces,
    "Privileged Containers": lambda pod: not any(own.get("privileged") for own in _own(pod)),
    "Host Ports": _no_host_ports,
    "Host Probes / Lifecycle Hooks": _no_host_in_probes,
    "AppArmor": _in_each("appArmorProfile", "type", allowed=lambda value: value in {None, *PROFILES}),
    "AppArmor, by annotation": _apparmor_by_annotation,
    "SELinux type": _in_each("seLinuxOptions", "type", allowed=lambda value: (value or "") in SELINUX),
    "SELinux user": _in_each("seLinuxOptions", "user", allowed=_nothing),
    "SELinux role": _in_each("seLinuxOptions", "role", allowed=_nothing),
    "/proc Mount Type": lambda pod: all(own.get("procMount", "Default") == "Default" for own in _own(pod)),
    "Sysctls": _sysctls,
    "Volume Types": _volume_types,
    "Privilege Escalation": lambda pod: all(
        own.get("allowPrivilegeEscalation") is False for own in _own(pod)
    ),
    "Running as Non-root": _not_root,
    "Running as Non-root user": _in_each("runAsUser", allowed=lambda value: value is None or value != 0),
    "Seccomp": _seccomp,
    "Capabilities, dropped": _drops_all,
    "Capabilities, added": _adds_nothing,
}
