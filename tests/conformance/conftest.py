"""What is attacked, as the command line says; see tests/conftest.py."""

import functools
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import IMAGE, docker
from tests.harness.once import Once, once
from tests.harness.outside import Outside, running_outside
from tests.harness.pod_subject import PodSubject
from tests.harness.repository import ROOT
from tests.harness.subject import PLAIN, Subject, own_folders, privileges
from tests.harness.superuser import Superuser
from tests.harness.wall import Elsewhere, Wall


@pytest.fixture(scope="session")
def chosen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """What the command line says, without a folder."""
    option = request.config.getoption
    compose = None if option("--bare") else Path(option("--compose") or ROOT / "compose.yml").resolve()
    own = option("--run-with") is None
    image = option("--image") or IMAGE
    with Superuser(image, tmp_path_factory.getbasetemp()) as superuser:
        make = functools.partial(PodSubject, podman=option("--pod")) if option("--pod") else Subject
        subject = make(
            image=image,
            compose=compose,
            service=option("--service"),
            prefix=("-c",) if own else tuple(shlex.split(option("--run-with"))),
            environ={"SANDBOX_SHELL": "plain"} if own else {},
            folder=Path(os.devnull),
            superuser=superuser,
        )
        yield subject
        subject.remove()


@pytest.fixture
def own_subject(chosen: Subject, tmp_path: Path) -> Iterator[Subject]:
    """A subject whose folders no other test shares."""
    with own_folders(chosen, tmp_path / "own") as made:
        yield made


@pytest.fixture(scope="session")
def subject(chosen: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A subject whose folders the tests share: leave them as they were."""
    with own_folders(chosen, tmp_path_factory.mktemp("subject")) as made:
        yield made


@pytest.fixture(scope="session")
def weakened(subject: Subject) -> Subject:
    """The same image with nothing in the way: the attacks must succeed here, or they prove nothing."""
    return replace(
        subject, compose=None, prefix=("-c",), environ={},
        options=(
            *privileges(subject.image), "--user=0", "--security-opt=seccomp=unconfined",
            "--entrypoint=/bin/bash",
        ),
    )  # fmt: skip


@pytest.fixture(scope="session")
def plain_image(chosen: Subject) -> str:
    """The image under test with the usual entry point in the place of its own: see plain/."""
    name = "agentic-sandbox-plain:test"
    docker("build", "--quiet", "--tag", name, "--build-arg", f"IMAGE={chosen.image}", str(PLAIN))
    return name


@pytest.fixture
def running(own_subject: Subject) -> Iterator[Any]:
    """Start scripts in containers that are removed after the test."""
    started: list[str] = []

    def start(script: str, *options: str, env: Mapping[str, str] | None = None) -> str:
        started.append(own_subject.start(script, *options, env=env))
        return started[-1]

    yield start
    if started:
        docker("rm", "--force", *started, check=False)


@pytest.fixture(scope="session")
def outside(weakened: Subject) -> Iterator[Once[Outside]]:
    with once(running_outside(weakened)) as found:
        yield found


@contextmanager
def listening(image: str) -> Iterator[Elsewhere]:
    made = Elsewhere(image)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def elsewhere(subject: Subject) -> Iterator[Once[Elsewhere]]:
    with once(listening(subject.image)) as found:
        yield found


@contextmanager
def walled(subject: Subject, elsewhere: Once[Elsewhere], folder: pytest.TempPathFactory) -> Iterator[Wall]:
    if subject.compose is None:
        pytest.skip("bare docker run: it has no gateway")
    services = subject.ended(["docker", "compose", "config", "--services"]).stdout.split()
    if "gateway" not in services:
        pytest.skip(f"the compose file has no gateway: {', '.join(services)}")
    made = Wall(subject, elsewhere(), folder.mktemp("wall"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def wall(
    subject: Subject, elsewhere: Once[Elsewhere], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Once[Wall]]:
    with once(walled(subject, elsewhere, tmp_path_factory)) as found:
        yield found
