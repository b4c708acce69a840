"""Where an agent's packets get to: nowhere. test_way_out.py tries what its gateway lets through."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.engine import docker, logs
from tests.harness.once import Once, once
from tests.harness.outside import Outside
from tests.harness.subject import Subject
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.xdist_group("conformance-network")

Ways = dict[str, str]
PORT = 8000

# The host's loopback has these names inside, if it has any.
LOOPBACKS = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "gateway", "host.docker.internal")  # noqa: S104

ELSEWHERE = "192.0.2.1"  # TEST-NET-1 of RFC 5737: what goes there takes the default route
METADATA = "169.254.169.254"
# Where clouds hand out the keys of a machine to whoever asks from it.
CLOUDS = {
    "AWS, Azure, Google and most others": METADATA, "AWS, of a task": "169.254.170.2",
    "Tencent": "169.254.0.23", "AWS, by IPv6": "fd00:ec2::254",
}  # fmt: skip


def attack(subject: Subject, *targets: tuple[str, str] | tuple[str, str, int]) -> dict[str, Ways]:
    found: dict[str, Ways] = subject.python("network.py", json.dumps(targets))
    return found


def reached(ways: Ways) -> list[str]:
    return [f"{how}: {found}" for how, found in ways.items() if found.startswith("reached")]


def assert_reached(subject: Subject, host: str, port: int) -> None:
    """Who listens on a busy machine may take longer to answer than one attack waits."""
    found: dict[str, Ways] = {}

    def tried() -> bool:
        found.update(attack(subject, ("it", host, port)))
        return bool(reached(found["it"]))

    wait_for(tried, lambda: f"somebody who listens to be reached: {found}")


# The host's loopback.


@pytest.fixture(scope="module")
def loopbacks(subject: Subject, outside: Once[Outside]) -> Once[dict[str, Ways]]:
    return Once(lambda: attack(subject, *((name, name, outside().port) for name in LOOPBACKS)))


@pytest.mark.parametrize("name", LOOPBACKS)
def test_a_listener_on_the_loopback_of_the_host_is_not_reached_by(
    loopbacks: Once[dict[str, Ways]], name: str
) -> None:
    assert not reached(loopbacks()[name]), loopbacks()[name]


@pytest.mark.vacuity
def test_in_the_network_of_the_host_its_loopback_is_reached(
    weakened: Subject, outside: Once[Outside]
) -> None:
    assert_reached(weakened.with_options("--network=host"), "127.0.0.1", outside().port)


@pytest.mark.vacuity
def test_the_gateway_is_reached_where_something_listens_on_it(weakened: Subject) -> None:
    """The address by which the host is tried is the right one."""
    # Asked of the container: an engine that never ran before leaves it out of `docker network inspect`.
    way = weakened.python("network.py", json.dumps([("elsewhere", ELSEWHERE)]))["elsewhere"]
    bridge = way.removeprefix("out through ")
    # No port that another program of the host's may have.
    with serving(weakened, "host", bridge, 0) as container:
        found = re.search(r"Serving HTTP on \S+ port (\d+)", logs(container))
        assert found, logs(container)
        assert_reached(weakened, "gateway", int(found[1]))


# Other containers.


@dataclass(frozen=True)
class Neighbour:
    """A container that serves HTTP on a network of its own."""

    network: str
    address: str


@contextmanager
def serving(weakened: Subject, network: str, address: str, port: int) -> Iterator[str]:
    """Run a container that serves an empty folder; it is not weakened, it only has the same image."""
    container = docker(
        "run", "--detach", f"--network={network}", "--user=65534", "--entrypoint=/usr/bin/python3",
        weakened.image, "-Iu", "-m", "http.server", str(port), "--bind", address, "--directory", "/mnt",
    )  # fmt: skip
    try:
        wait_for(lambda: "Serving" in logs(container), lambda: f"a container to serve: {logs(container)}")
        yield container
    finally:
        docker("rm", "--force", container, check=False)


@contextmanager
def neighbouring(weakened: Subject) -> Iterator[Neighbour]:
    network = f"conformance-{uuid.uuid4().hex[:8]}"
    docker("network", "create", network)
    try:
        with serving(weakened, network, "0.0.0.0", PORT) as container:  # noqa: S104 - of its own network
            networks = json.loads(docker("inspect", container))[0]["NetworkSettings"]["Networks"]
            yield Neighbour(network, networks[network]["IPAddress"])
    finally:
        docker("network", "rm", network, check=False)


@pytest.fixture(scope="module")
def neighbour(weakened: Subject) -> Iterator[Once[Neighbour]]:
    with once(neighbouring(weakened)) as found:
        yield found


def test_a_container_of_another_network_is_not_reached(subject: Subject, neighbour: Once[Neighbour]) -> None:
    target = ("it", neighbour().address, PORT)
    began = time.time()
    found = attack(subject, target)["it"]
    while reached(found) and networks_made(began):
        began = time.time()
        found = attack(subject, target)["it"]
    assert not reached(found), f"the engine does not keep its networks apart: {found}"


def networks_made(since: float) -> list[str]:
    """Return the networks that the engine made since then; each is told when it is ready, so wait for some.

    Docker 20.10 takes the rule away that keeps networks apart, and puts it back, whenever it makes one.
    """
    times = f"--since={since:.3f}", f"--until={time.time() + 5:.3f}"
    return docker("events", *times, "--filter=type=network", "--filter=event=create").splitlines()


@pytest.mark.vacuity
def test_a_container_of_the_same_network_is_reached(weakened: Subject, neighbour: Once[Neighbour]) -> None:
    there = weakened.with_options(f"--network={neighbour().network}")
    assert_reached(there, neighbour().address, PORT)


def test_no_port_is_published(subject: Subject) -> None:
    if subject.compose is None:
        pytest.skip("bare docker run: ports are published by its options")
    text = docker("compose", "-f", str(subject.compose), "config", "--format", "json")
    service = json.loads(text)["services"][subject.service]
    assert not service.get("ports"), f"others reach what listens in the container: {service['ports']}"
    assert service.get("network_mode") == "none", f"network_mode: {service.get('network_mode')}"


def test_there_is_a_way_out(subject: Subject) -> None:
    """Model servers are reached by it: what is shut above is not all there is."""
    if subject.compose is None:
        pytest.skip("bare docker run: it has no gateway")
    result = subject.run("curl -sS -o /dev/null -w '%{http_code}' http://elsewhere.invalid/")
    assert result.stdout == "403", f"no gateway answers: {result.stdout}{result.stderr}"


# The container's own network.

SIGHTS = {
    "interface but the loopback": "ls /sys/class/net | grep -vx lo",
    "route": "tail -n +2 /proc/net/route",
    "route of IPv6": "awk '$NF != \"lo\"' /proc/net/ipv6_route",
    "address of IPv6 but the loopback's": "awk '$NF != \"lo\"' /proc/net/if_inet6",
    "neighbour": "tail -n +2 /proc/net/arp",
    "name server but the link": "grep ^nameserver /etc/resolv.conf | grep -vFx 'nameserver 127.0.0.1'",
    "domain to search": "grep -E '^(search|domain) ' /etc/resolv.conf",
}
END = "end of it"


@pytest.fixture(scope="module")
def sights(subject: Subject) -> Once[list[str]]:
    return Once(lambda: look(subject))


@pytest.fixture(scope="module")
def usual_sights(weakened: Subject) -> Once[list[str]]:
    return Once(lambda: look(weakened))


def look(subject: Subject) -> list[str]:
    """Return what there is of each, in their order."""
    script = f"; echo {END}; ".join((*SIGHTS.values(), ""))
    return subject.run(script).stdout.split(f"{END}\n")


@pytest.mark.parametrize("what", SIGHTS)
def test_there_is_no(subject: Subject, sights: Once[list[str]], what: str) -> None:
    _skip_bare(subject)
    found = sights()
    assert len(found) == len(SIGHTS) + 1, found
    assert not found[list(SIGHTS).index(what)], f"the container has a network: {found}"


# An ordinary container has no IPv6, mostly, and knows no neighbour before it has spoken.
USUAL = ("interface but the loopback", "route", "name server but the link")


@pytest.mark.vacuity
@pytest.mark.parametrize("what", USUAL)
def test_in_a_usual_container_there_is(usual_sights: Once[list[str]], what: str) -> None:
    assert usual_sights()[list(SIGHTS).index(what)]


# A cloud's metadata service.


@pytest.fixture(scope="module")
def ways_to_clouds(subject: Subject) -> Once[dict[str, Ways]]:
    return Once(lambda: attack(subject, *CLOUDS.items()))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_route_leads_to_the_metadata_service_of(
    subject: Subject, ways_to_clouds: Once[dict[str, Ways]], cloud: str
) -> None:
    _skip_bare(subject)
    found = str(ways_to_clouds()[cloud])
    assert not found.startswith("out"), (
        f"packets to {CLOUDS[cloud]} go {found}: the machine's keys can be had by whoever asks for them."
        " compose.yml: network_mode, or link_local_ips where there is a network"
    )


@pytest.mark.vacuity
@pytest.mark.parametrize("cloud", [cloud for cloud, address in CLOUDS.items() if ":" not in address])
def test_a_usual_container_has_a_route_to_the_metadata_service_of(weakened: Subject, cloud: str) -> None:
    assert str(attack(weakened, (cloud, CLOUDS[cloud]))[cloud]).startswith("out through")


def test_a_metadata_service_is_not_reached(subject: Subject, metadata: Once[None]) -> None:
    _skip_bare(subject)
    metadata()
    found = attack(subject, ("it", METADATA, 80))["it"]
    assert not reached(found), f"it answers: {found}"


@pytest.mark.vacuity
def test_a_usual_container_reaches_a_metadata_service(weakened: Subject, metadata: Once[None]) -> None:
    metadata()
    assert_reached(weakened, METADATA, 80)


@pytest.fixture(scope="module")
def metadata(outside: Once[Outside]) -> Iterator[Once[None]]:
    """A metadata service that this machine can reach: a cloud's, or one that is made for the test."""
    with ExitStack() as stack:

        def find() -> None:
            if _answers():
                return
            reason = "no cloud's; to simulate one takes root, ip(8) and an engine on this machine"
            if os.geteuid() != 0 or shutil.which("ip") is None:
                pytest.skip(reason)
            if str(Path("/proc/self/ns/net").readlink()) != outside().namespaces["net"]:
                pytest.skip(reason)
            stack.enter_context(simulated())

        yield Once(find)


