"""A start that gives files to the agent cannot be led to give away another's, or to hang, or to grow."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.conformance.attacks import ownership
from tests.harness.engine import docker, logs
from tests.harness.once import Once
from tests.harness.subject import ATTACKS, Subject, own_folders
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.xdist_group("conformance-ownership")

AGENT = [1234, 2345]
ENV = {"PUID": "1234", "PGID": "2345"}
ROOT = [0, 0]
PROGRAM = "/usr/bin/python3 -I /attacks/ownership.py"

Owners = dict[str, list[int]]


@dataclass
class Volumes:
    """Volumes of one filesystem: a tree, and what lies beside it and is none of the agent's business."""

    image: str
    names: dict[str, str] = field(default_factory=dict)

    def mounts(self, *more: str) -> tuple[str, ...]:
        places = {
            "tree": ownership.TREE, "victim": "/victim", "inner": f"{ownership.TREE}/inner",
            "locked": f"{ownership.TREE}/locked",
        }  # fmt: skip
        options = {"locked": ":ro"}
        words = [
            f"{self.names[n]}:{place}{options.get(n, '')}" for n, place in places.items() if n in self.names
        ]
        return tuple(word for place in (*words, *more) for word in ("-v", place))

    def as_root(self, name: str, *arguments: str, detach: bool = False) -> str:
        """Run a command of ownership.py over a volume, or leave it running and return its container."""
        options = ("--detach",) if detach else ()
        return docker(
            "run", "--rm", *options, "-v", f"{self.names[name]}:/volume", "-v", f"{ATTACKS}:/attacks:ro",
            "--user=0", "--network=none", "--entrypoint=/usr/bin/python3", self.image,
            "-I", "/attacks/ownership.py", arguments[0], "/volume", *arguments[1:],
        )  # fmt: skip

    def owners(self, name: str) -> Owners:
        found: Owners = json.loads(self.as_root(name, "look"))
        return found


@contextmanager
def volumes(image: str, *names: str) -> Iterator[Volumes]:
    made = Volumes(image)
    try:
        for name in names:
            made.names[name] = docker("volume", "create", f"conformance-{name}-{uuid.uuid4().hex[:8]}")
        for name in ("victim", "inner", "locked"):
            if name in names:
                made.as_root(name, "plain")
        yield made
    finally:
        for name, volume in made.names.items():
            docker("volume", "rm", "--force", volume, check=False)
            if docker("volume", "ls", "--quiet", f"--filter=name={volume}"):
                made.as_root(name, "empty")
                docker("volume", "rm", volume)


@dataclass
class Walked:
    """Who owned what before and after a start, and what the agent found."""

    before: Owners
    tree: Owners
    victim: Owners
    inner: Owners
    locked: Owners
    session: dict[str, str]


def walk(subject: Subject) -> Walked:
    with volumes(subject.image, "tree", "victim", "inner", "locked") as made:
        made.as_root("tree", "lay")
        before = made.owners("tree")
        result = subject.run(
            f"exec {PROGRAM} session {ownership.TREE}", *made.mounts(), env=ENV, patience=120
        )
        assert result.returncode == 0, f"{result.returncode}\n{result.stdout}{result.stderr}"
        after = {name: made.owners(name) for name in ("tree", "victim", "inner", "locked")}
        return Walked(before=before, session=json.loads(result.stdout), **after)


