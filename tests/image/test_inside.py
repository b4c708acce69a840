"""A session that reaches its gateway by a network, where sockets cannot be shared: what else it reaches."""

import json
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import IMAGE, docker, logs
from tests.harness.sandbox import PROJECT, Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.waiting import wait_for

KEY = "sk-planted-key-of-the-user"
SHELL = ("--no-build", "--shell", "--", "-c")
LABEL = "agentic-sandbox.gateway"


@pytest.fixture
def model(serve: Callable[..., Model], sandbox: Sandbox) -> Model:
    """Start a scripted server, and ask for sessions that reach it by a network."""
    served = serve()
    sandbox.environ.update(
        EGRESS="model", EGRESS_VIA="network", KEYS_DIR=str(sandbox.folder / "keys"), MODEL_API_KEY=KEY
    )
    return served


def networks() -> str:
    """Return the networks of sessions of the tests' project."""
    mine = (f"label={LABEL}", f"label=com.docker.compose.project={PROJECT}")
    return docker("network", "ls", "--quiet", *(word for one in mine for word in ("--filter", one)))


@contextmanager
def listening() -> Iterator[int]:
    """Take connections at all addresses of this machine, at a port that is free; yield it."""
    with socket.create_server(("", 0)) as server:
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _greet(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        connection.close()


def addresses() -> list[str]:
    """Return the IPv4 addresses of this machine, of its bridges, too."""
    told = json.loads(subprocess.run(["ip", "-4", "-json", "addr"], capture_output=True, check=True).stdout)
    return [one["local"] for interface in told for one in interface["addr_info"]]


def trying(port: int, found: list[str]) -> str:
    # At once: where packets are lost, each takes its three seconds.
    return f"""
        for host in {" ".join(found)}; do
          (timeout 3 bash -c "exec 3<>/dev/tcp/$host/{port}" 2>/dev/null && echo "reached $host") &
        done
        wait
    """


def test_the_model_is_reached_by_the_gateway_and_nothing_else_is_there(
    sandbox: Sandbox, model: Model
) -> None:
    script = """
        ls /sys/class/net; grep -v ' lo$' /proc/net/if_inet6
        ls /run/gateway/$SANDBOX_GATEWAY
        curl -sS -o /dev/null -w '%{http_connect}\\n' https://example.test
        unset HTTPS_PROXY https_proxy ALL_PROXY all_proxy
        getent hosts """ + model.name + """ example.test gateway.example.test && echo found
        curl -s $SANDBOX_MODEL_URL/models
    """  # fmt: skip
    result = start(sandbox, *SHELL, script)
    assert result.returncode == 0, result.stderr
    *lines, told = result.stdout.splitlines()
    assert lines == ["eth0", "lo", "address", "gitconfig", "403"], result.stdout + result.stderr
    assert json.loads(told)["data"][0]["id"] == "scripted-model"
    assert model.requests()[-1]["authorization"] == f"Bearer {KEY}"
    assert networks() == ""


@pytest.mark.skipif(shutil.which("ip") is None, reason="this machine's addresses are asked of ip(8)")
@pytest.mark.usefixtures("model")
def test_no_address_of_this_machine_is_reached(sandbox: Sandbox) -> None:
    with listening() as port:
        usual = docker(
            "run", "--rm", "--entrypoint", "/bin/bash", IMAGE, "-c", trying(port, addresses())
        ).splitlines()
        if not usual:
            pytest.skip("the engine's machine is another")
        # The bridge of the session's own network would have the first address there.
        bridge = """router=$(hostname -I | sed 's/[0-9]* *$/1/'); echo "$router" >&2\n""" + trying(
            port, ["$router"]
        )
        result = start(sandbox, *SHELL, bridge + trying(port, addresses()))
    assert result.returncode == 0, result.stderr
    # Its own loopback's number is not this machine's.
    assert result.stdout == "", result.stdout


@pytest.mark.usefixtures("model")
def test_a_name_server_on_this_machines_loopback_is_not_asked(sandbox: Sandbox) -> None:
    name = f"canary-{secrets.token_hex(6)}"
    with ExitStack() as around:
        resolver = around.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            resolver.bind(("127.0.0.1", 53))
        except OSError as error:
            pytest.skip(f"a name server cannot be put there: {error.strerror}")
        resolver.setblocking(False)
        result = start(sandbox, *SHELL, f"getent hosts {name}.example.test; getent hosts {name}; true")
        assert result.returncode == 0, result.stderr
        heard = b""
        with suppress(BlockingIOError):
            while True:
                heard += resolver.recv(512)
        assert name.encode() not in heard, heard


@pytest.mark.usefixtures("model")
def test_what_a_killed_start_left_is_removed_by_the_next(sandbox: Sandbox) -> None:
    # No process has this number: proc(5), pid_max.
    labels = (f"{LABEL}=4194999.killed", f"com.docker.compose.project={PROJECT}")
    docker(
        "network",
        "create",
        *(word for one in labels for word in ("--label", one)),
        f"{PROJECT}_inside-killed",
    )
    assert start(sandbox, *SHELL, "true").returncode == 0
    assert networks() == ""


def test_another_value_is_refused(sandbox: Sandbox) -> None:
    sandbox.environ.update(EGRESS="model", EGRESS_VIA="carrier-pigeon")
    result = start(sandbox, *SHELL, "echo started")
    assert result.returncode != 0
    assert "EGRESS_VIA=carrier-pigeon is not known" in result.stderr
    assert "started" not in result.stdout


# The image by itself, as in Kubernetes.


class Inside:
    """A gateway on two networks, one of which leads nowhere."""

    def __init__(self, folder: Path) -> None:
        self.name = f"inside-{secrets.token_hex(4)}"
        self.outside, self.inside = f"{self.name}-o", f"{self.name}-i"
        self.volume, self.keys = folder / "volume", folder / "keys"

    def start(self) -> None:
        for folder in (self.volume, self.keys):
            folder.mkdir()
            folder.chmod(0o777)
        docker("network", "create", self.outside)
        closed = ("--internal", "--opt", "com.docker.network.bridge.inhibit_ipv4=true")
        docker("network", "create", *closed, self.inside)
        docker(
            "create", "--name", self.name, "--network", self.outside, "--user", "65534:65534", "--read-only",
            "--cap-drop", "ALL", "-e", "EGRESS=model", "-e", "EGRESS_VIA=network", "-v",
            f"{self.volume}:/run/gateway", "--entrypoint", "/usr/local/bin/sandbox-gateway", IMAGE,
        )  # fmt: skip
        docker("network", "connect", self.inside, self.name)
        docker("start", self.name)
        wait_for(lambda: '"ready"' in logs(self.name), lambda: logs(self.name))

    def address(self, network: str) -> str:
        told: Any = json.loads(docker("inspect", self.name))[0]["NetworkSettings"]["Networks"]
        return str(told[network]["IPAddress"])

    def stop(self) -> None:
        docker("rm", "--force", self.name, check=False)
        docker("network", "rm", self.outside, self.inside, check=False)


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    made = Inside(tmp_path_factory.mktemp("inside"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_gateway_listens_on_the_inside_alone(inside: Inside) -> None:
    at = inside.address(inside.inside)
    assert (inside.volume / "default" / "address").read_text() == at
    script = "import socket, sys\nfor port in range(21001, 21005): " + (
        "print(socket.socket().connect_ex((sys.argv[1], port)))"
    )
    ask = ("--rm", "--entrypoint", "/usr/bin/python3", IMAGE, "-c", script)
    refused = docker("run", "--network", inside.outside, *ask, inside.address(inside.outside))
    assert set(refused.split()) == {"111"}, refused
    assert docker("run", "--network", inside.inside, *ask, at).split() == ["0"] * 4


def told_address(sandbox: Sandbox, inside: Inside, network: str, *options: str) -> Any:
    env = {
        "EGRESS": "model",
        "SANDBOX_GATEWAY": f"tcp:{inside.address(inside.inside)}",
        "SANDBOX_SESSION": "plain",
    }
    script = "curl -s -o /dev/null -w '%{http_code}' http://example.test/"
    return sandbox.plain("--network", network, *options, arguments=("-c", script), env=env)


def test_a_container_that_is_told_the_address_gets_out_by_it_alone(sandbox: Sandbox, inside: Inside) -> None:
    result = told_address(sandbox, inside, inside.inside, "--dns", "127.0.0.1")
    assert (result.returncode, result.stdout) == (0, "403"), result.stderr


def test_a_network_on_which_this_machine_is_is_refused(sandbox: Sandbox) -> None:
    name = f"half-{secrets.token_hex(4)}"
    docker("network", "create", "--internal", name)
    # It answers as a gateway of this image does.
    script = """
        mkdir /tmp/it && printf '{"version": "%s"}' "$(cat /opt/sandbox/VERSION)" >/tmp/it/.gateway
        exec /usr/bin/python3 -m http.server 21001 --directory /tmp/it
    """
    program = ("--entrypoint=sh", IMAGE, "-c", script)
    docker("run", "--detach", "--name", name, "--network", name, *program)
    try:
        wait_for(lambda: docker("exec", name, "grep", ":5209 ", "/proc/net/tcp", check=False), "a listener")
        told: Any = json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"]
        env = {"EGRESS": "model", "SANDBOX_GATEWAY": f"tcp:{told[name]['IPAddress']}"}
        result = sandbox.plain("--network", name, arguments=("-c", "echo started"), env=env)
    finally:
        docker("rm", "--force", name, check=False)
        docker("network", "rm", name, check=False)
    assert result.returncode == 78, result.stdout + result.stderr
    assert "answers on that network" in result.stderr
    assert "started" not in result.stdout


def test_a_pod_that_no_policy_shuts_in_is_refused(sandbox: Sandbox, inside: Inside) -> None:
    # Anything that takes connections stands for the cluster's API.
    at = inside.address(inside.inside)
    env = {
        "EGRESS": "model",
        "SANDBOX_GATEWAY": f"tcp:{at}",
        "KUBERNETES_SERVICE_HOST": at,
        "KUBERNETES_SERVICE_PORT": "21002",
    }
    result = sandbox.plain("--network", inside.inside, arguments=("-c", "echo started"), env=env)
    assert result.returncode == 78, result.stdout + result.stderr
    assert "no NetworkPolicy shuts it in" in result.stderr


def test_a_gateway_that_has_no_inside_is_refused(inside: Inside) -> None:
    options = ("--network", inside.outside, "--tmpfs", "/run/gateway", "-e", "EGRESS=model")
    program = ("-e", "EGRESS_VIA=network", "--entrypoint", "/usr/local/bin/sandbox-gateway", IMAGE)
    words = ["docker", "run", "--rm", *options, *program]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 78, result.stderr
    assert "1 networks that lead out and 0 that do not" in result.stderr


@pytest.fixture
def addressed() -> Iterator[str]:
    """Have a gateway that is told its address, as in a cluster."""
    name = f"addressed-{secrets.token_hex(4)}"
    try:
        docker(
            "run", "--detach", "--name", name, "--network=none", "--user=65534:65534", "--read-only",
            "--cap-drop=ALL", "-e=EGRESS=model", "-e=SANDBOX_GATEWAY=tcp:127.0.0.1",
            "--entrypoint=/usr/local/bin/sandbox-gateway", IMAGE,
        )  # fmt: skip
        wait_for(lambda: '"ready"' in logs(name), lambda: logs(name))
        yield name
    finally:
        docker("rm", "--force", name, check=False)


# Is at the proxy until there is a file, and then says what is no request.
BUSY = (
    "import os, socket, time\n"
    "there = socket.create_connection(('127.0.0.1', 21004)); there.sendall(b'\\0')\n"
    "print('busy', flush=True)\n"
    "while there.recv(1): pass"
)


def is_running(name: str) -> bool:
    return docker("inspect", "--format={{.State.Running}}", name) == "true"


def listens(name: str) -> bool:
    # 21001, in the state of a listener: proc_net_tcp(5).
    return ":5209 00000000:0000 0A" in docker("exec", name, "cat", "/proc/net/tcp", check=False)


def test_a_gateway_that_is_asked_to_end_lets_what_is_open_go_on(addressed: str) -> None:
    client = subprocess.Popen(
        ["docker", "exec", addressed, "python3", "-c", BUSY], stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "busy\n"
    docker("kill", "--signal=TERM", addressed)
    wait_for(lambda: not listens(addressed), lambda: logs(addressed))
    assert (is_running(addressed), client.poll()) == (True, None), logs(addressed)
    # It says nothing more, and is let go as ever.
    assert client.wait(60) == 0
    assert docker("wait", addressed) == "0", logs(addressed)


def test_a_gateway_that_is_asked_twice_ends(addressed: str) -> None:
    with subprocess.Popen(
        ["docker", "exec", addressed, "python3", "-c", BUSY], stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "busy\n"
        docker("kill", "--signal=TERM", addressed)
        wait_for(lambda: not listens(addressed), lambda: logs(addressed))
        docker("kill", "--signal=TERM", addressed)
        assert docker("wait", addressed) == "0", logs(addressed)
