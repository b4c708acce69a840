"""sandbox-diff and sandbox-apply, as PID 1 runs them, on folders of the test's own."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from init import paths
from init.errors import EX_CONFIG, EX_LEFT
from init.programs import review
from init.review import writing
from tests.unit.review.sides import Sides, state


@pytest.fixture(params=["plain", "overlay"])
def sides(
    request: pytest.FixtureRequest, make: Callable[..., Sides], monkeypatch: pytest.MonkeyPatch
) -> Sides:
    made = make(overlay=request.param == "overlay")
    (made.folder / "data").mkdir()
    for name, path in (
        ("WORKSPACE", made.mine), ("COPY", made.theirs), ("UPPER", made.folder / "upper"),
        ("DATA", made.folder / "data"),
    ):  # fmt: skip
        monkeypatch.setattr(paths, name, str(path))
    return made


def words(sides: Sides, *more: str) -> list[str]:
    made = [] if sides.made is None else ["--made", str(sides.made)]
    return ["--name", "calm-otter", "--since", str(sides.since), "--commit", sides.commit, *made, *more]


def run(program: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run it in a process of its own, with which its lock ends."""
    child = os.fork()
    if not child:
        code = 99
        try:
            code = program(arguments)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


RISKY = 'mkdir .vscode; echo \'{"scripts": {"postinstall": "x"}}\' >package.json; echo x >plain'


def test_what_the_guard_objects_to_is_left_and_named(sides: Sides, capfd: pytest.CaptureFixture[str]) -> None:
    sides.copy()
    sides.agent(RISKY)
    assert run(review.apply, words(sides)) == EX_LEFT
    told = capfd.readouterr().err
    assert "not taken, since your own machine may run it:\n    package.json\n" in told
    assert set(state(sides.mine)) == {".vscode", "plain"}
    assert run(review.apply, words(sides)) == EX_LEFT, "called again, it is left again"


@pytest.mark.parametrize("more", [["--with-guarded"], ["package.json"], ["package.json", "plain"]])
def test_what_is_named_is_taken_all_the_same(sides: Sides, more: list[str]) -> None:
    sides.copy()
    sides.agent(RISKY)
    assert run(review.apply, words(sides, *more)) == 0
    assert "package.json" in state(sides.mine)


def test_that_its_folder_is_named_is_not_enough(sides: Sides) -> None:
    sides.copy()
    sides.agent(f"mkdir sub; cd sub; {RISKY}")
    assert run(review.apply, words(sides, "sub")) == EX_LEFT
    assert "sub/package.json" not in state(sides.mine)


def test_the_guard_looks_at_what_came_of_it(sides: Sides, capfd: pytest.CaptureFixture[str]) -> None:
    sides.user("git init -q; git config include.path ../extra; mkdir d; echo '[user]' >extra")
    sides.copy()
    sides.agent("git config --unset include.path; printf '[core]\\n\\tfsmonitor = touch stolen\\n' >extra")
    # The configuration is the user's own, since it changed meanwhile.
    sides.user("git config user.name mine")
    assert run(review.apply, words(sides)) == EX_LEFT
    told = capfd.readouterr().err
    assert "fsmonitor" in told
    assert "fsmonitor" not in (sides.mine / "extra").read_text(), told
    assert not list(sides.mine.glob(".quarantined*"))
    assert run(review.apply, words(sides)) == EX_LEFT, "called again, it is so again"
    assert "fsmonitor" not in (sides.mine / "extra").read_text()


def test_where_the_guard_could_not_look_nothing_is_taken(sides: Sides) -> None:
    sides.copy()
    sides.agent("mkdir -p " + "/".join("d" * 40) + "; echo x >" + "/".join("d" * 40) + "/x; echo x >plain")
    assert run(review.apply, words(sides)) == EX_LEFT
    taken = state(sides.mine)
    assert "plain" in taken
    assert "/".join("d" * 40) + "/x" not in taken


def test_it_is_taken_back_though_it_is_named(sides: Sides) -> None:
    sides.user("git init -q; git config include.path ../extra; echo '[user]' >extra")
    sides.copy()
    sides.agent("git config --unset include.path; printf '[core]\\n\\tfsmonitor = touch stolen\\n' >extra")
    assert run(review.apply, words(sides, "extra")) == EX_LEFT
    assert "fsmonitor" not in (sides.mine / "extra").read_text()


@pytest.mark.parametrize("at", [0, 3])
def test_where_the_disk_is_full_no_file_is_half_there(
    sides: Sides, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], at: int
) -> None:
    sides.user("echo old >file-2")
    sides.copy()
    sides.agent("for i in 1 2 3 4 5; do echo new >file-$i; done")
    left = [at]

    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

        def write(self, descriptor: int, data: bytes) -> int:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return os.write(descriptor, data)

    monkeypatch.setitem(vars(writing), "os", Full())
    assert run(review.apply, words(sides)) == EX_CONFIG
    told = capfd.readouterr().err
    assert "the project's folder takes no more: No space left on device" in told
    assert f"taken: {at}" in told
    assert {path.read_text() for path in sides.mine.iterdir()} <= {"old\n", "new\n"}
    monkeypatch.setitem(vars(writing), "os", os)
    assert run(review.apply, words(sides)) == 0
    assert state(sides.mine) == state(sides.theirs)


def test_diff_writes_nothing_and_says_what_the_guard_says(
    sides: Sides, capfd: pytest.CaptureFixture[str]
) -> None:
    sides.copy()
    sides.agent(RISKY)
    assert run(review.diff, words(sides)) == 0
    shown = capfd.readouterr()
    assert "+++ b/plain" in shown.out
    assert "added package.json" in shown.err
    assert state(sides.mine) == {}


def test_nothing_to_show_is_told(sides: Sides, capfd: pytest.CaptureFixture[str]) -> None:
    sides.copy()
    assert run(review.diff, words(sides, "--stat")) == 0
    assert capfd.readouterr() == ("", "sandbox: info: nothing changed\n")


def test_a_path_that_begins_with_a_dash_is_a_path(sides: Sides, capfd: pytest.CaptureFixture[str]) -> None:
    sides.copy()
    sides.agent("echo x >--stat; echo x >other")
    assert run(review.diff, words(sides, "--", "--stat")) == 0
    assert "other" not in capfd.readouterr().out


def test_a_copy_that_is_gone_is_told(
    sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    sides.copy()
    monkeypatch.setattr(paths, "COPY", str(tmp_path / "nowhere"))
    assert run(review.apply, words(sides)) == EX_CONFIG
    assert "cannot be opened" in capfd.readouterr().err
