"""Whatever the agent made of a tree, apply makes the user's so; killed at any step, it can be repeated."""

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from init.review import writing
from tests.unit.review.sides import Sides, state

NAMES = st.sampled_from(["a", "b", "c", "d e", "\udcff", "x\n", "ä"])
# What lies under a name: a file, a link, or a folder with more of the same.
LEAVES = st.one_of(
    st.tuples(
        st.just("file"),
        st.sampled_from([b"", b"one\n", b"two\n", b"\0\1"]),
        st.sampled_from([0o644, 0o755, 0o600]),
    ),
    st.tuples(st.just("link"), st.sampled_from(["a", "../b", "/etc/passwd", "nowhere"])),
)
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3),
    lambda below: st.dictionaries(NAMES, st.one_of(LEAVES, below), max_size=4),
    max_leaves=12,
)
# Each changes the user's folder.
STEPS = (
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
    "symlink",
    "fchmod",
    "chmod",
    "utime",
    "fsync",
    "write",
    "open",
)


def build(root: Path, tree: dict[str, object]) -> None:
    """Make a folder what a tree says, as a program would: what is as it should be stays."""
    for path in root.iterdir():
        if path.name not in tree:
            remove(path)
    for name, what in tree.items():
        path = root / name
        if isinstance(what, dict):
            if path.is_symlink() or not path.is_dir():
                remove(path)
                path.mkdir()
            build(path, what)
            continue
        assert isinstance(what, tuple)
        if what[0] == "file" and path.is_file() and not path.is_symlink():
            if path.read_bytes() != what[1]:
                path.write_bytes(what[1])
            if path.stat().st_mode & 0o777 != what[2]:
                path.chmod(what[2])
            continue
        if what[0] == "link" and path.is_symlink() and str(path.readlink()) == what[1]:
            continue
        remove(path)
        if what[0] == "file":
            path.write_bytes(what[1])
            path.chmod(what[2])
        else:
            path.symlink_to(what[1])


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


@contextlib.contextmanager
def made(overlay: bool, before: dict[str, object], after: dict[str, object]) -> Iterator[Sides]:
    with tempfile.TemporaryDirectory() as folder:
        sides = Sides(Path(folder) / "sides", overlay)
        build(sides.mine, before)
        sides.copy()
        try:
            build(sides.theirs, after)
            yield sides
        finally:
            sides.close()


@pytest.fixture(params=["plain", "overlay"], scope="module")
def overlay(request: pytest.FixtureRequest, overlays: bool) -> bool:
    if request.param == "overlay" and not overlays:
        pytest.skip("no overlay can be mounted here")
    return bool(request.param == "overlay")


@hypothesis.given(before=TREES, after=TREES)
def test_apply_makes_the_folder_what_the_agent_made_of_it(
    overlay: bool, before: dict[str, object], after: dict[str, object]
) -> None:
    with made(overlay, before, after) as sides:
        outcomes = sides.apply()
        assert state(sides.mine) == state(sides.theirs), outcomes
        assert {outcome.what for outcome in outcomes} <= {"taken"}
        assert sides.changed() == {}


@hypothesis.given(before=TREES, after=TREES, step=st.integers(0, 30))
def test_killed_at_any_step_it_is_repeated(
    overlay: bool, before: dict[str, object], after: dict[str, object], step: int
) -> None:
    with made(overlay, before, after) as sides:
        child = os.fork()
        if not child:
            killed_at(step)
            sides.apply()
            os._exit(0)
        os.waitpid(child, 0)
        outcomes = sides.apply()
        assert state(sides.mine) == state(sides.theirs), outcomes


PLACES = st.sampled_from(["a", "b", "a/a", "a/b", "b/a", "b/b", "a/a/a", "a/b/c", "c"])
STEPS_OF_AN_AGENT = st.lists(
    st.one_of(
        st.tuples(st.just("mv"), PLACES, PLACES),
        st.tuples(st.just("rm"), PLACES, st.just("")),
        st.tuples(st.just("mkdir"), PLACES, st.just("")),
        st.tuples(st.just("write"), PLACES, st.sampled_from(["one", "two"])),
    ),
    max_size=8,
)


def do(root: Path, what: str, place: str, more: str) -> None:
    """Do one thing as a program would; what cannot be done is left."""
    path = root / place
    with contextlib.suppress(OSError):
        if what == "mv":
            path.rename(root / more)
        elif what == "rm":
            remove(path)
        elif what == "mkdir":
            path.mkdir()
        elif not path.is_dir():
            path.write_text(more)


@hypothesis.given(given=STEPS_OF_AN_AGENT, steps=STEPS_OF_AN_AGENT)
def test_whatever_the_agent_moves_apply_moves_too(
    overlay: bool, given: list[tuple[str, str, str]], steps: list[tuple[str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sides = Sides(Path(folder) / "sides", overlay)
        for place in ("a/a/a", "a/b/c", "b/a"):
            (sides.mine / place).parent.mkdir(parents=True, exist_ok=True)
            (sides.mine / place).write_text(place)
        for step in given:
            do(sides.mine, *step)
        sides.copy()
        try:
            for step in steps:
                do(sides.theirs, *step)
            outcomes = sides.apply()
            assert state(sides.mine) == state(sides.theirs), outcomes
        finally:
            sides.close()


def killed_at(step: int) -> None:
    """Have this process end without a word at its so-manieth step."""
    steps = itertools.count()

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **named: object) -> object:
            if next(steps) == step:
                os._exit(9)
            return function(*words, **named)

        return call

    class Killing:
        def __getattr__(self, name: str) -> object:
            found = getattr(os, name)
            return counted(found) if name in STEPS else found

    vars(writing)["os"] = Killing()
