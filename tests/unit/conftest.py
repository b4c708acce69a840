"""What every unit test shares: quiet Hypothesis, and a log that writes to the stderr of its own test."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from init import log, paths
from tests.harness import namespace

# A slow machine is no fault, a failure is repeated by its printed example, and no change is refused for what
# chance finds in another's work. To search further: HYPOTHESIS_EXAMPLES=10000 pytest tests/unit
EXAMPLES = os.environ.get("HYPOTHESIS_EXAMPLES")
hypothesis.settings.register_profile(
    "unit", deadline=None, database=None, max_examples=int(EXAMPLES or 100), derandomize=EXAMPLES is None
)
hypothesis.settings.load_profile("unit")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to test_as_another.py what whoever runs the tests cannot try."""
    other = "as_user" if namespace.overrides_modes() else "as_root"
    left = [item for item in items if item.get_closest_marker(other)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(autouse=True)
def _fresh_log() -> Iterator[None]:
    log.configure(as_json=False, level="info")
    yield
    log.configure(as_json=False, level="info")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder with two programs, a file that is not executable, and a folder."""
    folder = tmp_path / "bin"
    (folder / "folder").mkdir(parents=True)
    for name, mode in (("one", 0o755), ("two", 0o755), ("text", 0o644)):
        path = folder / name
        path.touch()
        path.chmod(mode)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put home, workspace/, data/ and config/ where the tests may make them."""
    for name in ("HOME", "WORKSPACE", "DATA", "CONFIG"):
        monkeypatch.setattr(paths, name, str(tmp_path / name.lower()))
        (tmp_path / name.lower()).mkdir()
    return tmp_path / "home"
