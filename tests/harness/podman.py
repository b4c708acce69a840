"""Pods of deploy/kubernetes, run by Podman in a container of its own.

**Podman keeps to no NetworkPolicy.** In its place the sandboxes have a network of their own that leads
nowhere, on which there is the gateway; the gateway has another one besides, with the model server. So what
a sandbox can reach is what the policy would let it reach, but for the other pods on its network. Whether a
cluster keeps to the policy is not shown by these tests.
"""

import copy
import functools
import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import yaml

from tests.harness import kubelet, manifests
from tests.harness.engine import IMAGE, Result, docker
from tests.harness.kubelet import Folder
from tests.harness.manifests import Object
from tests.harness.repository import ROOT
from tests.harness.waiting import PATIENCE, wait_for

# What it takes to make containers in one. Not --privileged, which an engine that has not got every capability
# itself refuses; the rest are Docker's usual ones.
CAPABILITIES = (
    "DAC_READ_SEARCH", "MKNOD", "NET_ADMIN", "NET_RAW", "SETFCAP", "SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE",
)  # fmt: skip
OPTIONS = (
    "--init", "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined",
    "--security-opt=systempaths=unconfined", "--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup",
    "--device=/dev/fuse", f"--tmpfs={kubelet.MEMORY}:exec,size=4g", "--env=PODMAN_IGNORE_CGROUPSV1_WARNING=1",
    *(f"--cap-add={name}" for name in CAPABILITIES),
)  # fmt: skip
# crun refuses a host with both versions of cgroups; no systemd is there to manage them.
SETTINGS = '[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\n'
PODS, SERVERS = "10.89.1", "10.89.2"
GATEWAY, MODEL = f"{PODS}.2", f"{SERVERS}.10"
KEY = "sk-planted/key+of=the.user"
LOAD = 600.0  # seconds: an image of 1.7 GB, twice through a disk


class Podman:
    """The container that runs the pods.

    Args:
        name: the container's.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._played: list[str] = []

    def run(self, *command: str, stdin: str = "", patience: float = PATIENCE * 2) -> Result:
        """Run a command in it to its end."""
        return subprocess.run(
            ["docker", "exec", "--interactive", self.name, *command], input=stdin, capture_output=True,
            text=True, errors="backslashreplace", timeout=patience, check=False,
        )  # fmt: skip

    def podman(self, *arguments: str, stdin: str = "") -> str:
        """Run Podman, which must succeed; return what it printed."""
        result = self.run("podman", *arguments, stdin=stdin)
        assert result.returncode == 0, f"podman {' '.join(arguments)}\n{result.stdout}{result.stderr}"
        return result.stdout.strip()

    def play(self, documents: Sequence[Object], *networks: str) -> Result:
        """Start pods, in the place of those of the same name; they stay until `down`.

        Args:
            documents: the pods, and what they mount.
            networks: as `podman kube play --network` has them.
        """
        text = yaml.safe_dump_all(documents)
        self._played.append(text)
        where = [f"--network={one}" for one in networks]
        return self.run("podman", "kube", "play", "--replace", *where, "-", stdin=text)

    def down(self, since: int = 0) -> None:
        """Remove what was played, and the volumes, but for the first so many plays, which have none."""
        while len(self._played) > since:
            self.run("podman", "kube", "down", "--force", "-", stdin=self._played.pop())
        self.run("sh", "-c", f"rm -rf {kubelet.DISK} {kubelet.CLAIMS} {kubelet.MEMORY}/*")

    def make(self, folders: Sequence[Folder]) -> None:
        """Make the folders of volumes, where they are not there yet."""
        for folder in folders:
            if self.run("test", "-d", folder.path).returncode:
                made = self.run(
                    "install", "-d", f"--mode={folder.mode}", f"--group={folder.group}", folder.path
                )
                assert made.returncode == 0, made.stderr

    @property
    def played(self) -> int:
        """How often something was played and is still there."""
        return len(self._played)

    def logs(self, container: str) -> str:
        """Return what a container wrote to stdout and stderr."""
        result = self.run("podman", "logs", container)
        return (result.stdout + result.stderr).replace("\r", "").strip()

    def output(self, container: str) -> str:
        """Return what a container wrote to stdout alone."""
        return self.run("podman", "logs", container).stdout

    def wait(self, container: str) -> int:
        """Wait until a container has ended; return its exit code."""
        return int(self.podman("wait", container))

    def state(self, container: str) -> dict[str, Any]:
        """Return what Podman says of a container; {} where there is none."""
        result = self.run("podman", "inspect", "--type=container", container)
        found: list[dict[str, Any]] = json.loads(result.stdout or "[]")
        return found[0] if found else {}

    def attaching(self, container: str) -> list[str]:
        """Return the command line that joins a terminal to a container's."""
        return ["docker", "exec", "--interactive", "--tty", self.name, "podman", "attach", container]

    def told(self) -> str:
        """Return what is known of every container: for a test that failed."""
        names = self.run("podman", "ps", "--all", "--format={{.Names}}").stdout.split()
        return "\n\n".join(self._account(name) for name in names if not name.endswith("-infra"))

    def _account(self, name: str) -> str:
        found = self.state(name)
        essentials = {
            "state": {key: found["State"].get(key) for key in ("Status", "ExitCode", "OOMKilled", "Error")},
            "command": found["Config"].get("Cmd"),
            "mounts": [f"{one['Destination']} {one['Type']} rw={one['RW']}" for one in found["Mounts"]],
        }
        return f"{name}: {json.dumps(essentials)}\n{self.logs(name)[-6000:]}"


