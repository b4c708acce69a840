"""start.sh task: one prompt or a list of them, with nobody there."""

import json
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import Result, docker, logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.tools import CONTENT
from tests.harness.waiting import PATIENCE, wait_for

Serve = Callable[..., Model]

# A tool whose prompt is a script.
SAY = """
say:
  command: [/bin/bash]
  headless: [-c, "{prompt}"]
mute:
  command: [/bin/bash]
"""
# Copies have the names of tasks, and a folder of the checkout: no two tests make one of a name at a time.
pytestmark = pytest.mark.xdist_group("tasks")

EX_CONFIG, EX_USAGE, TIMED_OUT, INTERRUPTED = 78, 64, 124, 130


@pytest.fixture
def saying(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A checkout with that tool, in a Compose project of its own; its copies go with the test."""
    with (sandbox.config / "tools.yml").open("a") as tools:
        tools.write(SAY)
    sandbox.environ |= {"COMPOSE_PROJECT_NAME": f"tasks-{uuid.uuid4().hex[:8]}", "DEFAULT_TOOL": "say"}
    yield sandbox
    project = sandbox.environ["COMPOSE_PROJECT_NAME"]
    for volume in docker("volume", "ls", "--quiet", "--filter", f"name={project}_copy-").split():
        start(sandbox, "discard", "--destroy", volume.partition("_copy-")[2])
    down = sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes")
    subprocess.run(down, cwd=ROOT, env=sandbox.variables, capture_output=True, check=False)


def do(sandbox: Sandbox, *words: str, stdin: str = "") -> Result:
    return start(sandbox, "task", "--no-build", *words, stdin=stdin)


def listed(sandbox: Sandbox, **tasks: str) -> list[str]:
    """Write a list of tasks, each a script; return the options that do it."""
    file = sandbox.folder / "tasks.yml"
    file.write_text(json.dumps([{"name": name, "prompt": prompt} for name, prompt in tasks.items()]))
    return ["--file", str(file)]


def kept(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Return the results of the list, by the task's name."""
    folder = sandbox.folder / "tasks.yml.results"
    return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


@pytest.mark.parametrize("tool", ["opencode", "omp"])
def test_an_agent_does_a_task_on_a_copy(saying: Sandbox, serve: Serve, tool: str) -> None:
    model = serve()
    result = do(saying, "--tool", tool, "--copy", "--json", "--timeout", "2m", "Write hello.txt")
    told = f"{result.stdout}\n{result.stderr}\n{logs(model.name)}"
    assert result.returncode == 0, told
    ended = json.loads(result.stdout)
    assert (ended["result"], ended["tool"], ended["files"]) == ("done", tool, 1), told
    assert "done: wrote hello.txt" in ended["answer"], told
    assert f"+{CONTENT.strip()}" in ended["diff"], told
    assert "done: wrote hello.txt" in result.stderr, "what it says is seen while it is said"
    assert not (saying.workspace / "hello.txt").exists()


def test_the_answer_and_the_exit_code_are_the_tools(saying: Sandbox) -> None:
    result = do(saying, "echo an answer; echo a warning >&2; cat; exit 7", stdin="nothing of this")
    assert (result.returncode, result.stdout) == (7, "an answer\n"), result.stderr
    assert "a warning" in result.stderr
    assert "failed (7) in" in result.stderr


def test_a_prompt_from_stdin_is_taken_as_it_is(saying: Sandbox) -> None:
    result = do(saying, "-", stdin="echo one\necho '$HOME \"`' # {prompt}\n")
    assert (result.returncode, result.stdout) == (0, 'one\n$HOME "`\n'), result.stderr
    assert do(saying, "-", stdin="\n").returncode == EX_USAGE


def test_one_that_takes_too_long_is_ended(saying: Sandbox) -> None:
    result = do(saying, "--timeout", "1s", "--json", "echo begun; exec sleep 1000")
    assert result.returncode == TIMED_OUT, result.stderr
    assert "took more than 1 s" in result.stderr
    ended = json.loads(result.stdout)
    assert (ended["answer"], ended["exit_code"], ended["result"]) == ("begun\n", TIMED_OUT, "timed out")


def test_a_tool_without_a_headless_form_is_told(saying: Sandbox) -> None:
    result = do(saying, "--tool", "mute", "true")
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert "mute has no form that does one prompt" in result.stderr


def test_a_list_is_done_whatever_fails(saying: Sandbox) -> None:
    (saying.workspace / "old").write_text("old\n")
    saying.own("1000:1000")
    words = listed(saying, good="echo fine; echo new >new; rm old", bad="exit 3", missing="no-such-program")
    result = do(saying, *words, "--jobs", "2")
    assert result.returncode == 1, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["good", "bad", "missing"], "in the list's order"
    assert {name: one["result"] for name, one in kept(saying).items()} == {
        "good": "done", "bad": "failed (3)", "missing": "failed (127)",
    }, result.stderr  # fmt: skip
    assert (kept(saying)["good"]["answer"], kept(saying)["good"]["files"]) == ("fine\n", 2)
    assert "no-such-program" in (saying.folder / "tasks.yml.results" / "missing.log").read_text()
    assert (saying.workspace / "old").exists(), "each works on a copy"
    # What is done is not done again, unless it is another task now.
    words = listed(saying, good="echo fine; echo new >new; rm old", bad="exit 0", missing="true")
    result = do(saying, *words, "--jobs", "2", "--json")
    assert result.returncode == 0, result.stderr
    assert "1 of 3 tasks were done before" in result.stderr
    assert [one["result"] for one in json.loads(result.stdout)["tasks"]] == ["done"] * 3


def test_a_list_that_is_interrupted_goes_on_when_it_is_called_again(saying: Sandbox) -> None:
    # It ends where it finds what it wrote itself before.
    words = listed(
        saying, first="echo done", second="if [ -e seen ]; then exit; fi; touch seen; exec sleep 1000"
    )
    command = [str(ROOT / "start.sh"), "task", "--no-build", *words]
    with (saying.folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            command, env=saying.variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )

    def told() -> str:
        return (saying.folder / "stderr").read_text()

    project = saying.environ["COMPOSE_PROJECT_NAME"]
    name, labelled = f"{project}-second", ["--filter", f"label=com.docker.compose.project={project}"]
    wait_for(lambda: docker("exec", name, "ls", "/home/agent/workspace/seen", check=False), told)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE * 2) == INTERRUPTED, told()
    assert kept(saying).keys() == {"first"}, told()
    assert docker("ps", "--all", "--quiet", *labelled) == "", told()
    result = do(saying, *words)
    assert result.returncode == 0, result.stderr
    assert "1 of 2 tasks were done before" in result.stderr
    assert kept(saying)["second"]["result"] == "done"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: a", "bad.yml is no list of tasks"),
        ("- name: a\n  prompt: b\n- {name: b, promt: c}", "bad.yml, line 3, column 13: this has the unknown"),
        ("- {name: a, prompt: b}\n- {name: a, prompt: c}", "line 2, column 4: this is the name of another"),
        ("- name: a", "line 1, column 3: this has no prompt"),
        ("[" * 5000, "bad.yml is not valid"),
        ("".join(f"- {{name: t{number}, prompt: x}}\n" for number in range(10_000)), "has 10000 tasks"),
    ],
    ids=["no list", "unknown entry", "name twice", "no prompt", "deep", "10,000 entries"],
)  # fmt: skip
def test_a_list_that_is_none_is_told_with_its_place(saying: Sandbox, text: str, what: str) -> None:
    (saying.folder / "bad.yml").write_text(text)
    result = do(saying, "--file", str(saying.folder / "bad.yml"))
    assert (result.returncode, result.stdout) == (1, ""), result.stderr
    assert what in result.stderr
    assert "Traceback" not in result.stderr
    assert not (saying.folder / "bad.yml.results").exists()


@pytest.mark.parametrize(("content", "what"), [(None, "cannot be read"), (b"- \xff", "is no UTF-8 text")])
def test_a_list_that_cannot_be_read_is_told(saying: Sandbox, content: bytes | None, what: str) -> None:
    file: Path = saying.folder / "bad.yml"
    if content is not None:
        file.write_bytes(content)
    result = do(saying, "--file", str(file))
    assert (result.returncode, what in result.stderr) == (1, True), result.stderr
