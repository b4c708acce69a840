"""One Podman for all of these tests: to load the image takes a minute."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.harness import podman
from tests.harness.podman import KEY, Cluster, secret

_cluster: list[Cluster] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("image")
            item.add_marker(pytest.mark.xdist_group("pods"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed tells what every pod is and said."""
    report = yield
    if report.failed and _cluster:
        report.sections.append(("pods", _cluster[0].told()))
    return report


@pytest.fixture(scope="session")
def empty_cluster() -> Iterator[Cluster]:
    """Podman with the image, networks and a model server; SANDBOX_TEST_PODMAN names one that is kept."""
    if kept := os.environ.get("SANDBOX_TEST_PODMAN"):
        _cluster.append(Cluster(kept))
        yield _cluster[0]
        return
    with podman.running() as made:
        _cluster.append(made)
        yield made
        _cluster.clear()


@pytest.fixture(scope="session")
def served(empty_cluster: Cluster) -> Iterator[Cluster]:
    """Start the gateway, which stays."""
    started = empty_cluster.gateway(secret("model-key", model_key=KEY))
    assert started.returncode == 0, started.stderr
    empty_cluster.ready()
    yield empty_cluster
    empty_cluster.down()


@pytest.fixture
def cluster(served: Cluster) -> Iterator[Cluster]:
    """Return the cluster with its gateway; what the test plays goes at its end."""
    before = served.played
    yield served
    served.down(before)
