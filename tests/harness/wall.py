"""A session with its gateway, and what is elsewhere: networks that the test made, and who listens on them.

One network has documentation addresses (RFC 5737), which are public for the gateway, the other private ones.
Names are answered by a server of ours, which tells what it is asked for.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import docker, logs
from tests.harness.repository import ROOT
from tests.harness.subject import ATTACKS, Subject
from tests.harness.waiting import wait_for

KEY = "sk-planted/key+of=the.user"
PUBLIC = "203.0.113."
LIST = """
allow:
  - git.example.test
  - git.example.test:80
  - {host: plain.example.test:8080, tls: false}
  - {host: private.example.test:80, tls: false}
  - {host: mapped.example.test:80, tls: false}
  - {host: both.example.test:80, tls: false}
  - {host: turns.example.test:80, private: false, tls: false}
"""
# What nothing may reach, whatever the list says: this machine, its neighbours, and the services by which a
# cloud tells a machine its keys. Nothing is sent there but from behind the wall.
CLOUDS = (
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254",
)  # fmt: skip
NEVER = (
    "127.0.0.1", "0.0.0.0",  # noqa: S104 - to be refused
    "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", *CLOUDS,
)  # fmt: skip
# What the name server answers in turn; every other name is at the public address.
NAMES = {
    "private.example.test": [["INSIDE"]],
    "mapped.example.test": [["::ffff:INSIDE"]],
    "both.example.test": [["OUTSIDE", "INSIDE"]],
    "turns.example.test": [["OUTSIDE"], ["INSIDE"]],
    **{f"never{number}.example.test": [[address]] for number, address in enumerate(NEVER)},
}


# Even by entries that allow private addresses.
POLICY = LIST + "".join(
    f"  - {{host: never{number}.example.test:80, private: true, tls: false}}\n"
    for number in range(len(NEVER))
)


@dataclass(frozen=True)
class Walled(Subject):
    """A session whose gateway has another list, other networks and another name server.

    Attributes:
        given: what Compose reads besides.
    """

    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return {**super().variables, **self.given}


class Elsewhere:
    """A container that listens on both networks, and one on the host's; both tell what reaches them."""

    def __init__(self, image: str) -> None:
        self.image, self.network = image, f"wall-{secrets.token_hex(3)}"
        self.private, self.name, self.host = (
            f"{self.network}-{what}" for what in ("private", "name", "host")
        )
        self.facts: dict[str, Any] = {}
        self.host_facts: dict[str, Any] = {}
        self.published = 0
        self._lines: list[str] = []

    def start(self) -> None:
        self._make_public()
        docker("network", "create", self.private)
        self._create(self.name, [53, 80, 443, 8080, 8443], "--network", self.network, "--publish", "8080")
        docker("network", "connect", self.private, self.name)
        docker("start", self.name)
        self._create(self.host, [0], "--network", "host")
        docker("start", self.host)
        self.facts, self.host_facts = self._begun(self.name), self._begun(self.host)
        self.published = int(docker("port", self.name, "8080/tcp").splitlines()[0].rpartition(":")[2])

    def settle(self) -> None:
        """Take notice of all that reached somebody until now."""
        last = f"last{secrets.token_hex(8)}"
        for name, port in ((self.name, 80), (self.host, self.host_facts["ports"][0])):
            say = f"import socket; socket.create_connection(('127.0.0.1', {port})).sendall(b'{last}')"
            docker("exec", name, "/usr/bin/python3", "-Ic", say)
            wait_for(lambda name=name: last in logs(name), f"{name} to tell all")  # type: ignore[misc]
        self._lines = logs(self.name).splitlines() + logs(self.host).splitlines()

    def seen(self, mark: str) -> list[dict[str, Any]]:
        """Return what had reached somebody, when we looked last, and has this mark in it."""
        return [json.loads(line) for line in self._lines if line[:1] == "{" and mark in line.lower()]

    def places(self) -> dict[str, list[tuple[str, int]]]:
        """Return where somebody listens, by the names of attacks/leave.py."""
        host = [str(address) for address in self.host_facts["addresses"]]
        return {
            "a server elsewhere": [(self.facts["outside"], 80)],
            "the host, by each address": [(address, self.host_facts["ports"][0]) for address in host],
            "a published port, by each address of the host": [(address, self.published) for address in host],
            "all neighbours at once": [(f"{self.facts['outside'].rpartition('.')[0]}.{self._last()}", 80)],
        }

    def stop(self) -> None:
        docker("rm", "--force", self.name, self.host, check=False)
        docker("network", "rm", self.network, self.private, check=False)

    def _last(self) -> int:
        """Return the last number of the network, which is for all on it."""
        return int(self.facts["outside"].rpartition(".")[2]) | 15

    def _create(self, name: str, ports: list[int], *options: str) -> None:
        facts = json.dumps({"ports": ports, "names": NAMES, "public": PUBLIC})
        # Root's: the ports are low, and an echo is only seen by a raw socket.
        docker(
            "create", "--name", name, *options, "--user", "0", "--volume", f"{ATTACKS}:/attacks:ro",
            "--entrypoint", "/usr/bin/python3", self.image, "-Iu", "/attacks/elsewhere.py", facts,
        )  # fmt: skip

    def _begun(self, name: str) -> dict[str, Any]:
        wait_for(lambda: '"addresses"' in logs(name), lambda: f"{name} to listen: {logs(name)}")
        found: dict[str, Any] = json.loads(logs(name).splitlines()[0])
        return found

    def _make_public(self) -> None:
        # Another run beside this one takes another part.
        for part in range(16):
            if docker("network", "create", "--subnet", f"{PUBLIC}{16 * part}/28", self.network, check=False):
                return
        pytest.fail(f"no network of {PUBLIC}0 can be made")


