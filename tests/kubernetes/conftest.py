"""Every manifest, rendered once by one kubectl."""

from pathlib import Path

import pytest

from tests.harness import manifests
from tests.harness.manifests import Object


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("image")
            # What all of them look at is rendered once for each process.
            if "rendered" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group("manifests"))


@pytest.fixture(scope="session")
def rendered() -> dict[str, list[Object]]:
    """Return the objects of each kustomization, by its folder below deploy/kubernetes."""
    return manifests.render(manifests.kustomizations())
