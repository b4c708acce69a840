"""start.sh task: its options, what is kept of a task, and what is done again."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import cli
from host.errors import UsageError
from host.options import task as options
from host.options.task import Task
from host.tasks import heard, many, one, progress, result
from host.tasks.many import Entry
from host.tasks.result import Result

DONE = Result(
    "a", "Do it", "omp", "/work", copied=True, exit_code=0, seconds=1.25, answer="Done.", files=1, diff="x"
)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["Do it"], Task("Do it")),
        (["--copy", "--tool", "omp", "Do it"], Task("Do it", tool="omp", copy=True)),
        (["Do it", "--json"], Task("Do it", json=True)),
        (["--timeout", "30m", "--", "--help"], Task("--help", limit=1800)),
        (["--name", "one", "--workspace", "x", "--no-build", "-"],
         Task("-", name="one", workspace="x", build=False)),
        (["--file", "tasks.yml"], Task(file="tasks.yml")),
        (["--file", "t", "--jobs", "4", "--results", "r", "--tool", "omp", "--timeout", "90"],
         Task(file="t", jobs=4, results="r", tool="omp", limit=90)),
    ],
)  # fmt: skip
def test_what_is_asked_for(words: list[str], asked: Task) -> None:
    assert cli.parse(["task", *words]) == asked


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "needs a PROMPT"),
        (["--tool", "omp"], "needs a PROMPT"),
        ([""], "the prompt is empty"),
        ([" \n"], "the prompt is empty"),
        (["Do", "it"], "a task is one prompt; 'it' is another word"),
        (["a\0b"], "holds a NUL"),
        (["x" * 131072], "too long"),
        (["Do it", "--file", "t"], "not both"),
        (["--file", "t", "--", "Do it"], "not both"),
        (["--file", "t", "--name", "a"], "--name is for one task"),
        (["--jobs", "2", "Do it"], "--jobs is for a list"),
        (["--results", "r", "Do it"], "--results is for a list"),
        (["--file", "t", "--jobs", "0"], "--jobs 0 is no number"),
        (["--file", "t", "--jobs", "-1"], ""),
        (["--file", "t", "--jobs", "65"], "--jobs 65 is no number"),
        (["--file", "t", "--jobs", "two"], "--jobs two is no number"),
        (["--file", ""], "--file needs a value"),
        (["--tool", "", "Do it"], "--tool needs a value"),
        (["--name", "../x", "Do it"], "no name"),
        (["--timeout", "soon", "Do it"], "is no time"),
        (["--shell", "Do it"], "task does not know --shell"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(words: list[str], why: str) -> None:
    with pytest.raises(UsageError) as told:
        cli.parse(["task", *words])
    assert why in told.value.what


@pytest.mark.parametrize(("written", "seconds"), [("1", 1), ("90s", 90), ("30m", 1800), ("24h", 86400)])
def test_times(written: str, seconds: int) -> None:
    assert options.seconds(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "0", "0m", "-1", "1.5h", "25h", "86401", "1d", "m", "1 m", "\u0661", "9999999"]
)
def test_what_is_no_time(written: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        options.seconds(written)


def test_a_result_of_an_earlier_version_is_understood() -> None:
    told = DONE._replace(seconds=1.0).told()
    del told["ended"]
    assert result.understood(json.dumps(told)) == DONE._replace(seconds=1.0)


def test_a_result_is_kept_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    assert result.read(file) is None
    result.keep(file, DONE)
    result.keep(file, DONE._replace(cut=("answer",), diff=None, files=None))
    assert result.read(file) == DONE._replace(seconds=1.2, cut=("answer",), diff=None, files=None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_result_that_cannot_be_kept_leaves_the_one_before(tmp_path: Path) -> None:
    result.keep(tmp_path / "a.json", DONE)
    with pytest.raises(TypeError):
        result.keep(tmp_path / "a.json", DONE._replace(answer=b"no text"))  # type: ignore[arg-type]
    assert result.read(tmp_path / "a.json") == DONE._replace(seconds=1.2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"name": "a"}', "[" * 100_000, json.dumps({**DONE.told(), "exit_code": "0"}),
     json.dumps({**DONE.told(), "cut": None}), json.dumps({**DONE.told(), "diff": 1})],
)  # fmt: skip
def test_what_is_no_result(text: str) -> None:
    assert result.understood(text) is None


@given(st.text(), st.integers(0, 255), st.none() | st.text())
def test_a_result_is_understood_as_it_is_told(answer: str, code: int, diff: str | None) -> None:
    told = DONE._replace(answer=answer, exit_code=code, diff=diff, seconds=1.0)
    assert result.understood(json.dumps(told.told())) == told


@pytest.mark.parametrize(
    ("before", "entry", "is_done"),
    [
        (DONE, Entry("a", "Do it", "omp", 0), True),
        (DONE, Entry("a", "Do it", "omp", 60), True),
        (DONE, Entry("a", "Do it", "", 0), False),
        (DONE, Entry("a", "Do it well", "omp", 0), False),
        (DONE, Entry("a", "Do it", "opencode", 0), False),
        (DONE._replace(exit_code=124), Entry("a", "Do it", "omp", 0), False),
        (None, Entry("a", "Do it", "omp", 0), False),
    ],
)
def test_what_is_not_done_again(before: Result | None, entry: Entry, is_done: bool) -> None:
    assert many.is_done(before, entry) is is_done


def test_what_tasks_have_in_common() -> None:
    entries = [Entry("a", "Do it", "", 0), Entry("b", "Do it", "opencode", 60)]
    asked = Task(file="t", tool="omp", limit=90)
    assert many.given(entries, asked) == [Entry("a", "Do it", "omp", 90), entries[1]]


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (DONE, "a: done in 1.2 s, 1 file changed; ./start.sh diff a shows it"),
        (DONE._replace(files=0), "a: done in 1.2 s, 0 files changed"),
        (DONE._replace(files=None, exit_code=3), "a: failed (3) in 1.2 s"),
        (DONE._replace(files=None, exit_code=124), "a: timed out in 1.2 s"),
        (DONE._replace(files=None, exit_code=1, problem="x\ny\x1b"), "a: not started in 1.2 s: y\\x1b"),
        (DONE._replace(files=None, exit_code=137, problem="x", ended="evicted"), "a: evicted in 1.2 s: x"),
    ],
)
def test_a_task_in_a_line(ended: Result, line: str) -> None:
    assert one.describe(ended) == line


def test_the_table() -> None:
    told = progress.table([DONE, DONE._replace(name="longer", exit_code=2, files=None, seconds=100.0)])
    assert told == (
        "NAME    RESULT      TIME     FILES CHANGED\n"
        "a       done        1.2 s    1\n"
        "longer  failed (2)  100.0 s\n"
    )


def said(pieces: list[bytes], to: int) -> heard.Heard:
    with heard.heard(to) as told:
        for piece in pieces:
            os.write(told.write, piece)
    return told


def test_what_is_said_is_passed_on_and_kept(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        told = said([b"one ", b"two\xff\n"], out.fileno())
    assert (tmp_path / "out").read_bytes() == b"one two\xff\n"
    assert (told.text, told.cut) == ("one two\ufffd\n", False)


def test_of_what_is_long_the_end_is_kept(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        told = said([b"x" * 60_000] * 20 + [b"the end"], out.fileno())
    assert (len(told.text), told.text.endswith("xthe end"), told.cut) == (heard.MOST, True, True)
    assert (tmp_path / "out").stat().st_size == 60_000 * 20 + 7


def test_it_is_kept_where_nobody_reads() -> None:
    read, write = os.pipe()
    os.close(read)
    assert said([b"one", b"two"], write).text == "onetwo"
    os.close(write)
