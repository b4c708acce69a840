"""The index is read as git reads it, whatever its bytes."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.guard import git_index
from tests.unit.guard.projects import embed, git


@pytest.mark.parametrize("version", ["2", "4"])
def test_the_gitlinks_are_those_that_git_lists(project: Path, version: str) -> None:
    for name in ("vendor", "libs/" + "n" * 200, "é"):
        embed(project, name)
    git(project, "update-index", "--index-version", version)
    names, whole = git_index.gitlinks((project / ".git" / "index").read_bytes(), 20)
    assert whole
    listed = [line.partition("\t") for line in git(project, "ls-files", "-sz").split("\0")]
    assert {os.fsdecode(name) for name in names} == {
        path for head, _, path in listed if head.startswith("160000")
    }
    names, _ = git_index.gitlinks((project / ".git" / "index").read_bytes(), 20, every=True)
    assert {os.fsdecode(name) for name in names} == {path for _, _, path in listed if path}


def _entry(mode: int, flags: int, rest: bytes) -> bytes:
    return b"\0" * 24 + mode.to_bytes(4, "big") + b"\0" * 32 + flags.to_bytes(2, "big") + rest


def test_an_entry_to_which_only_the_table_of_offsets_sends_is_found() -> None:
    plain, link = _entry(0x81A4, 1, b"a\0"), _entry(0xE000, 6, b"vendor\0\0\0\0")
    data = b"DIRC\0\0\0\2\0\0\0\1" + plain
    at = len(data) + 8
    data += b"XXXX" + len(link).to_bytes(4, "big") + link
    data += b"IEOT" + b"".join(number.to_bytes(4, "big") for number in (12, 1, at, 1)) + b"\0" * 20
    assert git_index.gitlinks(data, 20) == ({b"vendor"}, True)


def test_a_table_of_offsets_cannot_make_it_take_long() -> None:
    table = b"".join(number.to_bytes(4, "big") for number in (12, 10_000)) * 8000
    data = b"DIRC\0\0\0\2\0\0\x27\x10" + _entry(0x81A4, 1, b"a\0") * 10_000
    data += b"IEOT" + (len(table) + 4).to_bytes(4, "big") + b"\0\0\0\1" + table
    start = time.process_time()
    assert git_index.gitlinks(data, 20) == (set(), False)
    assert time.process_time() - start < 2


ENTRIES = st.one_of(
    st.binary(max_size=80),
    st.builds(_entry, st.sampled_from([0xE000, 0x81A4]), st.integers(0, 0xFFFF), st.binary(max_size=20)),
)


@given(
    st.sampled_from([b"DIRC", b"", b"link"]),
    st.integers(0, 5),
    st.integers(0, 0xFFFFFFFF),
    st.lists(ENTRIES).map(b"".join),
    st.sampled_from([20, 32]),
)
def test_an_index_of_any_bytes_is_read_to_its_end(
    magic: bytes, version: int, count: int, rest: bytes, size: int
) -> None:
    data = magic + version.to_bytes(4, "big") + count.to_bytes(4, "big") + rest
    for every in (False, True):
        names, _ = git_index.gitlinks(data, size, every=every)
        assert all(b"\0" not in name for name in names)