class Cluster(Podman):
    """What a cluster has before the first session: networks, a model server, and the manifests, rendered."""

    def prepare(self) -> None:
        """Load the image under test, and make the networks and the model server."""
        self._load()
        for name, part in (("pods", PODS), ("servers", SERVERS)):
            self.podman("network", "create", "--disable-dns", "--internal", f"--subnet={part}.0/24", name)
        self.podman(
            "run", "--detach", "--name=model", f"--network=servers:ip={MODEL}", "--user=65534:65534",
            "--init", "--volume=/checkout/tests/probes:/probes:ro", "--entrypoint=/usr/bin/python3",
            "localhost/agentic-sandbox", "-I", "/probes/scripted_model.py", f"--host={MODEL}", f"--key={KEY}",
        )  # fmt: skip

    def _load(self) -> None:
        """Give Podman the image under test, under the name that the manifests have."""
        with subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE) as saved:
            loaded = subprocess.run(
                ["docker", "exec", "--interactive", self.name, "podman", "load", "--quiet"],
                stdin=saved.stdout, capture_output=True, text=True, timeout=LOAD, check=False,
            )  # fmt: skip
        assert loaded.returncode == 0, loaded.stderr
        self.podman("tag", loaded.stdout.split()[-1], "localhost/agentic-sandbox:latest")

    @functools.cached_property
    def documents(self) -> dict[str, Object]:
        """The manifests, rendered: KIND/NAME and the document."""
        text = self.run("kubectl", "kustomize", "/checkout/tests/kubernetes/pods/overlay")
        assert text.returncode == 0, text.stderr
        found = {}
        for document in yaml.safe_load_all(text.stdout):
            document["metadata"].pop("namespace", None)  # Podman has none
            found[f"{document['kind']}/{document['metadata']['name']}"] = document
        return found

    def given(self, pod: Object, **settings: str) -> dict[str, str]:
        """Return what every container of a pod has for variables besides its own.

        Args:
            pod: a pod of a manifest.
            settings: what the ConfigMap has besides, as an overlay may change it.
        """
        links = kubelet.service_links(self.documents["Service/gateway"], GATEWAY)
        if not pod["spec"].get("enableServiceLinks", True):
            links = {name: value for name, value in links.items() if name.startswith("KUBERNETES_")}
        configured: dict[str, str] = self.documents["ConfigMap/settings"]["data"]
        return links | configured | settings

    def gateway(self, key: Object, number: int = 2, **settings: str) -> Result:
        """Start a gateway, whose container is then `gateway-pod-gateway`, or of another name with a number.

        Args:
            key: the Secret with the key, of any name.
            number: the last of its address; that of the Service is 2.
            settings: what its ConfigMap has besides.
        """
        pod = kubelet.pod_of(self.documents["Deployment/gateway"])
        if number != 2:
            pod["metadata"]["name"] += f"-{number}"
        for volume in (one for one in pod["spec"]["volumes"] if "secret" in one):
            volume["secret"]["secretName"] = key["metadata"]["name"]
        documents = [self.documents["ConfigMap/policy"], key]
        given = self.given(pod, **settings)
        made, _ = kubelet.prepared(pod, given, f"{PODS}.{number}")
        return self.play([*documents, made], f"pods:ip={PODS}.{number}", f"servers:ip={SERVERS}.{number}")

    def session(
        self, *arguments: str, env: Mapping[str, str] | None = None, terminal: bool = False,
        settings: Mapping[str, str] | None = None, mounts: Mapping[str, str] | None = None,
    ) -> Result:  # fmt: skip
        """Start the session's pod; its container is `sandbox-sandbox`.

        Args:
            arguments: for the tool.
            env: its variables besides.
            terminal: whether it has one, as in the manifest; without, stdout and stderr are told apart.
            settings: what its ConfigMap has besides, or the cluster gives it in the place of its own.
            mounts: what it sees of the engine's files, read-only: inside and outside.
        """
        pod = copy.deepcopy(self.documents["Pod/sandbox"])
        (container,) = pod["spec"]["containers"]
        container["args"] = list(arguments)
        container["stdin"] = container["tty"] = terminal
        container["env"] += [{"name": name, "value": value} for name, value in (env or {}).items()]
        for number, (inside, outside) in enumerate((mounts or {}).items()):
            name = f"of-the-test-{number}"
            container["volumeMounts"].append({"name": name, "mountPath": inside, "readOnly": True})
            pod["spec"]["volumes"].append({"name": name, "hostPath": {"path": outside}})
        made, folders = kubelet.prepared(pod, self.given(pod, **(settings or {})), "")
        self.make(folders)
        return self.play([made], "pods")

    def tasks(self, *tasks: Mapping[str, Any], source: str = "/source") -> Result:
        """Start the pods of a job, one for each task; their containers are `tasks-INDEX-CONTAINER`.

        Args:
            tasks: what is in the file of each index.
            source: SANDBOX_SOURCE; the claim `source` is at /source, as components/shared-source mounts it.
        """
        job = copy.deepcopy(self.documents["Job/tasks"])
        spec = job["spec"]["template"]["spec"]
        fetch = spec["initContainers"][0]
        fetch["env"][0]["value"] = source
        fetch["volumeMounts"].append({"name": "source", "mountPath": "/source", "readOnly": True})
        spec["volumes"].append({"name": "source", "persistentVolumeClaim": {"claimName": "source"}})
        files = {f"{index}.json": json.dumps(one) for index, one in enumerate(tasks)}
        documents: list[Object] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tasks"}, "data": files}
        ]
        for index in range(len(tasks)):
            pod = kubelet.pod_of(job, index)
            made, folders = kubelet.prepared(pod, self.given(pod), "")
            self.make(folders)
            documents.append(made)
        return self.play(documents, "pods")

    def workspace(self, index: int, *command: str) -> str:
        """Run a command as root in the workspace of a task; return what it printed."""
        return self._in(f"{kubelet.DISK}/tasks-{index}/workspace", *command)

    def unpack(self, claim: str, payload: bytes) -> None:
        """Put the result of a task into the volume of a claim, as start.sh does into a copy."""
        options = ("--rm", "--interactive", "--network=none", "--user=1000:1000", "--cap-drop=ALL")
        put = subprocess.run(
            ["docker", "exec", "--interactive", self.name, "podman", "run", *options,
             f"--volume={kubelet.CLAIMS}/{claim}:/home/agent/workspace", "--env=SANDBOX_SESSION=unpack",
             "localhost/agentic-sandbox"],
            input=payload, capture_output=True, timeout=PATIENCE * 2, check=False,
        )  # fmt: skip
        assert put.returncode == 0, put.stderr.decode()

    def claim(self, name: str, group: int, mode: str) -> None:
        """Make the volume of a claim as another cluster would, before a pod takes it."""
        self.make([Folder(f"{kubelet.CLAIMS}/{name}", group, mode)])

    def volume(self, name: str, *command: str) -> str:
        """Run a command as root in the volume of a claim; return what it printed."""
        return self._in(f"{kubelet.CLAIMS}/{name}", *command)

    def _in(self, folder: str, *command: str) -> str:
        result = self.run("env", f"--chdir={folder}", *command)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def ready(self) -> None:
        """Wait until the gateway says that it is; its ports are open by then."""
        name = "gateway-pod-gateway"
        wait_for(lambda: '"ready"' in self.logs(name), lambda: f"the gateway: {self.logs(name)}")

    def requests(self) -> list[dict[str, Any]]:
        """Return what the model server was asked."""
        return [json.loads(line) for line in self.logs("model").splitlines() if line.startswith("{")]


def secret(name: str, **data: str) -> Object:
    """Return a Secret; of a key's name in Python an underscore stands for a dot."""
    return {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "stringData": {key.replace("_", "."): value for key, value in data.items()},
    }  # fmt: skip


@contextmanager
def running() -> Iterator[Cluster]:
    """Start Podman in a container, with a store of its own; both go at the end."""
    name = f"sandbox-test-podman-{uuid.uuid4().hex[:8]}"
    places = (f"--volume={ROOT}/deploy:/checkout/deploy:ro", f"--volume={ROOT}/tests:/checkout/tests:ro")
    try:
        docker(
            "run", "--detach", f"--name={name}", *OPTIONS, *places, f"--volume={name}:/var/lib/containers",
            manifests.image(), "sleep", "infinity",
        )  # fmt: skip
        made = Cluster(name)
        made.run("tee", "/etc/containers/containers.conf", stdin=SETTINGS)
        made.prepare()
        yield made
    finally:
        docker("exec", name, "podman", "rm", "--all", "--force", "--time=0", check=False)
        docker("rm", "--force", "--volumes", name, check=False)
        docker("volume", "rm", "--force", name, check=False)
