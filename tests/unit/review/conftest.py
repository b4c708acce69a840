"""Sides of both kinds: overlays only where one may be mounted."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.review.sides import Sides


def can_mount(folder: Path) -> bool:
    """Tell whether an overlay can be mounted: root of the machine may, on most file systems."""
    if os.geteuid() != 0:
        return False
    places = [folder / name for name in ("lower", "upper", "work", "merged")]
    for place in places:
        place.mkdir(parents=True)
    options = "lowerdir={},upperdir={},workdir={}".format(*places)
    mounted = subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", options, str(places[3])], capture_output=True, check=False
    )
    if mounted.returncode:
        return False
    subprocess.run(["umount", str(places[3])], check=True)
    return True


@pytest.fixture(scope="session")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> bool:
    return can_mount(tmp_path_factory.mktemp("overlay"))


@pytest.fixture
def make(tmp_path: Path, overlays: bool) -> Iterator[Callable[..., Sides]]:
    """Make sides, and let go of what is mounted after the test."""
    made: list[Sides] = []

    def sides(*, overlay: bool = False) -> Sides:
        if overlay and not overlays:
            pytest.skip("no overlay can be mounted here")
        made.append(Sides(tmp_path / f"sides-{len(made)}", overlay))
        return made[-1]

    yield sides
    for one in made:
        one.close()


@pytest.fixture(params=["plain", "overlay"])
def sides(request: pytest.FixtureRequest, make: Callable[..., Sides]) -> Sides:
    return make(overlay=request.param == "overlay")
