"""What the guard knows of git, against the git of the image, which is another version than this machine's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.engine import IMAGE, docker
from tests.harness.git_program import Git, of_the_image
from tests.harness.git_readings import COMPARISONS
from tests.harness.git_settings import QUESTION, unknown


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Git]:
    with of_the_image(IMAGE, tmp_path_factory.getbasetemp()) as git:
        yield git


def test_every_setting_of_the_images_git_is_told_or_harmless() -> None:
    program, *words = QUESTION
    listed = docker("run", "--rm", "--network=none", f"--entrypoint={program}", IMAGE, *words)
    assert unknown(listed) == [], "put each into GIT_SETTINGS or HARMLESS (init/guard/rules)"


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
def test_the_guard_reads_what_the_images_git_reads(
    asked: Git, tmp_path: Path, compare: Callable[[Git, Path], None]
) -> None:
    compare(asked, tmp_path / "workspace")
