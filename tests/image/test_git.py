"""What the guard knows of git, against the git of the image, which is another version than this machine's."""

from tests.harness.engine import IMAGE, docker
from tests.harness.git_settings import QUESTION, unknown


def test_every_setting_of_the_images_git_is_told_or_harmless() -> None:
    program, *words = QUESTION
    listed = docker("run", "--rm", "--network=none", f"--entrypoint={program}", IMAGE, *words)
    assert unknown(listed) == [], "put each into GIT_SETTINGS or HARMLESS (init/guard/rules)"