@pytest.fixture(scope="module")
def own(chosen: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with own_folders(chosen, tmp_path_factory.mktemp("walk")) as subject:
        yield subject


@pytest.fixture(scope="module")
def plain(own: Subject, plain_image: str) -> Subject:
    return replace(own, image=plain_image, compose=None, prefix=("bash", "-c"), environ={})


@pytest.fixture(scope="module")
def walked(own: Subject) -> Once[Walked]:
    return Once(lambda: walk(own))


@pytest.fixture(scope="module")
def plainly_walked(plain: Subject) -> Once[Walked]:
    return Once(lambda: walk(plain))


def test_the_agent_is_who_was_asked_for(walked: Once[Walked]) -> None:
    assert walked().session["identity"] == f"{AGENT[0]}:{AGENT[1]}"


@pytest.mark.parametrize("name", [".", "file"])
def test_a_symbolic_link_does_not_give_away_what_it_points_to(walked: Once[Walked], name: str) -> None:
    assert walked().victim[name] == ROOT


def test_a_symbolic_link_does_not_give_away_the_password_file(walked: Once[Walked]) -> None:
    assert walked().session["shadow"] == "0:0"


@pytest.mark.vacuity
def test_a_plain_entry_point_follows_symbolic_links(plainly_walked: Once[Walked]) -> None:
    assert plainly_walked().victim["."] == plainly_walked().victim["file"] == AGENT
    assert plainly_walked().session["shadow"] == f"{AGENT[0]}:{AGENT[1]}"


def claimed(walked: Walked) -> Owners:
    """Return what the agent shall have, whatever it is called."""
    # Those two are mounts, looked at below; here their folders are seen that lie beneath.
    spared = {*ownership.DEVICES, "inner", "locked"}
    return {name: owner for name, owner in walked.tree.items() if name not in spared}


def test_every_name_is_given_to_the_agent(walked: Once[Walked]) -> None:
    found = claimed(walked())
    assert len(found) > 2 * len(ownership.NAMES)
    assert {name: owner for name, owner in found.items() if owner != AGENT} == {}


@pytest.mark.vacuity
def test_before_the_start_nothing_was_the_agents(walked: Once[Walked]) -> None:
    assert {name for name, owner in walked().before.items() if owner != ROOT} == set()
    assert {*ownership.SPECIAL, *ownership.DEVICES, *ownership.LINKS} < set(walked().before)


@pytest.mark.parametrize("name", ownership.SPECIAL)
def test_a_start_does_not_hang_at_a(walked: Once[Walked], name: str) -> None:
    assert walked().tree[name] == AGENT


@pytest.mark.parametrize("device", ownership.DEVICES)
def test_a_device_node_stays_roots(walked: Once[Walked], device: str) -> None:
    """Whoever owns the node of a disk reads the disk, here or wherever else the folder is seen."""
    assert walked().tree[device] == ROOT


@pytest.mark.vacuity
@pytest.mark.parametrize("device", ownership.DEVICES)
def test_a_plain_entry_point_gives_device_nodes_away(plainly_walked: Once[Walked], device: str) -> None:
    assert plainly_walked().tree[device] == AGENT


def test_a_device_node_in_the_workspace_opens_nothing(walked: Once[Walked]) -> None:
    assert walked().session["kernel log"].startswith("refused"), walked().session


def test_the_agent_cannot_link_anothers_file_into_the_workspace(walked: Once[Walked]) -> None:
    assert walked().session["hard link to another's file"].startswith("refused"), walked().session


@pytest.mark.vacuity
def test_without_protection_the_device_node_opens_and_links_can_be_made(weakened: Subject) -> None:
    with volumes(weakened.image, "tree", "victim") as made:
        made.as_root("tree", "lay")
        result = weakened.run(f"exec {PROGRAM} session {ownership.TREE}", *made.mounts())
        assert result.returncode == 0, result.stderr
        found = json.loads(result.stdout)
    assert found["kernel log"] == "reached", found
    # Across mounts no one can; the protection from the rest is the kernel's (protected_hardlinks).
    assert found["hard link within a mount"] == "reached", found


def test_a_writable_mount_in_the_workspace_is_given_to_the_agent(walked: Once[Walked]) -> None:
    assert walked().inner == {".": AGENT, "file": AGENT}


def test_a_read_only_mount_in_the_workspace_keeps_its_owner(walked: Once[Walked]) -> None:
    assert walked().locked == {".": ROOT, "file": ROOT}


# A tree that changes while it is walked.


def raced(subject: Subject) -> tuple[Owners, str]:
    """Start while another container exchanges folders and links; return the victim's owners, and the log."""
    with volumes(subject.image, "tree", "victim") as made:
        made.as_root("tree", "pairs")
        racer = made.as_root("tree", "race", detach=True)
        try:
            wait_for(lambda: "exchanges" in logs(racer), "the race to begin")
            result = subject.run("true", *made.mounts(), env=ENV)
            running = docker("inspect", "--format={{.State.Running}}", racer)
            assert running == "true", f"the race ended before the start did: {logs(racer)}"
        finally:
            docker("rm", "--force", racer, check=False)
        return made.owners("victim"), f"{result.returncode}\n{result.stderr}"


def test_a_folder_exchanged_for_a_link_during_the_walk_leads_nowhere(own: Subject) -> None:
    victim, log = raced(own)
    assert victim == {".": ROOT, "file": ROOT}, log
    assert log.startswith("0\n"), log


@pytest.mark.vacuity
def test_a_plain_entry_point_is_led_astray_by_an_exchanged_folder(plain: Subject) -> None:
    # A race may be lost on a busy machine.
    for _ in range(5):
        victim, log = raced(plain)
        if victim["file"] == AGENT:
            return
    pytest.fail(f"five times it was not: {log}")


# Trees that are large. The agent can make them in data/, which every start walks.

LARGE = {
    # Folders of the longest name, so that the whole path has five million characters.
    "deep": ("deep", "x" * 255, "20000"),
    "wide": ("many", "1000000"),
}
MOST_KIB = 64 * 1024


def watched(subject: Subject, *tree: str) -> dict[str, Any]:
    """Start over such a tree; return what PID 1 needed while it was root, and the log.

    Who watches is a container too, and on a busy machine the first start may be over before it is there.
    """
    found: dict[str, Any] = {}
    for _ in range(3):
        found = watched_once(subject, *tree)
        if found["samples"]:
            break
    return found


def watched_once(subject: Subject, *tree: str) -> dict[str, Any]:
    with volumes(subject.image, "tree") as made:
        made.as_root("tree", *tree)
        container = subject.start("echo ready; exec sleep 1000", *made.mounts(), env=ENV)
        try:
            found = json.loads(subject.beside(container, *PROGRAM.split(), "peak"))
            wait_for(lambda: "ready" in logs(container), "the walk to end")
            return {**found, "log": logs(container)}
        finally:
            docker("rm", "--force", container, check=False)


@pytest.fixture(scope="module")
def deep(own: Subject) -> Once[dict[str, Any]]:
    return Once(lambda: watched(own, *LARGE["deep"]))


@pytest.fixture(scope="module")
def wide(own: Subject) -> Once[dict[str, Any]]:
    return Once(lambda: watched(own, *LARGE["wide"]))


def test_a_deep_tree_takes_little_memory(deep: Once[dict[str, Any]]) -> None:
    assert deep()["samples"] > 0, "the walk was over before it was looked at"
    assert deep()["kib"] < MOST_KIB


def test_a_deep_tree_does_not_flood_the_log(deep: Once[dict[str, Any]]) -> None:
    longest = max(deep()["log"].splitlines(), key=len)
    size = len(longest)
    assert size < 4096, f"a line of {size} characters: {longest[:200]}…"


@pytest.mark.slow
def test_a_million_files_take_little_memory(wide: Once[dict[str, Any]]) -> None:
    assert wide()["samples"] > 100, "the walk was over before it was looked at"
    assert wide()["kib"] < MOST_KIB


@pytest.mark.slow
def test_a_long_walk_says_how_far_it_is(wide: Once[dict[str, Any]]) -> None:
    assert re.search(r"giving files to the agent .*entries=\d+", wide()["log"]), wide()["log"]


@pytest.mark.vacuity
def test_a_start_that_takes_more_memory_is_noticed(weakened: Subject) -> None:
    container = weakened.start(f"exec {PROGRAM} hoard")
    try:
        wait_for(lambda: "ready" in logs(container), "the program to take it")
        assert json.loads(weakened.beside(container, *PROGRAM.split(), "peak", "1"))["kib"] > MOST_KIB
    finally:
        docker("rm", "--force", container, check=False)