def _answers() -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{METADATA}/", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def simulated() -> Iterator[None]:
    """Put a service with the address behind a link of the host's, which routes to it as to a cloud's."""
    name = f"meta-{uuid.uuid4().hex[:6]}"
    near, far = f"{name}-a", f"{name}-b"

    def ip(words: str) -> None:
        done = subprocess.run(["ip", *words.split()], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"ip {words}: {done.stderr}"

    server = None
    ip(f"netns add {name}")
    try:
        ip(f"link add {near} type veth peer name {far}")
        ip(f"link set {far} netns {name}")
        # Addresses of documentation, which nobody has: RFC 5737.
        ip(f"addr add 198.51.100.1/30 dev {near}")
        ip(f"link set {near} up")
        for words in (
            "link set lo up", f"addr add 198.51.100.2/30 dev {far}", f"link set {far} up",
            f"addr add {METADATA}/32 dev lo", "route add default via 198.51.100.1",
        ):  # fmt: skip
            ip(f"-n {name} {words}")
        # A run that was killed may have left one.
        ip(f"route replace {METADATA}/32 via 198.51.100.2")
        server = subprocess.Popen(
            ["ip", "netns", "exec", name, "python3", "-m", "http.server", "80", "--bind", METADATA],
            cwd="/proc/self/fdinfo", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(_answers, "the simulated metadata service")
        yield
    finally:
        if server is not None:
            # `ip netns exec` becomes the program.
            server.kill()
            server.wait()
        for words in (f"link del {near}", f"netns del {name}"):
            subprocess.run(["ip", *words.split()], check=False, capture_output=True)


def _skip_bare(subject: Subject) -> None:
    if subject.compose is None:
        pytest.skip("bare docker run: it takes --network=none and a gateway; see compose.yml")
