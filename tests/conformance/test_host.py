"""What the container holds or sees of the host: the folders that it is given, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import docker
from tests.harness.once import Once
from tests.harness.outside import HOST, Outside
from tests.harness.repository import ROOT
from tests.harness.subject import Subject

pytestmark = pytest.mark.xdist_group("conformance-host")

Facts = dict[str, Any]

KINDS = ("pid", "net", "ipc", "uts", "cgroup")

# What compose.yml mounts, what the engine does, and the attacks themselves.
FOLDERS = {
    "/home/agent/workspace", "/home/agent/data", "/etc/sandbox/config", "/etc/sandbox/opencode",
    "/etc/sandbox/session-ca.pem", "/run/gateway",
}  # fmt: skip
ENGINES_FILES = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
OURS = {"/attacks"}

# What the OCI runtime specification gives every container on Linux, and a terminal's.
DEVICES = {
    "/dev/null": "character 1:3", "/dev/zero": "character 1:5", "/dev/full": "character 1:7",
    "/dev/random": "character 1:8", "/dev/urandom": "character 1:9", "/dev/tty": "character 5:0",
}  # fmt: skip
CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "SETGID": 6, "SETUID": 7}


def look(subject: Subject, outside: Once[Outside], *options: str) -> Facts:
    found: Facts = subject.with_options(*options).python("host.py", outside().marker, outside().marker)
    return found


@pytest.fixture(scope="module")
def facts(subject: Subject, outside: Once[Outside]) -> Once[Facts]:
    return Once(lambda: look(subject, outside))


@pytest.fixture(scope="module")
def weak_facts(weakened: Subject, outside: Once[Outside]) -> Once[Facts]:
    """From a container that has all of the host's namespaces, its root and the engine's socket."""
    given = ("-v=/:/host:ro", "-v=/var/run/docker.sock:/var/run/docker.sock", "--group-add=987654")
    return Once(lambda: look(weakened, outside, *HOST, *given))


@pytest.mark.parametrize("kind", KINDS)
def test_the_host_shares_no_namespace(
    facts: Once[Facts], outside: Once[Outside], subject: Subject, kind: str
) -> None:
    if kind == "cgroup" and subject.compose is None and _cgroup_version() == "1":
        pytest.skip("bare docker run: with cgroup v1 the engine's default is the host's cgroup namespace")
    found = facts()["namespaces"][kind]
    assert found != outside().namespaces[kind], f"{kind}: the container is in the host's namespace, {found}"


@pytest.mark.vacuity
@pytest.mark.parametrize("kind", KINDS)
def test_a_container_in_the_namespaces_of_the_host_is_told(
    weak_facts: Once[Facts], outside: Once[Outside], kind: str
) -> None:
    assert weak_facts()["namespaces"][kind] == outside().namespaces[kind]


def test_processes_of_the_host_are_not_seen(facts: Once[Facts]) -> None:
    assert facts()["marked"] == [], "these PIDs are a process of the host's; --pid=host?"


def test_the_first_process_is_the_containers_own(facts: Once[Facts], subject: Subject) -> None:
    first = facts()["first"]
    declared = json.loads(docker("image", "inspect", subject.image))[0]["Config"].get("Entrypoint") or []
    assert Path(first[0]).name not in ("systemd", "init", "docker-init", "tini"), f"PID 1 is {first}"
    if subject.prefix == ("-c",):
        if declared[0] == "/opt/sandbox/block-signals":  # becomes the rest
            declared = declared[1:]
        assert first[: len(declared)] == declared, f"PID 1 is {first}, not the image's entry point {declared}"


@pytest.mark.vacuity
def test_with_the_hosts_processes_one_is_found(weak_facts: Once[Facts]) -> None:
    assert weak_facts()["marked"] != []


def test_no_device_but_what_every_container_has(facts: Once[Facts]) -> None:
    found = {path: kind for path, kind in facts()["devices"].items() if path != "/dev/console"}
    more = {path: kind for path, kind in found.items() if DEVICES.get(path) != kind}
    assert not more, f"devices of the host: {more}"


@pytest.mark.vacuity
def test_devices_of_the_host_are_found_where_they_are(weak_facts: Once[Facts]) -> None:
    assert set(weak_facts()["devices"]) - set(DEVICES) - {"/dev/console"}


def test_nothing_of_the_host_is_mounted_but_what_is_declared(facts: Once[Facts], subject: Subject) -> None:
    allowed = ENGINES_FILES | OURS | (FOLDERS if _is_ours(subject) else _declared(subject))
    more = {place: source for place, source in facts()["mounts"].items() if place not in allowed}
    assert not more, f"mounted from the host: {more}"


def test_no_folder_of_the_hosts_system_is_mounted(facts: Once[Facts]) -> None:
    """Whatever a compose file declares."""
    forbidden = (
        "/",
        "/etc",
        "/root",
        "/boot",
        "/dev",
        "/proc",
        "/sys",
        "/usr",
        "/var/lib",
        "/run",
        "/var/run",
    )
    sources = {place: source.rpartition(" (")[0] for place, source in facts()["mounts"].items()}
    # In these two the engine's own copies of /etc/hosts and its like have their place.
    found = {p: s for p, s in sources.items() if s in forbidden or s.endswith(".sock")}
    assert not found, f"{found}"


@pytest.mark.vacuity
def test_a_mount_of_the_hosts_root_is_found(weak_facts: Once[Facts]) -> None:
    assert "/host" in weak_facts()["mounts"]
    assert weak_facts()["mounts"]["/host"].startswith("/ (")


def test_no_socket_of_an_engine_is_there(facts: Once[Facts]) -> None:
    assert facts()["sockets"] == {}, "sockets in the container; one that can be reached may be the engine's"


@pytest.mark.vacuity
def test_a_mounted_socket_of_the_engine_is_found_and_can_be_used(weak_facts: Once[Facts]) -> None:
    assert "reached" in weak_facts()["sockets"].values()


def test_abstract_sockets_of_the_host_cannot_be_reached(facts: Once[Facts]) -> None:
    assert facts()["connected"] != "reached", "a listener in the host's network namespace answers"
    assert facts()["abstract"] == [], "abstract sockets that are seen"


@pytest.mark.vacuity
def test_in_the_hosts_network_its_abstract_sockets_are_reached(weak_facts: Once[Facts]) -> None:
    assert weak_facts()["connected"] == "reached"
    assert weak_facts()["abstract"] != []


def test_the_agent_is_in_no_further_group(facts: Once[Facts]) -> None:
    """The group `docker` would be as good as root, if the socket were there."""
    assert facts()["groups"] == []


@pytest.mark.vacuity
def test_a_further_group_is_found(weak_facts: Once[Facts]) -> None:
    assert 987654 in weak_facts()["groups"]


def test_the_agent_has_no_capability(facts: Once[Facts]) -> None:
    held = {key: hex(value) for key, value in facts()["capabilities"].items() if value and key != "CapBnd"}
    assert held == {}


def test_no_capability_can_be_regained_but_the_four_of_the_start(
    facts: Once[Facts], subject: Subject
) -> None:
    if subject.compose is None:
        pytest.skip("bare docker run: the engine's default set is its own, no_new_privs makes it ineffective")
    more = facts()["capabilities"]["CapBnd"] & ~sum(1 << bit for bit in CAPABILITIES.values())
    assert not more, f"the bounding set holds more than {', '.join(CAPABILITIES)}: {more:#x}"


@pytest.mark.vacuity
def test_capabilities_are_found_where_they_are(weak_facts: Once[Facts]) -> None:
    assert weak_facts()["capabilities"]["CapEff"] & ~sum(1 << bit for bit in CAPABILITIES.values())


def test_the_hosts_name_is_not_known(facts: Once[Facts], outside: Once[Outside]) -> None:
    assert facts()["hostname"] != outside().hostname


def test_no_interface_of_the_hosts_network_is_seen(facts: Once[Facts]) -> None:
    more = {name for name in facts()["interfaces"] if name != "lo" and not name.startswith("eth")}
    # Tunnels that the kernel makes in every network namespace, without an address.
    assert more <= {"tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0"}, (
        f"{more}"
    )


@pytest.mark.vacuity
def test_the_hosts_name_and_interfaces_are_seen_where_they_are(
    weak_facts: Once[Facts], outside: Once[Outside]
) -> None:
    assert weak_facts()["hostname"] == outside().hostname
    assert "docker0" in weak_facts()["interfaces"]


def _cgroup_version() -> str:
    return docker("info", "--format", "{{.CgroupVersion}}")


def _is_ours(subject: Subject) -> bool:
    return subject.compose in (None, ROOT / "compose.yml")


def _declared(subject: Subject) -> set[str]:
    text = docker("compose", "-f", str(subject.compose), "config", "--format", "json")
    volumes = json.loads(text)["services"][subject.service].get("volumes", [])
    return {volume["target"] for volume in volumes}
