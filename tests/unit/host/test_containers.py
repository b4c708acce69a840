"""Names of projects, and which containers are of a checkout."""

from pathlib import Path

import pytest

from host import containers
from host.containers import Container


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("field", "field"), ("A check_out [1]", "a-check-out-1"), ("---", "sandbox"), ("Привет", "sandbox"),
        ("a" * 200, "a" * 40), ("_x$y:z", "x-y-z"),
    ],
)  # fmt: skip
def test_a_project_is_named_as_compose_takes_it(name: str, shown: str) -> None:
    named = containers.project(Path("/home/me", name))
    assert named.rpartition("-")[0] == shown
    assert named != containers.project(Path("/home/you", name))


def test_a_path_that_is_no_text_has_a_name() -> None:
    assert containers.project(Path("/home/\udcff/x")).startswith("x-")


def test_what_docker_lists() -> None:
    found = containers.parse("1\tmine\tsandbox\t/a b\n2\tmine\tmodel\t/a b\n3\tother\tsandbox\t/a\nodd\n")
    assert found[1] == Container("2", "mine", "model", "/a b")
    assert containers.of(found, "sandbox", ("mine", "else")) == ["1"]
