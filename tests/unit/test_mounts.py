"""init/mounts.py: the mount table."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from init import mounts
from init.mounts import Mount

PATHS = st.text(st.one_of(st.sampled_from(" \t\n\\/0134"), st.characters(exclude_characters="\0")))


def line(path: str, options: str = "rw,relatime", root: str = "/", optional: str = " shared:1") -> str:
    return (
        f"36 35 98:0 {escaped(root)} {escaped(path)} {options}{optional} - ext4 /dev/vda rw,errors=continue\n"
    )


def mount(*, read_only: bool = False, root: str = "/") -> Mount:
    """Return what such a line stands for."""
    return Mount("/mnt", read_only, 36, "ext4", root)


def escaped(path: str) -> str:
    """Write a path as the kernel does: show_mountinfo() mangles these four."""
    return "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in path)


@given(st.lists(PATHS.map("/{}".format), unique=True))
@example(["/a b", "/a\nb", "/a\tb", "/a\\b", "/a\\040b", "/\\", "/\\\\134"])
@example(["/a\rb\vc\fd\x1ce\x85f\u2028g"])
def test_paths_come_back_as_they_are(paths: list[str]) -> None:
    assert [mount.path for mount in mounts.parse("".join(map(line, paths)))] == paths


@given(PATHS)
@example("a\fb")
def test_a_host_folder_of_any_name_does_no_harm(root: str) -> None:
    assert mounts.parse(line("/mnt", root=f"/{root}")) == (mount(root=f"/{root}"),)


@pytest.mark.parametrize(
    ("options", "read_only"),
    [("rw", False), ("ro", True), ("ro,nosuid", True), ("nosuid,ro", True), ("rw,errors=remount-ro", False)],
)
@pytest.mark.parametrize("optional", ["", " shared:1", " shared:1 master:2"])
def test_read_only_is_told_from_the_options(options: str, read_only: bool, optional: str) -> None:
    assert mounts.parse(line("/mnt", options, optional=optional)) == (mount(read_only=read_only),)


def test_of_mounts_stacked_on_one_path_the_last_counts() -> None:
    assert mounts.parse(line("/mnt", "rw") + line("/mnt", "ro")) == (mount(read_only=True),)


def test_a_read_only_filesystem_is_read_only_however_it_is_mounted() -> None:
    (found,) = mounts.parse(line("/mnt", "rw").replace("rw,errors=continue", "ro,errors=continue"))
    assert found.read_only


def test_no_mount_is_an_empty_table() -> None:
    assert mounts.parse("") == ()


def test_this_systems_own_table_is_read() -> None:
    assert mounts.find(mounts.read_table(), "/proc") is not None
    assert mounts.find(mounts.read_table(), "/proc/") is None


def test_an_owner_is_that_of_the_folder_and_only_of_a_mount(tmp_path: Path) -> None:
    status = tmp_path.stat()
    table = (Mount(str(tmp_path), read_only=False),)
    assert mounts.owner(table, str(tmp_path)) == (status.st_uid, status.st_gid)
    assert mounts.owner(table, str(tmp_path.parent)) is None
