"""init/root/ownership.py: the walk that gives a tree away, and cannot be led out of it."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from init.accounts import Identity
from init.errors import Interrupted
from init.mounts import Mount
from init.root import ownership
from init.root.claims import Target

AGENT = Identity(54321, 54322)
OTHER = Identity(54323, 54324)
DEPTH = 2500
UNMAPPED = (65534, 65534)
# Files of the machine's root, of which one is on the filesystem of the temporary folders.
THEIRS = [Path(name) for name in ("/etc/passwd", "/var/lib/dpkg/status", "/usr/bin/env")]


def owner(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid


def give(who: Identity, *paths: Path) -> None:
    for path in paths:
        os.lchown(path, *who)


class Hook:
    """Mount points of which there are none, and an act at the moment when an entry is looked up."""

    def __init__(self, name: str, act: Callable[[str], object]) -> None:
        self.name, self.act = name, act

    def __contains__(self, path: object) -> bool:
        if str(path).endswith(self.name):
            act, self.act = self.act, lambda _: None
            act(str(path))
        return False


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder with one file, which no walk of the tree may touch."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").touch()
    return folder


def untouched(outside: Path) -> bool:
    return all(owner(path) == (0, 0) for path in (outside, *outside.rglob("*")))


@pytest.mark.as_root
def test_every_kind_of_entry_is_given_and_a_second_walk_changes_nothing(tree: Path) -> None:
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").touch()
    os.mkfifo(tree / "a" / "fifo")
    (tree / "broken").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tree / "socket"))
        first = ownership.claim(Target(str(tree)), AGENT)
    assert {owner(path) for path in (tree, *tree.rglob("*"))} == {AGENT}
    assert first == (6, 7, ())
    assert ownership.claim(Target(str(tree)), AGENT) == (6, 0, ())


@pytest.mark.as_root
@pytest.mark.parametrize("wrong", [(54321, 0), (0, 54322), (0, 0), OTHER])
def test_a_wrong_owner_or_group_is_enough(tree: Path, wrong: tuple[int, int]) -> None:
    give(AGENT, tree)
    (tree / "file").touch()
    give(Identity(*wrong), tree / "file")
    assert ownership.claim(Target(str(tree)), AGENT) == (1, 1, ())
    assert owner(tree / "file") == AGENT


def test_what_is_the_agents_already_needs_no_right_to_change_it(tree: Path) -> None:
    (tree / "a").mkdir()
    (tree / "a" / "file").touch()
    assert ownership.claim(Target(str(tree)), Identity(*owner(tree / "a"))) == (2, 0, ())


@pytest.mark.as_root
def test_a_link_is_given_and_what_it_leads_to_is_not(tree: Path, outside: Path) -> None:
    (tree / "to file").symlink_to(outside / "file")
    (tree / "to folder").symlink_to(outside)
    (tree / "out").symlink_to("../outside")
    ownership.claim(Target(str(tree)), AGENT)
    assert untouched(outside)
    assert {owner(path) for path in tree.iterdir()} == {AGENT}


@pytest.mark.as_root
def test_a_folder_swapped_for_a_link_while_it_is_walked_is_not_followed(tree: Path, outside: Path) -> None:
    for name in "ab":
        (tree / name).mkdir()
        (tree / name / "mark").touch()

    def swap(path: str) -> None:
        other = tree / ("b" if Path(path).parent.name == "a" else "a")
        shutil.rmtree(other)
        other.symlink_to(outside)

    result = ownership.claim(Target(str(tree)), AGENT, Hook("/mark", swap))
    assert untouched(outside)
    assert [failure.entries for failure in result.failures] == [1]


@pytest.mark.as_root
def test_a_folder_moved_away_while_it_is_walked_does_not_lead_out(tree: Path, outside: Path) -> None:
    (tree / "a").mkdir()
    (tree / "a" / "mark").touch()

    def move(_: str) -> None:
        (tree / "a").rename(outside / "a")

    result = ownership.claim(Target(str(tree)), AGENT, Hook("/mark", move))
    assert [failure.code for failure in result.failures] == [errno.ESTALE]
    assert (owner(outside), owner(outside / "file")) == ((0, 0), (0, 0))
    assert owner(tree) == (0, 0)


@pytest.mark.as_root
def test_a_file_that_vanishes_while_it_is_walked_is_counted_and_no_more(tree: Path) -> None:
    for name in ("gone", "kept"):
        (tree / name).touch()
    result = ownership.claim(Target(str(tree)), AGENT, Hook("/gone", lambda path: Path(path).unlink()))
    assert {failure.code for failure in result.failures} <= {errno.ENOENT}
    assert owner(tree / "kept") == owner(tree) == AGENT


@pytest.mark.as_root
def test_names_of_any_bytes_are_given(tree: Path) -> None:
    names = (b"new\nline", b"\xff\xfe", b" ", b"-rf", b"\x1b[2J", b"\\", "é".encode())
    folders = [tree / os.fsdecode(name) for name in names]
    for folder in folders:
        folder.mkdir()
        (folder / folder.name).touch()
    ownership.claim(Target(str(tree)), AGENT)
    assert {owner(path) for folder in folders for path in (folder, folder / folder.name)} == {AGENT}


@pytest.fixture
def deep(tree: Path) -> Iterator[Path]:
    """Return a chain of folders longer than a path may be, each with a file."""
    here = os.open(tree, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("f", os.O_CREAT, dir_fd=here))
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    yield tree
    # Python's own rmtree, which pytest uses, recurses.
    subprocess.run(["rm", "-rf", tree], check=True)


@pytest.mark.as_root
def test_depth_is_no_limit(deep: Path) -> None:
    assert ownership.claim(Target(str(deep)), AGENT) == (2 * DEPTH, 2 * DEPTH + 1, ())
    here = os.open(deep, os.O_RDONLY)
    for _ in range(DEPTH):
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        for status in (os.fstat(below), os.stat("f", dir_fd=here)):
            assert (status.st_uid, status.st_gid) == AGENT
        os.close(here)
        here = below
    os.close(here)


@pytest.mark.as_root
def test_a_walk_leaves_no_descriptor_open(tree: Path, outside: Path) -> None:
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "mark").touch()
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    ownership.claim(Target(str(tree)), AGENT)
    ownership.claim(Target(str(tree)), OTHER, Hook("/mark", lambda _: (tree / "a").rename(outside / "a")))
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


@pytest.mark.as_root
def test_a_mount_point_is_neither_given_nor_entered(tree: Path) -> None:
    for name in ("a/mount/inside", "a/mount2", "mount"):
        (tree / name).mkdir(parents=True)
    ownership.claim(Target(str(tree)), AGENT, {f"{tree}/a/mount", "/mount"})
    assert owner(tree / "a" / "mount") == owner(tree / "a" / "mount" / "inside") == (0, 0)
    assert owner(tree / "a" / "mount2") == owner(tree / "mount") == owner(tree / "a") == AGENT


@pytest.mark.as_root
def test_only_roots_takes_what_root_owns_and_enters_nobody_elses_folder(tree: Path) -> None:
    for name in ("roots/theirs/roots", "theirs/roots"):
        (tree / name).mkdir(parents=True)
    for name in ("file", "their file"):
        (tree / name).touch()
    give(OTHER, tree, tree / "roots" / "theirs", tree / "theirs", tree / "their file")
    ownership.claim(Target(str(tree), only_roots=True), AGENT)
    assert {owner(p) for p in (tree / "roots", tree / "file")} == {AGENT}
    theirs = (tree, tree / "theirs", tree / "their file", tree / "roots" / "theirs")
    assert {owner(p) for p in theirs} == {OTHER}
    assert owner(tree / "theirs" / "roots") == owner(tree / "roots" / "theirs" / "roots") == (0, 0)


@pytest.mark.as_root
def test_only_roots_takes_the_top_itself_if_it_is_roots(tree: Path) -> None:
    ownership.claim(Target(str(tree), only_roots=True), AGENT)
    assert owner(tree) == AGENT


@pytest.fixture
def immutable(tree: Path) -> Iterator[list[Path]]:
    """Return files whose owner not even root can change."""
    files = [tree / "a", tree / "b\x1b"]
    for file in files:
        file.touch()
    if owner(Path("/")) == UNMAPPED:
        # Root of a user namespace may not change a file of who has no number in it.
        theirs = next(path for path in THEIRS if path.exists() and path.stat().st_dev == tree.stat().st_dev)
        for file in files:
            subprocess.run(["mount", "--bind", theirs, file], check=True)
        yield files
        subprocess.run(["umount", *files], check=True)
        return
    chattr = shutil.which("chattr")
    if not chattr or subprocess.run([chattr, "+i", *files], capture_output=True, check=False).returncode:
        pytest.skip("no immutable files here: chattr or the filesystem does not make them")
    yield files
    subprocess.run([chattr, "-i", *files], check=True)


@pytest.mark.as_root
def test_what_cannot_be_given_is_counted_by_reason_and_the_rest_is_given(
    tree: Path, immutable: list[Path]
) -> None:
    (tree / "c").touch()
    result = ownership.claim(Target(str(tree)), AGENT)
    (failure,) = result.failures
    assert (failure.code, failure.entries) == (errno.EPERM, 2)
    assert failure.example in map(str, immutable)
    assert (result.seen, result.changed) == (3, 2)
    assert owner(tree / "c") == owner(tree) == AGENT


@pytest.mark.as_root
def test_failures_are_one_printable_warning(
    tree: Path, immutable: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    ownership.claim_all([Target(str(tree))], [], AGENT)
    said = capsys.readouterr().err
    assert said.startswith("sandbox: warning:")
    assert f"count={len(immutable)}" in said
    assert said.removesuffix("\n").isprintable()


@pytest.mark.as_root
def test_all_targets_are_claimed_and_each_ends_where_the_next_mount_begins(tree: Path) -> None:
    for name in ("a/b/c", "d"):
        (tree / name).mkdir(parents=True)
    table = [Mount(f"{tree}/a/b", read_only=True), Mount(f"{tree}/d", read_only=False)]
    ownership.claim_all([Target(f"{tree}/a"), Target(f"{tree}/d")], table, AGENT)
    assert owner(tree / "a") == owner(tree / "d") == AGENT
    assert owner(tree) == owner(tree / "a" / "b") == owner(tree / "a" / "b" / "c") == (0, 0)


@pytest.mark.parametrize("name", ["missing", "file", "link"])
def test_a_target_that_is_no_folder_is_left_alone(tree: Path, outside: Path, name: str) -> None:
    (tree / "file").touch()
    (tree / "link").symlink_to(outside)
    before = [owner(path) for path in (tree / "file", tree / "link", outside)]
    ownership.claim_all([Target(f"{tree}/{name}")], [], AGENT)
    assert [owner(path) for path in (tree / "file", tree / "link", outside)] == before


def test_a_target_that_is_not_the_mount_it_was_is_left_alone(tree: Path) -> None:
    before = owner(tree)
    ownership.claim_all([Target(str(tree), number=-1)], [], AGENT)
    assert owner(tree) == before


@pytest.fixture
def pending() -> Iterator[signal.Signals]:
    """Block SIGTERM and leave one waiting."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # the test runner has other threads
    yield signal.SIGTERM
    signal.sigwait({signal.SIGTERM})
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_a_pending_signal_ends_the_walk_and_leaves_the_top_for_the_next(
    tree: Path, pending: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "CHECK_EVERY", 2)
    for name in ("a", "b"):
        (tree / name).touch()
    before = owner(tree)
    with pytest.raises(Interrupted) as caught:
        ownership.claim(Target(str(tree)), AGENT)
    assert caught.value.signum == pending
    assert owner(tree) == before


def test_a_long_walk_tells_how_far_it_is(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ownership, "CHECK_EVERY", 1)
    monkeypatch.setattr(ownership, "PROGRESS_SECONDS", -1.0)
    (tree / "new\nline").mkdir()
    (tree / "new\nline" / "file").touch()
    ownership.claim(Target(str(tree)), Identity(*owner(tree)))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "entries=2" in said[1]
    assert r"new\nline" in said[1]
