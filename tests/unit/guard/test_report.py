"""The report: short, printable, and the same for the same changes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.guard import budget, changes, search
from init.guard.snapshot import Change, Comparison, Snapshot
from tests.unit.guard.projects import EMPTY, NOTHING, compared, put

ANY = st.text(st.characters())


LINES = st.lists(ANY).map(tuple)
CHANGE = st.tuples(ANY, st.sampled_from(["added", "changed"]), ANY, LINES).map(lambda fields: Change(*fields))


@given(st.builds(Comparison, changes=st.lists(CHANGE).map(tuple), unseen=LINES))
def test_a_report_is_printable_whatever_it_quotes(found: Comparison) -> None:
    assert all(line.isprintable() for line in changes.report(found).split("\n"))


def test_a_report_is_capped_and_says_what_it_leaves_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_DEPTH", 1)

    def act() -> None:
        for number in range(changes.MAX_CHANGES + 3):
            put(root / f"a{number:03}" / ".envrc", "x\n" * 5 + "".join(f"{n}\n" for n in range(100)))
        put(root / "a" / "b" / "c")

    report = changes.report(compared(root, act)).split("\n")
    assert "and 3 more" in report
    assert "    … and 97 more" in report
    assert report[-2].startswith("unseen: not searched")
    assert report[-1] == "    a/b"
    assert len(report) < 250


def test_the_form_of_a_report(root: Path) -> None:
    def act() -> None:
        put(root / ".envrc", "\x1b[2J\tcurl\n\n\nsh\n")
        put(root / "Makefile", "y" * 1000)
        put(root / "gradle" / "wrapper" / "x.jar", b"PK\0\0")

    assert changes.report(compared(root, act)) == (
        "added .envrc: direnv runs it on entering the folder\n"
        "    \\x1b[2J    curl\n"
        "    sh\n"
        "added gradle/wrapper/x.jar: the build tool runs what it names\n"
        "    is not text (4 bytes)\n"
        "added Makefile: make runs it, if you ask for it\n"
        f"    {'y' * changes.MAX_WIDTH}… (1000 characters)"
    )


def test_no_change_is_no_report() -> None:
    assert changes.report(NOTHING) == ""


def test_each_change_is_one_event_and_what_was_not_searched_another(root: Path) -> None:
    put(root / "Makefile", "all:\n")
    found = changes.compare(EMPTY, Snapshot(search.search(str(root)).items, ("a/b",)))
    assert list(changes.events(found)) == [
        {"path": "Makefile", "what": "added", "reason": "make runs it", "lines": ("all:",)},
        {"path": "", "what": "unseen", "reason": changes.NOT_SEARCHED, "lines": ("a/b",)},
    ]
    assert list(changes.events(NOTHING)) == []
