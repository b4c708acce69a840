"""Checkouts under any name, two of one name, and two starts at once: none meets another."""

import http.client
import json
import os
import socket
import subprocess

import pytest

from tests.harness.engine import docker
from tests.harness.own_checkout import Checkout, Make, Outcome
from tests.harness.waiting import PATIENCE, wait_for

SHELL = ("--no-build", "--shell", "--", "-c")


def running(one: Checkout, mark: str) -> subprocess.Popen[str]:
    process = one.begin(*SHELL, f"echo {mark} >mark; exec sleep 1000")
    wait_for((one.root / "workspace" / "mark").exists, lambda: f"the start in {one.root}")
    return process


def test_two_checkouts_of_one_name_do_not_meet(checkout: Make) -> None:
    ours, theirs = checkout("a/field"), checkout("b/field")
    first = running(ours, "ours")
    refused = theirs.start("exec", "cat", "mark")
    assert (refused.code, "no sandbox of this folder is running" in refused.err) == (1, True), refused
    emptied = theirs.start("reset", "--destroy")
    assert emptied.code == 0, emptied
    second = running(theirs, "theirs")
    for one, told in ((ours, "ours\n"), (theirs, "theirs\n")):
        entered = one.start("exec", "cat", "mark")
        assert (entered.code, entered.out) == (0, told), entered
    refused = theirs.start("reset", "--destroy")
    assert (refused.code, "Leave it, or stop it: docker stop " in refused.err) == (1, True), refused
    for process in (first, second):
        process.terminate()
        assert process.wait(PATIENCE) == 143


def test_exec_finds_what_compose_started_by_hand(checkout: Make) -> None:
    one, other = checkout("a/field"), checkout("b/field")
    started = one.compose("up", "--detach", "--no-build", "sandbox")
    assert started.code == 0, started
    entered = one.start("exec", "pwd")
    assert (entered.code, entered.out) == (0, "/home/agent/workspace\n"), entered
    assert other.start("exec", "pwd").code == 1


def test_of_two_sandboxes_exec_wants_a_name(checkout: Make) -> None:
    one = checkout("field")
    processes = [running(one, "1"), one.begin(*SHELL, "echo 2 >second; exec sleep 1000")]
    wait_for((one.root / "workspace" / "second").exists, lambda: "the second")
    entered = one.start("exec", "true")
    asked = "2 sandboxes of this folder run: which one is meant?" in entered.err
    assert (entered.code, asked) == (1, True), entered
    names = [line.split()[0] for line in entered.err.splitlines()[1:3]]
    assert len(set(names)) == 2, entered
    found = [one.start("exec", "--name", name, "echo", "in") for name in names]
    assert [(entered.code, entered.out) for entered in found] == [(0, "in\n")] * 2, found
    for process in processes:
        process.terminate()
        process.wait(PATIENCE)


NAMES = (
    " two words ",
    "a:b",
    "a$HOME",
    "$$x",
    "Привет",
    "日本",
    "---",
    "-rf",
    "a'b\"c",
    "UPPER",
    "a\\b",
    "a%2Fb{c}",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkout_may_have_any_name(checkout: Make, name: str) -> None:
    one = checkout(name)
    result = one.start(*SHELL, "echo good >here")
    assert result.code == 0, result
    assert (one.root / "workspace" / "here").read_text() == "good\n"
    assert sorted(path.name for path in one.root.parent.iterdir()) == [name]


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("name", [*NAMES, "myproject", "data2"])
def test_a_workspace_may_have_any_name(checkout: Make, name: str, absolute: bool) -> None:
    """A name without a slash is a folder of the checkout, never a volume."""
    one = checkout("checkout")
    folder = one.root / name
    result = one.start(*SHELL, "echo good >here", WORKSPACE_DIR=str(folder) if absolute else name)
    assert result.code == 0, result
    assert (folder / "here").read_text() == "good\n"
    assert not list((one.root / "workspace").iterdir())


def test_first_starts_at_once_make_one_network(checkout: Make) -> None:
    one = checkout("field")
    processes = [one.begin(*SHELL, "true") for _ in range(4)]
    outcomes = [Outcome(process) for process in processes]
    assert [outcome.code for outcome in outcomes] == [0] * 4, outcomes
    assert len(one.networks()) == 1


class Engine(http.client.HTTPConnection):
    """The engine's own interface: its command line refuses a second network of one name by itself."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(
            os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        )

    def create_network(self, name: str) -> int:
        body = json.dumps({"Name": name, "CheckDuplicate": False})
        self.request("POST", "/v1.41/networks/create", body, {"Content-Type": "application/json"})
        return self.getresponse().status


def test_a_network_that_is_there_twice_is_told_with_what_mends_it(checkout: Make) -> None:
    one = checkout("field")
    name = f"{one.project}_sandbox"
    assert one.start(*SHELL, "true").code == 0
    if (status := Engine("engine").create_network(name)) != http.HTTPStatus.CREATED:
        pytest.skip(f"this engine takes no second network of one name: {status}")
    refused = one.start(*SHELL, "true")
    assert refused.code == 1, refused
    assert f"there are 2 networks named {name}" in refused.err, refused
    mend = refused.err.partition("Remove what is too many: ")[2].splitlines()[0]
    subprocess.run(mend.split(), check=True, capture_output=True)
    good = one.start(*SHELL, "true")
    assert good.code == 0, good


def test_a_name_that_the_user_chose_counts(checkout: Make) -> None:
    one = checkout("field")
    name = f"chosen-{os.getpid()}"
    (one.root / ".env").write_text(f"COMPOSE_PROJECT_NAME={name}\n")
    assert one.start(*SHELL, "true").code == 0
    assert docker("network", "ls", "--quiet", "--filter", f"name=^{name}_sandbox$")
    docker("network", "rm", f"{name}_sandbox")


def test_a_network_that_cannot_be_made_is_told(checkout: Make) -> None:
    one = checkout("field")
    (one.root / "compose.override.yml").write_text("networks: {sandbox: {driver: there-is-none}}\n")
    refused = one.start(*SHELL, "true")
    assert refused.code == 1, refused
    assert "the sandbox's network cannot be made" in refused.err, refused
    assert "docker network prune" in refused.err, refused
