"""The task of a container that a cluster started."""

import json
from pathlib import Path

import pytest

from init.errors import SandboxError
from init.session import task_file
from init.settings import read

TASK = {"name": "one", "prompt": "-Do it", "tool": "omp", "timeout": 90}


def taken(folder: Path, **environ: str) -> tuple[str | None, float, list[str]]:
    own = {"SANDBOX_SESSION": "task", "SANDBOX_TASKS": str(folder), task_file.INDEX: "7", **environ}
    settings, arguments = task_file.taken(read(own), [], own)
    return settings.default_tool, settings.limit, arguments


def test_the_file_says_what_the_arguments_would(tmp_path: Path) -> None:
    (tmp_path / "7.json").write_text(json.dumps(TASK))
    assert taken(tmp_path, DEFAULT_TOOL="opencode") == ("omp", 90.0, ["-Do it"])


def test_what_the_file_leaves_open_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "7.json").write_text(json.dumps({**TASK, "tool": "", "timeout": 0}))
    assert taken(tmp_path, DEFAULT_TOOL="opencode", SANDBOX_LIMIT="5") == ("opencode", 5.0, ["-Do it"])


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", json.dumps({**TASK, "prompt": 1}), json.dumps({**TASK, "timeout": -1}),
        json.dumps({**TASK, "timeout": 1e9}), json.dumps({**TASK, "timeout": 90000}),
        json.dumps({**TASK, "prompt": "a\0"}), json.dumps({**TASK, "prompt": "x" * task_file.LONGEST}),
    ],
)  # fmt: skip
def test_what_is_no_task_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "7.json").write_text(text)
    with pytest.raises(SandboxError, match="is no task"):
        taken(tmp_path)


@pytest.mark.parametrize("index", ["", "x", "-1", "1.5", "1" * 12, "../7"])
def test_an_index_is_a_number(tmp_path: Path, index: str) -> None:
    with pytest.raises(SandboxError, match="is no number"):
        taken(tmp_path, **{task_file.INDEX: index})


def test_a_task_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"7\.json cannot be read: No such file"):
        taken(tmp_path)


@pytest.mark.parametrize(("session", "folder"), [("tool", "/x"), ("task", "x")])
def test_the_folder_is_for_tasks(session: str, folder: str) -> None:
    with pytest.raises(SandboxError, match="SANDBOX_TASKS"):
        read({"SANDBOX_SESSION": session, "SANDBOX_TASKS": folder})
