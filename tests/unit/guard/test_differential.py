"""What the guard reads against what the git of this machine reads, of random files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.git_program import Git, of_this_machine
from tests.harness.git_readings import COMPARISONS


@pytest.fixture(scope="module")
def asked() -> Iterator[Git]:
    with of_this_machine() as git:
        yield git


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
def test_the_guard_reads_what_git_reads(
    asked: Git, tmp_path: Path, compare: Callable[[Git, Path], None]
) -> None:
    compare(asked, tmp_path / "workspace")
