"""init/session/differences.py: what is called new, changed, deleted, renamed, lost, and the words for it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.session import differences
from init.session.differences import Change, Commits, Look

Stat = tuple[int, int, int, int, int]
Count = tuple[int, int] | None

FILE, PROGRAM, LINK = 0o100644, 0o100755, 0o120777
COMMIT = "1a2b3c4d" + "0" * 32


def stat(inode: int, size: int = 3, modified: int = 5, changed: int = 5, mode: int = FILE) -> Stat:
    return mode, inode, size, modified, changed


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {}, []),
        ({b"a": stat(1)}, {b"a": stat(1)}, []),
        ({}, {b"a": stat(1)}, [Change("new", b"a")]),
        ({b"a": stat(1)}, {}, [Change("deleted", b"a")]),
        ({b"a": stat(1)}, {b"a": stat(1, size=4)}, [Change("changed", b"a")]),
        # A size and a time can be set as they were; when that was done can not.
        ({b"a": stat(1)}, {b"a": stat(1, changed=6)}, [Change("changed", b"a")]),
        ({b"a": stat(1)}, {b"a": stat(2)}, [Change("changed", b"a")]),
        ({b"a": stat(1)}, {b"a": stat(1, mode=LINK)}, [Change("changed", b"a")]),
        ({b"a": differences.UNKNOWN}, {b"a": stat(1)}, [Change("changed", b"a")]),
        ({b"a": stat(1)}, {b"b": stat(1, changed=9)}, [Change("renamed", b"b", b"a")]),
        # The inode of what is deleted is given to what is made.
        ({b"a": stat(1)}, {b"b": stat(1, modified=9)}, [Change("deleted", b"a"), Change("new", b"b")]),
        (
            {b"a": stat(1), b"b": stat(1)}, {b"c": stat(1)},
            [Change("deleted", b"a"), Change("renamed", b"c", b"b")],
        ),
        # A link of another name to what is still there is a new file.
        ({b"a": stat(1)}, {b"a": stat(1), b"b": stat(1)}, [Change("new", b"b")]),
    ],
)  # fmt: skip
def test_what_differs_has_a_name(
    before: Mapping[bytes, Stat], after: Mapping[bytes, Stat], found: list[Change]
) -> None:
    assert differences.compare(Look(COMMIT, before, frozenset()), after) == found


def test_what_no_commit_has_is_lost_unless_it_is_only_renamed() -> None:
    files = {b"kept": stat(1), b"loose": stat(2), b"edited": stat(3), b"moved": stat(4)}
    before = Look(COMMIT, files, frozenset({b"loose", b"edited", b"moved"}))
    found = differences.compare(before, {b"edited": stat(3, size=9), b"there": stat(4)})
    assert found == [
        Change("changed", b"edited", lost=True), Change("deleted", b"kept"),
        Change("deleted", b"loose", lost=True), Change("renamed", b"there", b"moved"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "lost", "count", "is_real"),
    [
        (stat(1, changed=9), False, (0, 0), False),
        (stat(7, modified=9), False, (0, 0), False),
        (stat(1, changed=9), False, (1, 1), True),
        (stat(1, changed=9), False, None, True),
        (stat(1, size=9), False, (0, 0), True),
        (stat(1, mode=PROGRAM), False, (0, 0), True),
        # git keeps no more of the mode.
        (stat(1, mode=0o100600), False, (0, 0), False),
        # It has nothing to compare it with.
        (stat(1, changed=9), True, (0, 0), True),
    ],
)
def test_what_was_written_anew_as_it_was_is_no_change(
    now: Stat, lost: bool, count: Count, is_real: bool
) -> None:
    before = Look(COMMIT, {b"a": stat(1)}, frozenset({b"a"} if lost else ()))
    found = differences.compare(before, {b"a": now})
    assert len(found) == 1
    assert bool(differences.real(found, before, {b"a": now}, {b"a": count})) == is_real


CHANGES = [Change("changed", b"a"), Change("deleted", b"b", lost=True), Change("new", b"c")]
COUNTS: dict[bytes, Count] = {b"a": (12, 3), b"c": (10, 0)}


@pytest.mark.parametrize(
    ("changes", "commits", "line"),
    [
        ([], Commits(), ""),
        (CHANGES, Commits(), "3 files changed (+22 -3 lines) in x/; git cannot bring back 1 of them:"),
        (CHANGES[:1], Commits(2, 1), "1 file changed (+12 -3 lines), 2 commits came, 1 commit went in x/:"),
        ([], Commits(1), "1 commit came in x/:"),
        ([Change("changed", b"binary")], Commits(), "1 file changed in x/:"),
    ],
)
def test_the_headline_says_how_much(changes: list[Change], commits: Commits, line: str) -> None:
    told = differences.headline(changes, commits, COUNTS, "x/")
    assert told == (line and f"while this session ran, {line}")


def test_the_details_begin_with_what_is_lost() -> None:
    told = differences.details([*CHANGES, Change("renamed", b"e", b"d")], Commits(1, 0, ("abc Why",)), COUNTS)
    assert told.splitlines() == [
        "  deleted  b (no commit has it as it was)",
        "  changed  a (+12 -3)",
        "  new      c (+10 -0)",
        "  renamed  d -> e",
        "  commit   abc Why",
    ]


@pytest.mark.parametrize(
    ("changes", "commits", "commit", "words"),
    [
        (CHANGES, Commits(), COMMIT, ["git diff 1a2b3c4d", "git restore --source=1a2b3c4d FILE"]),
        (CHANGES, Commits(), "", []),
        (CHANGES[1:], Commits(), COMMIT, []),
        ([], Commits(1, 2), COMMIT, ["git branch NAME 1a2b3c4d"]),
    ],
)
def test_the_advice_names_only_what_helps(
    changes: list[Change], commits: Commits, commit: str, words: list[str]
) -> None:
    told = differences.advice(changes, commits, commit)
    assert bool(told) == bool(words)
    assert all(word in told for word in words), told


@given(st.lists(st.binary(min_size=1), max_size=60), st.lists(st.text(), max_size=9))
def test_no_name_steers_a_terminal_or_makes_it_long(paths: list[bytes], subjects: list[str]) -> None:
    told = differences.details([Change("new", path) for path in paths], Commits(9, 0, tuple(subjects)), {})
    lines = told.split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) <= differences.MOST + differences.MOST_COMMITS + 2
    assert max(map(len, lines)) <= 2 * differences.WIDTH
    if len(paths) > differences.MOST:
        assert f"  and {len(paths) - differences.MOST} more" in lines
