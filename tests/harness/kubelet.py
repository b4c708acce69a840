"""What Kubernetes does to a pod before its containers start, and `podman kube play` does not.

Each function is one such thing, named after who does it there. Nothing else of a manifest is changed, so that
what a test sees of a pod is what the manifest says.
"""

import copy
import re
from collections.abc import Mapping
from typing import NamedTuple

from tests.harness.manifests import Object, containers

# Where nobody is: a pod whose NetworkPolicy holds does not reach the cluster's API.
API = "10.96.0.1"
# https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
INDEX = "batch.kubernetes.io/job-completion-index"


# In the container of Podman: its disk, and a tmpfs.
DISK, CLAIMS, MEMORY = "/var/lib/containers/pods", "/var/lib/containers/claims", "/memory"


class Folder(NamedTuple):
    """A volume of a pod: root's, and a group's."""

    path: str
    group: int
    mode: str


def service_links(service: Object, address: str, api: str = API) -> dict[str, str]:
    """Return the variables that the kubelet gives every container for a Service, and for the cluster's API.

    https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables

    Args:
        service: the Service.
        address: its cluster address.
        api: the API's.
    """
    named = [(port["name"].upper(), port["port"]) for port in service["spec"]["ports"]]
    return {
        **_links(service["metadata"]["name"].upper().replace("-", "_"), address, named),
        **_links("KUBERNETES", api, [("HTTPS", 443)]),
    }


def _links(name: str, address: str, ports: list[tuple[str, int]]) -> dict[str, str]:
    first = ports[0][1]
    found = {
        f"{name}_SERVICE_HOST": address,
        f"{name}_SERVICE_PORT": str(first),
        f"{name}_PORT": f"tcp://{address}:{first}",
    }
    for label, port in ports:
        found[f"{name}_SERVICE_PORT_{label}"] = str(port)
        one = f"{name}_PORT_{port}_TCP"
        found |= {
            one: f"tcp://{address}:{port}", f"{one}_PROTO": "tcp",
            f"{one}_PORT": str(port), f"{one}_ADDR": address,
        }  # fmt: skip
    return found


def pod_of(controller: Object, index: int | None = None) -> Object:
    """Return the pod that a Deployment, or a Job for one of its indexes, makes of its template.

    Podman takes a Deployment and a Job too, but knows nothing of an index.
    """
    name, template = controller["metadata"]["name"], copy.deepcopy(controller["spec"]["template"])
    suffix = "pod" if index is None else str(index)
    pod = {
        "apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
        "metadata": {**template["metadata"], "name": f"{name}-{suffix}"},
    }  # fmt: skip
    if index is not None:
        pod["metadata"]["annotations"] = {**pod["metadata"].get("annotations", {}), INDEX: str(index)}
        which = {"name": "JOB_COMPLETION_INDEX", "value": str(index)}
        for container in containers(pod):
            container["env"] = [*container.get("env", []), which]
    return pod


def prepared(pod: Object, given: Mapping[str, str], address: str) -> tuple[Object, list[Folder]]:
    """Return a pod as Podman runs it the way a kubelet would, and the folders to make for it.

    Args:
        pod: a pod of a manifest.
        given: the variables of its services, and what it takes by envFrom.
        address: the pod's own.
    """
    made = copy.deepcopy(pod)
    spec = made["spec"]
    # Podman removes a container that begins a pod, with its log, as soon as it has ended.
    made["metadata"].setdefault("annotations", {})["io.podman.annotations.init.container.type"] = "always"
    for container in containers(made):
        # With Podman envFrom goes before env.
        container.pop("envFrom", None)
        container["env"] = _expanded(container.get("env", []), given, address)
        # A registry is asked for no image: that of the test is there, or the pod has none.
        container["imagePullPolicy"] = "Never"
        # Podman runs them inside the container, by nc, at localhost, and by timers of systemd.
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            container.pop(probe, None)
    group = spec["securityContext"]["fsGroup"]
    folders = []
    for volume in spec.get("volumes", []):
        _flatten(volume)
        _open_to_the_group(volume)
        folders += _place(volume, made["metadata"]["name"], group)
    return made, folders


def _expanded(env: list[Object], given: Mapping[str, str], address: str) -> list[Object]:
    """Put in the values of status.podIP and of $(NAME), which only names before it have."""
    known = dict(given)
    for entry in env:
        if entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") == "status.podIP":
            known[entry["name"]] = address
        elif "value" in entry:
            known[entry["name"]] = re.sub(
                r"\$\((\w+)\)", lambda found: known.get(found[1], found[0]), entry["value"]
            )
    others = [entry for entry in env if entry["name"] not in known]
    return [*({"name": name, "value": value} for name, value in known.items()), *others]


def _flatten(volume: Object) -> None:
    """Podman knows no projected volume; of one ConfigMap it is that ConfigMap's."""
    if "projected" in volume:
        (source,) = volume.pop("projected")["sources"]
        volume["configMap"] = source["configMap"]


def _open_to_the_group(volume: Object) -> None:
    """Podman knows no fsGroup: it leaves a Secret's files root's."""
    secret = volume.get("secret", {})
    if "defaultMode" in secret:
        secret["defaultMode"] |= 0o004


def _place(volume: Object, pod: str, group: int) -> list[Folder]:
    """Put a volume where it belongs to root and the fsGroup, as on a cluster: here it would be the user's.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ (fsGroup): group, and setgid.
    """
    if "emptyDir" in volume:
        memory = volume.pop("emptyDir").get("medium") == "Memory"
        folder = Folder(f"{MEMORY if memory else DISK}/{pod}/{volume['name']}", group, "2777")
    elif "persistentVolumeClaim" in volume:
        claim = volume.pop("persistentVolumeClaim")["claimName"]
        folder = Folder(f"{CLAIMS}/{claim}", group, "2775")
    else:
        return []
    volume["hostPath"] = {"path": folder.path}
    return [folder]
