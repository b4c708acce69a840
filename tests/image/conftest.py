"""A checkout of the test's own, containers that go with the test, scripted model servers."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.harness.engine import IMAGE, docker, logs
from tests.harness.own_checkout import Checkout, Make
from tests.harness.repository import ROOT
from tests.harness.sandbox import PROJECT, Sandbox
from tests.harness.scripted_model import Model
from tests.harness.superuser import Superuser
from tests.harness.tools import TOOLS
from tests.harness.waiting import wait_for

BUILD = 600.0  # seconds: two packages of 130 MB, where no layer is there yet


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("image")


@pytest.fixture(scope="session", autouse=True)
def _project() -> Iterator[None]:
    docker("image", "inspect", IMAGE)
    yield
    subprocess.run(
        ["docker", "compose", "-p", PROJECT, "-f", "compose.yml", "-f", "tests/compose.test.yml", "down",
         "--timeout", "0", "--remove-orphans", "--volumes"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superuser]:
    with Superuser(IMAGE, tmp_path_factory.getbasetemp()) as root:
        yield root


@pytest.fixture
def sandbox(tmp_path: Path, superuser: Superuser) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path / "checkout", superuser)
    yield made
    made.remove_gateways()
    superuser.give_back(made.folder)


@pytest.fixture
def serve(sandbox: Sandbox) -> Iterator[Callable[..., Model]]:
    """Start scripted servers with these flags; the first is the one that MODEL_URL names."""
    started: list[Model] = []

    def run(
        *flags: str, name: str | None = None, mounts: tuple[str, ...] = (), service: str = "scripted"
    ) -> Model:
        model = Model(name or f"model-{uuid.uuid4().hex[:12]}")
        options = ["--detach", "--name", model.name, *(word for mount in mounts for word in ("-v", mount))]
        command = sandbox.compose("run", *options, service, *flags)
        sandbox.detached(command)
        started.append(model)
        wait_for(model.listens, lambda: f"the model server to listen: {logs(model.name)}")
        sandbox.environ.setdefault("MODEL_URL", model.url)
        return model

    yield run
    if started:
        docker("rm", "--force", *(model.name for model in started), check=False)


@pytest.fixture
def model(serve: Callable[..., Model]) -> Model:
    """Start a scripted server in the shape of vLLM, which MODEL_URL names."""
    return serve()


@pytest.fixture
def container(sandbox: Sandbox) -> Iterator[Callable[..., str]]:
    """Start containers that are removed after the test."""
    started: list[str] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> str:
        started.append(sandbox.start(*arguments, env=env))
        return started[-1]

    yield start
    if started:
        docker("rm", "--force", *started, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Make]:
    made: list[Checkout] = []

    def make(name: str) -> Checkout:
        made.append(Checkout(tmp_path / name))
        return made[-1]

    yield make
    for one in made:
        if left := one.containers():
            docker("rm", "--force", *left, check=False)
        if networks := one.networks():
            docker("network", "rm", *networks, check=False)
        if volumes := one.volumes():
            docker("volume", "rm", *volumes, check=False)


@pytest.fixture(scope="session")
def demo_image() -> str:
    name = os.environ.get("DEMO_IMAGE", "agentic-sandbox-demo:latest")
    build("model", COMPOSE_PROFILES="demo", DEMO_IMAGE=name)
    return name


@pytest.fixture(scope="session")
def image_with_all_tools() -> str:
    """The image under test if it has them all, or one that has: each is a layer, the rest is shared."""
    there = docker("run", "--rm", "--network=none", "--entrypoint=ls", IMAGE, "/opt/tools/bin").split()
    if {tool["command"][0] for tool in TOOLS.values()} <= set(there):
        return IMAGE
    name = f"{IMAGE}-all-tools"
    build("sandbox", SANDBOX_IMAGE=name, IMAGE_TOOLS=",".join(TOOLS))
    return name


@pytest.fixture
def outfitted(sandbox: Sandbox, image_with_all_tools: str) -> Sandbox:
    """A checkout whose image has every tool."""
    sandbox.environ["SANDBOX_IMAGE"] = image_with_all_tools
    return sandbox


def build(service: str, **environ: str) -> None:
    """Build an image the way start.sh does, so that base, mirrors and CA are this machine's."""
    built = subprocess.run(
        ["bash", "-c", f"here=$PWD; . scripts/common.sh; build_variables; docker compose build {service}"],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=BUILD, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
