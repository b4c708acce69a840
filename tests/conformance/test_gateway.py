"""The gateway under attack itself: overloaded, killed, with a list that it cannot read. Nothing opens."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.conformance.attacks.leave import ALLOWED
from tests.harness.engine import docker, logs
from tests.harness.once import Once, once
from tests.harness.repository import ROOT
from tests.harness.subject import Subject
from tests.harness.waiting import wait_for
from tests.harness.wall import POLICY, Elsewhere, Wall

pytestmark = pytest.mark.xdist_group("conformance-way-out")

# How each flood ended, whether the gateway served then, and after how many seconds.
Ends = dict[str, tuple[str, bool, float]]
TESTS = f"{ROOT}/tests:/wall/tests:ro"
FLOODS = (
    "10,000 connections", "slow writers", "slow readers", "a head of 1 GB", "a body of 1 GB",
    "20,000 questions of names",
)  # fmt: skip


@dataclass
class Standing:
    """A session that waits for attacks, and its gateway."""

    container: str
    gateway: str
    elsewhere: Elsewhere

    def run(self, *command: str) -> str:
        """Run a command as the agent."""
        return docker("exec", "--user", "1000", self.container, *command, check=False)

    def gets_out(self) -> set[str]:
        """Return the attacks that got a mark out: of those that are allowed, and by questions of names."""
        facts = {
            "mark": f"mk{secrets.token_hex(4)}", "kinds": ("allowed", "name"), "places": {},
            "outside": self.elsewhere.facts["outside"],
        }  # fmt: skip
        told = self.run("/usr/bin/python3", "-I", "/attacks/leave.py", json.dumps(facts))
        outcomes = json.loads(told)
        self.elsewhere.settle()
        return {name for name, (mark, _) in outcomes.items() if self.elsewhere.seen(mark)}


@contextmanager
def standing_behind(wall: Once[Wall], elsewhere: Once[Elsewhere]) -> Iterator[Standing]:
    session = wall().session()
    container = session.start("exec sleep 3600", "-v", TESTS)
    try:
        made = Standing(container, wall().gateway, elsewhere())
        wait_for(lambda: '"ready"' in logs(made.gateway), lambda: logs(made.gateway))
        yield made
    finally:
        docker("rm", "--force", container, check=False)
        wall().write(POLICY)


@pytest.fixture(scope="module")
def standing(wall: Once[Wall], elsewhere: Once[Elsewhere]) -> Iterator[Once[Standing]]:
    with once(standing_behind(wall, elsewhere)) as found:
        yield found


WHAT_IS_ALLOWED = {f"allowed, {name}" for name in ALLOWED}


def assert_as_before(standing: Standing) -> None:
    """The list lets out what it let out, and nothing else."""
    found: set[str] = set()

    def is_back() -> bool:
        found.clear()
        found.update(standing.gets_out())
        return found >= WHAT_IS_ALLOWED

    wait_for(is_back, lambda: f"what is allowed to get out: {found}; {logs(standing.gateway)[-2000:]}")
    assert found == WHAT_IS_ALLOWED


def test_a_list_that_cannot_be_read_when_it_is_taken_anew_changes_nothing(
    standing: Once[Standing], wall: Once[Wall]
) -> None:
    gateway = standing().gateway
    wall().write("allow: ['*']")
    docker("kill", "--signal", "HUP", gateway)
    wait_for(lambda: "not-read" in logs(gateway), lambda: logs(gateway))
    wall().write(POLICY)
    assert_as_before(standing())


def test_what_is_taken_off_the_list_gets_out_no_more(standing: Once[Standing], wall: Once[Wall]) -> None:
    gateway = standing().gateway

    def take(text: str) -> None:
        before = logs(gateway).count('"policy"')
        wall().write(text)
        docker("kill", "--signal", "HUP", gateway)
        wait_for(lambda: logs(gateway).count('"policy"') > before, "the list to be taken")

    take("allow: []")
    assert standing().gets_out() == {"allowed, a request of the model server"}
    take(POLICY)
    assert_as_before(standing())


def test_no_socket_of_the_gateway_can_be_replaced(standing: Once[Standing]) -> None:
    script = """
        cd /run/gateway/$SANDBOX_GATEWAY
        for name in model proxy tls dns; do
          (rm $name || mv $name x || ln -sf /tmp/x $name || chmod 0 $name) && echo "changed $name"
        done
        touch x && echo made; rm -rf ../$SANDBOX_GATEWAY && echo removed; ls
    """
    found = standing().run("/bin/bash", "-c", f"exec 2>&1; {script}")
    assert "changed" not in found, found
    assert "made" not in found, found
    assert "removed" not in found, found
    assert {"model", "proxy", "tls", "dns"} <= set(found.split()), found


def test_a_link_that_is_killed_opens_nothing_and_is_back(standing: Once[Standing]) -> None:
    standing().run("/usr/bin/pkill", "-9", "-f", "[s]andbox-link")
    assert_as_before(standing())


def test_a_program_of_the_gateway_that_is_killed_opens_nothing_and_is_back(standing: Once[Standing]) -> None:
    kill = "kill -9 $(cat /proc/1/task/1/children)"
    docker("exec", standing().gateway, "/bin/bash", "-c", kill)
    assert_as_before(standing())


def test_with_the_gateway_gone_nothing_gets_out(standing: Once[Standing]) -> None:
    docker("kill", standing().gateway)
    assert standing().gets_out() == set()


def test_with_a_list_that_cannot_be_read_no_gateway_starts(
    standing: Once[Standing], wall: Once[Wall]
) -> None:
    gateway = standing().gateway
    docker("kill", gateway, check=False)
    wall().write("allow: ['*']")
    docker("start", gateway)
    assert docker("wait", gateway) == "78"
    assert standing().gets_out() == set()


def test_a_gateway_that_is_started_again_is_found(standing: Once[Standing], wall: Once[Wall]) -> None:
    gateway = standing().gateway
    docker("kill", gateway, check=False)
    wall().write(POLICY)
    docker("start", gateway)
    assert_as_before(standing())


@pytest.fixture(scope="module")
def flooded(wall: Once[Wall]) -> Once[tuple[Ends, str]]:
    """How each flood ended, and the gateway that took them."""

    def find() -> tuple[Ends, str]:
        return flood(wall().session(), *FLOODS), wall().gateway

    return Once(find)


def flood(session: Subject, *ways: str) -> Ends:
    found: Ends = session.python("flood.py", *ways, mounts=(TESTS,), patience=600)
    return found


def assert_whole(gateway: str) -> None:
    assert "ended by signal" not in logs(gateway), logs(gateway)[-2000:]
    assert docker("inspect", "--format", "{{.State.Running}} {{.State.OOMKilled}}", gateway) == "true false"


@pytest.mark.parametrize("way", FLOODS)
def test_the_gateway_serves_after(flooded: Once[tuple[Ends, str]], way: str) -> None:
    found, gateway = flooded()
    told, is_served, _ = found[way]
    assert is_served, told
    assert_whole(gateway)


def test_a_body_arrives_whole(flooded: Once[tuple[Ends, str]]) -> None:
    assert flooded()[0]["a body of 1 GB"][0] == f"{1000 << 20} bytes"


@pytest.mark.slow
def test_the_gateway_serves_after_a_body_of_10_gb(wall: Once[Wall]) -> None:
    told, is_served, _ = flood(wall().session(), "a body of 10 GB")["a body of 10 GB"]
    assert (told, is_served) == (f"{10_000 << 20} bytes", True)
    assert_whole(wall().gateway)
