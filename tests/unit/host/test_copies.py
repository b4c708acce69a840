"""Copies as the engine tells of them: their volumes' labels, and the one that is meant."""

import json
from pathlib import Path

import pytest

from host import copies
from host.copies import OVERLAY, PLAIN, Copy
from host.errors import HostError

FOLDER = Path("/checkout/data/projects/.copies")
PLACE = FOLDER / "calm-otter"
ONE = Copy(
    "calm-otter", "p_copy-calm-otter", Path('/home/me/a,b\n"c'), OVERLAY, 1700000000.25, "ab" * 20,
    PLACE / "upper", "image:1", PLACE,
)  # fmt: skip
OTHER = Copy(
    "red-fox", "p_copy-red-fox", Path("/x"), PLAIN, 1700000001.5, "", None, "image:1", FOLDER / "red-fox"
)


def line(copy: Copy, **other: str) -> str:
    """Return what the engine lists of a copy, with other labels in the place of some."""
    labels = {
        **copy.labels("p", Path("/checkout")),
        **{f"{copies.LABEL}.{name}": value for name, value in other.items()},
    }
    return json.dumps([copy.volume, *(labels[f"{copies.LABEL}.{fact}"] for fact in copies.FACTS)])


def test_what_the_labels_say_is_the_copy() -> None:
    assert copies.parse(f"{line(ONE)}\n{line(OTHER)}\n") == [OTHER, ONE]


@pytest.mark.parametrize(
    "text",
    [
        "", "no JSON", "null", "3", "[]", '["volume"]', "[" * 100_000,
        line(ONE, since="yesterday"), line(ONE, since=""), line(ONE, kind="else"), line(ONE, workspace="x"),
        # The folder above it would be removed.
        line(ONE, place=""), line(ONE, place="/home/me"), line(OTHER, place="/home/me"),
        line(ONE, place=f"{FOLDER}/other"), line(ONE, place=f"{FOLDER}/calm-otter/.."),
    ],
)  # fmt: skip
def test_other_volumes_are_no_copies(text: str) -> None:
    assert copies.parse(text) == []


@pytest.mark.parametrize(
    ("there", "name", "expected"),
    [([ONE], "", ONE), ([ONE, OTHER], "red-fox", OTHER), ([ONE, OTHER], "calm-otter", ONE)],
)
def test_the_copy_that_is_meant(there: list[Copy], name: str, expected: Copy) -> None:
    assert copies.chosen(there, name) == expected


@pytest.mark.parametrize(
    ("there", "name", "what"),
    [
        ([], "", "there is no copy"),
        ([], "red-fox", "there is no copy"),
        ([ONE], "red-fox", "there is no copy named red-fox"),
        ([ONE, OTHER], "", "there are 2 copies. Name one"),
        ([ONE, OTHER], "calm", "there is no copy named calm"),
        ([ONE], "\x1b[2J", r"there is no copy named \x1b[2J"),
    ],
)
def test_no_copy_is_meant(there: list[Copy], name: str, what: str) -> None:
    with pytest.raises(HostError) as refused:
        copies.chosen(there, name)
    assert what in refused.value.what
    assert refused.value.todo
    assert "\n" not in "".join(refused.value.todo)
