"""What is counted and removed below a folder, where somebody else is at work too."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from host import tree
from host.errors import Interrupted

DEEP = 3000  # levels: more than descriptors, and a path of three times PATH_MAX


def nothing() -> None:
    """Go on."""


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_tree_deeper_than_any_path(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("deep", dir_fd=folder)
        below = os.open("deep", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("file", os.O_CREAT, dir_fd=folder))
    os.close(folder)
    assert tree.count(tmp_path, (), nothing).entries == DEEP + 1
    found = tree.remove(tmp_path, (), nothing)
    assert (found.entries, found.failures) == (DEEP + 1, [])
    assert list(tmp_path.iterdir()) == []


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    before = descriptors()
    tree.remove(tmp_path, (), nothing)
    assert descriptors() == before


def test_a_file_with_two_names_counts_as_two_and_weighs_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 8192)
    once = tree.count(tmp_path, (), nothing).size
    os.link(tmp_path / "one", tmp_path / "two")
    found = tree.count(tmp_path, (), nothing)
    assert (found.entries, found.size) == (2, once)


def test_only_the_entry_at_the_top_is_kept(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for path in (tmp_path / ".gitkeep", tmp_path / "below" / ".gitkeep"):
        path.touch()
    tree.remove(tmp_path, (".gitkeep",), nothing)
    assert [path.name for path in tmp_path.iterdir()] == [".gitkeep"]


@pytest.fixture
def bystander(tmp_path: Path) -> Path:
    """A file beside the folder that is emptied, which must stay."""
    file = tmp_path / "elsewhere" / "a" / "kept"
    file.parent.mkdir(parents=True)
    file.touch()
    (tmp_path / "folder" / "a" / "b" / "c").mkdir(parents=True)
    return file


def after(calls: int, change: Callable[[], object]) -> Callable[[], None]:
    """Return a check that changes something when it is called for the n-th time."""
    left = [calls]

    def check() -> None:
        left[0] -= 1
        if left[0] == 0:
            change()

    return check


def test_a_folder_that_is_moved_meanwhile_leads_nowhere_else(tmp_path: Path, bystander: Path) -> None:
    """The ".." of a folder that was moved is where it is now."""
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    move = after(3, lambda: (folder / "a" / "b").rename(elsewhere / "b"))
    found = tree.remove(folder, (), move)
    assert bystander.exists()
    assert any("somebody moved it" in failure for failure in found.failures)


def test_a_folder_that_is_replaced_by_a_link_is_not_followed(tmp_path: Path, bystander: Path) -> None:
    folder = tmp_path / "folder"

    def replace() -> None:
        (folder / "a").rename(tmp_path / "gone")
        (folder / "a").symlink_to(bystander.parent)

    found = tree.remove(folder, (), after(1, replace))
    assert bystander.exists()
    assert found.failures


@pytest.mark.usefixtures("bystander")
def test_another_folder_in_its_place_is_not_entered(tmp_path: Path) -> None:
    folder = tmp_path / "folder"

    def replace() -> None:
        (folder / "a").rename(tmp_path / "gone")
        (tmp_path / "elsewhere").rename(folder / "a")

    found = tree.remove(folder, (), after(1, replace))
    assert (folder / "a" / "a" / "kept").exists()
    assert any("replaces" in failure for failure in found.failures)


def test_what_ends_the_walk_ends_it(tmp_path: Path, bystander: Path) -> None:
    def end() -> None:
        raise Interrupted(2)

    before = descriptors()
    with pytest.raises(Interrupted):
        tree.remove(tmp_path / "folder", (), end)
    assert descriptors() == before
    assert bystander.exists()