class Wall:
    """Sessions behind a gateway, and what came of their attacks.

    Args:
        subject: what is attacked: its compose file has a gateway.
        elsewhere: who listens.
        folder: for the list, the keys and what Compose reads.
    """

    def __init__(self, subject: Subject, elsewhere: Elsewhere, folder: Path) -> None:
        self._elsewhere, self._folder, self._gateways = elsewhere, folder, list[str]()
        assert subject.compose is not None
        self._project = subject.compose.parent
        for name in ("config", "keys"):
            (folder / name).mkdir()
        for source in (ROOT / "config").iterdir():
            (folder / "config" / source.name).write_bytes(source.read_bytes())
        self.write(POLICY)
        network = {"wall": elsewhere.network, "private": elsewhere.private}
        added = {
            "services": {
                "gateway": {
                    "networks": list(network), "dns": [elsewhere.facts["outside"]],
                    "volumes": [f"{ATTACKS}:/attacks:ro"],
                }
            },
            "networks": {key: {"name": name, "external": True} for key, name in network.items()},
        }  # fmt: skip
        (folder / "added.yml").write_text(json.dumps(added))
        files = [str(subject.compose), str(folder / "added.yml")]
        self._subject = Walled(
            **{one.name: getattr(subject, one.name) for one in fields(subject)},
            given={
                "COMPOSE_FILE": ":".join(files), "COMPOSE_PATH_SEPARATOR": ":", "EGRESS": "list",
                "EGRESS_ALLOW": "", "CONFIG_DIR": str(folder / "config"), "KEYS_DIR": str(folder / "keys"),
                "MODEL_URL": "http://model.example.test:8080/v1", "MODEL_API_KEY": KEY,
                **dict.fromkeys(("MODEL_API_KEY_FILE", "MODEL_CA", "MODEL_ID", "MODEL_CONTEXT"), ""),
                **dict.fromkeys(("MODEL_OUTPUT", "MODEL_TOOLS"), ""),
            },
        )  # fmt: skip

    def write(self, text: str) -> None:
        """Write the list of what may be reached; a gateway that is there takes it when it is told to."""
        (self._folder / "config" / "egress.yml").write_text(text)

    def session(self, *program: str) -> Subject:
        """Start a gateway, or a program in its place, and return a session that uses it."""
        made = replace(
            self._subject, given={**self._subject.given, "SANDBOX_GATEWAY": secrets.token_hex(16)}
        ).with_options("--no-deps")
        entry = ["--entrypoint", " ".join(program)] if program else []
        start = ["docker", "compose", "--project-directory", str(self._project), "run", "--detach"]
        self._gateways.append(made.detached([*start, "--no-deps", *entry, "gateway"]))
        return made

    @property
    def gateway(self) -> str:
        """The container of the last one."""
        return self._gateways[-1]

    def stop(self) -> None:
        docker("rm", "--force", *self._gateways, check=False)
        self._subject.ended(["docker", "compose", "down", "--timeout", "0", "--remove-orphans", "--volumes"])
