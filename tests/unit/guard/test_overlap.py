"""Sessions at a time in one folder: what each of them takes as given."""

import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from init.errors import SandboxError
from init.guard import overlap, search
from init.guard.snapshot import Snapshot
from tests.unit.guard.projects import put


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    return tmp_path / "lists"


@pytest.fixture
def begin(root: Path, lists: Path) -> Iterator[Callable[[], overlap.Given]]:
    """Return a function that begins a session, which ends with the test."""
    begun = []

    def start() -> overlap.Given:
        begun.append(overlap.look(str(root), str(lists), lambda: search.search(str(root))))
        return begun[-1]

    yield start
    for given in begun:
        overlap.end(given)


def test_one_session_takes_what_it_finds_as_given(root: Path, begin: Callable[[], overlap.Given]) -> None:
    put(root / ".envrc", "mine")
    given = begin()
    assert given.before == search.search(str(root))
    assert (given.doubtful, given.forsaken) == (0, False)


def test_a_second_one_takes_no_more_than_the_first(root: Path, begin: Callable[[], overlap.Given]) -> None:
    put(root / ".envrc", "mine")
    put(root / "Makefile", "mine")
    begin()
    put(root / "Makefile", "evil")
    put(root / ".vimrc", "evil")
    second = begin()
    assert list(second.before.items) == [".envrc"]
    assert second.doubtful == 2


def test_a_third_one_takes_no_more_than_the_second_when_the_first_has_ended(root: Path, lists: Path) -> None:
    def look() -> overlap.Given:
        return overlap.look(str(root), str(lists), lambda: search.search(str(root)))

    first = look()
    put(root / ".envrc", "evil")
    second = look()
    overlap.end(first)
    third = look()
    assert third.before.items == {}
    overlap.end(second)
    overlap.end(third)
    alone = look()
    assert list(alone.before.items) == [".envrc"]
    assert not alone.forsaken
    overlap.end(alone)
    assert list(lists.iterdir()) == []


def test_a_place_that_is_barred_is_so_only_if_it_was_to_the_first(root: Path, lists: Path) -> None:
    barred = (("a",), ("a", "hidden"))
    found = iter([Snapshot({}, places, frozenset(places)) for places in barred])
    first, second = (overlap.look(str(root), str(lists), lambda: next(found)) for _ in range(2))
    assert second.before.barred == {"a"}
    overlap.end(first)
    overlap.end(second)


def remove(path: Path) -> None:
    path.unlink()


def forge(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"\n" + b"0" * 64)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_a_link(path: Path) -> None:
    path.rename(path.with_name("away"))
    path.symlink_to("away")


@pytest.mark.parametrize("tamper", [remove, forge, replace_by_a_folder, replace_by_a_pipe, replace_by_a_link])
def test_with_a_list_that_is_not_what_was_published_nothing_is_given(
    root: Path, begin: Callable[[], overlap.Given], tamper: Callable[[Path], None]
) -> None:
    put(root / ".envrc", "mine")
    tamper(Path(begin().path))
    assert begin().before.items == {}


@pytest.mark.parametrize(("start", "length"), [(5, 1), (0, 0), (1, 1 << 61), (5, 2)])
def test_a_lock_of_the_agents_takes_trust_away_and_hides_none(
    root: Path, begin: Callable[[], overlap.Given], start: int, length: int
) -> None:
    put(root / ".envrc", "mine")
    begin()
    folder = os.open(root, os.O_RDONLY)
    overlap._lock(folder, fcntl.F_OFD_SETLK, fcntl.F_RDLCK, start, length)
    assert begin().before.items == {}
    os.close(folder)


def test_any_number_of_locks_ends(root: Path, begin: Callable[[], overlap.Given]) -> None:
    folder = os.open(root, os.O_RDONLY)
    for number in range(1000):
        overlap._lock(folder, fcntl.F_OFD_SETLK, fcntl.F_RDLCK, 2 * number, 1)
    put(root / ".envrc", "mine")
    assert begin().before.items == {}
    os.close(folder)


def test_who_keeps_others_from_starting_is_told(
    root: Path, begin: Callable[[], overlap.Given], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "PATIENCE", 0.1)
    folder = os.open(root, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(SandboxError, match="holds a lock"):
        begin()
    os.close(folder)
    assert begin().before == search.search(str(root))


def test_a_session_that_did_not_end_is_told_once(root: Path, lists: Path) -> None:
    def look() -> overlap.Given:
        return overlap.look(str(root), str(lists), lambda: search.search(str(root)))

    killed = look()
    os.close(killed.lock)
    after = look()
    assert after.forsaken
    assert after.before == search.search(str(root))
    overlap.end(after)
    again = look()
    assert not again.forsaken
    overlap.end(again)


def test_what_is_in_the_place_of_the_lists_is_moved_aside(root: Path, lists: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lists.symlink_to(elsewhere)
    overlap.end(overlap.look(str(root), str(lists), lambda: search.search(str(root))))
    assert stat.S_ISDIR(lists.lstat().st_mode)
    assert list(elsewhere.iterdir()) == []


def a_file_in_its_place(lists: Path) -> None:
    shutil.rmtree(lists)
    lists.touch()


def a_link_in_its_place(lists: Path) -> None:
    lists.rename(lists.with_name("away"))
    lists.symlink_to("away")


def closed(lists: Path) -> None:
    lists.chmod(0)


@pytest.mark.parametrize("hide", [a_file_in_its_place, a_link_in_its_place, closed])
def test_what_hides_that_a_session_did_not_end_is_told_as_well(
    root: Path, lists: Path, hide: Callable[[Path], None]
) -> None:
    def look() -> overlap.Given:
        return overlap.look(str(root), str(lists), lambda: search.search(str(root)))

    os.close(look().lock)
    hide(lists)
    for forsaken in (True, False):
        given = look()
        assert given.forsaken == forsaken
        assert os.access(given.path, os.R_OK)
        overlap.end(given)


def test_a_crowd_of_names_is_moved_aside(root: Path, lists: Path, begin: Callable[[], overlap.Given]) -> None:
    lists.mkdir()
    own = f"{root.stat().st_ino:x}."
    for number in range(10_000):
        (lists / f"{own}{number}").touch()
    given = begin()
    assert given.forsaken
    assert [str(path) for path in lists.iterdir()] == [given.path]
    (aside,) = lists.parent.glob("lists.*")
    assert len(list(aside.iterdir())) == 10_000
