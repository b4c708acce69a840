"""What an agent leaves behind is not run by root, nor by PID 1, at the next start."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conformance.attacks import plant
from tests.harness.engine import docker
from tests.harness.once import Once
from tests.harness.subject import Subject, own_folders
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.xdist_group("conformance-planting")

PROGRAM = "/usr/bin/python3 -I /attacks/plant.py"
# A restart runs the same script again: it plants the first time, and does nothing the second.
ONCE = f"[ -e /home/agent/data/planted ] || {{ {PROGRAM} && : >/home/agent/data/planted; }}"


class Mark(NamedTuple):
    """What was loaded, and by whom."""

    start: str
    kind: str
    what: str
    uid: int
    capabilities: int


@dataclass(frozen=True)
class Planted:
    """What the agent left, and what came of it in the starts that followed."""

    kinds: frozenset[str]
    of_the_image: tuple[str, ...]
    marks: tuple[Mark, ...]

    def privileged(self, kind: str) -> list[Mark]:
        return [mark for mark in self.marks if mark.kind == kind and (mark.uid == 0 or mark.capabilities)]


def plant_and_start(subject: Subject) -> Planted:
    """Plant in one container; start it again, and two others with the same folders."""
    marks: list[Mark] = []

    def collect(start: str) -> None:
        text = subject.as_root("cat", "data/marker")
        marks.extend(
            Mark(start, kind, what, int(uid), int(capabilities, 16))
            for kind, what, uid, capabilities in (line.split("|") for line in text.splitlines())
        )
        subject.as_root("truncate", "-s", "0", "data/marker")

    container = subject.start(ONCE)
    try:
        assert docker("wait", container) == "0", docker("logs", container)
        told = json.loads(docker("logs", container).splitlines()[-1])
        collect("the planting itself")
        marks.clear()
        docker("start", container)
        assert docker("wait", container) == "0", docker("logs", container)
        collect("the same container again")
    finally:
        docker("rm", "--force", container, check=False)
    result = subject.run("true")
    assert result.returncode == 0, result.stderr
    collect("a new container")
    # A start that reads the tools' definitions and then ends, where the image is ours.
    subject.run("true", env={"SANDBOX_SHELL": "0", "DEFAULT_TOOL": "no-such-tool"})
    collect("a new container that does not find its tool")
    return Planted(
        kinds=frozenset(kind for kind, _ in told["planted"]),
        of_the_image=tuple(path for _, path in told["planted"] if not path.startswith(_OWN)),
        marks=tuple(marks),
    )


_OWN = ("/home/agent/", "/tmp/", "/dev/shm/")  # noqa: S108 - where the agent may write


@pytest.fixture(scope="module")
def planted(chosen: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Once[Planted]]:
    with own_folders(chosen, tmp_path_factory.mktemp("planted")) as subject:
        yield Once(lambda: plant_and_start(subject))


@pytest.fixture(scope="module")
def plainly_planted(
    chosen: Subject, plain_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Once[Planted]]:
    plain = replace(chosen, image=plain_image, compose=None, prefix=("bash", "-c"), environ={})
    with own_folders(plain, tmp_path_factory.mktemp("plain")) as subject:
        yield Once(lambda: plant_and_start(subject))


def test_the_agent_can_plant_in_its_own_folders(planted: Once[Planted]) -> None:
    assert set(plant.KINDS) - planted().kinds == set(), "the attack has not been made"


def test_the_agent_can_plant_nothing_in_the_image(planted: Once[Planted]) -> None:
    assert planted().of_the_image == ()


@pytest.mark.parametrize("kind", plant.KINDS)
def test_root_does_not_load_a_planted(planted: Once[Planted], kind: str) -> None:
    assert planted().privileged(kind) == []


def test_pid_1_loads_nothing_planted_as_the_agent_either(planted: Once[Planted]) -> None:
    """The tool was Bash with a command of its own, which reads nothing."""
    assert planted().marks == ()


@pytest.mark.vacuity
@pytest.mark.parametrize("kind", plant.KINDS)
def test_a_plain_entry_point_loads_as_root_a_planted(plainly_planted: Once[Planted], kind: str) -> None:
    assert plainly_planted().privileged(kind) != [], plainly_planted().marks


@pytest.mark.vacuity
def test_a_plain_entry_point_loads_what_is_planted_in_data_in_a_new_container_too(
    plainly_planted: Once[Planted],
) -> None:
    marks = [mark for mark in plainly_planted().marks if mark.start == "a new container" and mark.uid == 0]
    assert any(Path(mark.what).is_relative_to("/home/agent/data") for mark in marks), marks


def test_a_locked_data_folder_keeps_no_later_session_from_starting(own_subject: Subject) -> None:
    own_subject.run("chmod 0 /home/agent/data /home/agent/data/* 2>/dev/null; true")
    result = own_subject.run("echo here")
    assert (result.returncode, result.stdout) == (0, "here\n"), result.stderr


def test_sessions_of_one_folder_hand_nothing_to_each_other(
    own_subject: Subject, running: Callable[..., str]
) -> None:
    block = {"SANDBOX_GUARD": "block"}
    evil = "cd /home/agent/workspace; echo evil >.envrc; "
    first = running(f"{evil} : >planted; until [ -e second ]; do sleep 0.1; done; rm .envrc", env=block)
    workspace = own_subject.folder / "workspace"
    wait_for((workspace / "planted").exists, "the first session to plant")
    second = running(
        "cd /home/agent/workspace; : >second; until [ -e go ]; do sleep 0.1; done; " + evil, env=block
    )
    docker("wait", first)
    own_subject.run("echo >/home/agent/workspace/go", env={"SANDBOX_GUARD": "off"})
    docker("wait", second)
    assert not (workspace / ".envrc").exists(), docker("logs", second)
