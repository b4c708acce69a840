"""init/session/environment.py: what a tool is started with."""

import os
from pathlib import Path

import pytest

from init import paths
from init.session import environment
from init.tools import ConfigFile, Tool

TOOL = Tool(
    "one", "One", ("one", "--flag"), (), {"MODE": "x", "CACHE": "{data}/c", "RC": "~/.rc"},
    ("share/one", "c"),
    (ConfigFile("one.json", "~/.config/one.json"), ConfigFile("../folder", "{data}/share/folder")),
)  # fmt: skip


def test_the_tool_gets_the_containers_variables_its_own_and_the_agents(tmp_path: Path) -> None:
    given = {"LANG": "C.UTF-8", "PATH": "/evil", "HOME": "/root", "MODE": "y", "KEY": "a=b\n"}
    made = environment.environment(TOOL, str(tmp_path), given)
    assert made["LANG"] == "C.UTF-8"
    assert made["KEY"] == "a=b\n"
    assert (made["PATH"], made["HOME"]) == (paths.PATH, str(tmp_path))
    assert (made["MODE"], made["CACHE"], made["RC"]) == ("x", "/home/agent/data/c", f"{tmp_path}/.rc")
    assert made["USER"] == made["LOGNAME"] != ""
    assert given["PATH"] == "/evil"


def test_arguments_are_passed_on_as_they_are(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PATH", str(programs))
    started = environment.command(TOOL, ["a b", "", "--", "$(c)", "*"], str(tmp_path), {})
    assert started.argv == (f"{programs}/one", "--flag", "a b", "", "--", "$(c)", "*")
    assert started.directory == "/home/agent/workspace"
    assert started.environ["HOME"] == str(tmp_path)


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        (b"MODEL_API_KEY=1\0PI_NO_TITLE=x=y\0", {"MODEL_API_KEY": "1", "PI_NO_TITLE": "x=y"}),
        (b"", {}),
        (b"no variable\0=x\0MODEL_API_KEY=1\0", {"MODEL_API_KEY": "1"}),
        (b"MODEL_A_1_API_KEY=\xff\0", {"MODEL_A_1_API_KEY": "\udcff"}),
        # The agent can write what it likes.
        (b"PATH=/x\0BASH_ENV=/x\0LD_PRELOAD=/x\0NODE_OPTIONS=x\0HOME=/x\0MODEL_a_API_KEY=x\0", {}),
        (b"MODEL_\xc3\x84_API_KEY=x\0MODEL_;_API_KEY=x\0MODEL__API_KEY_X=x\0_API_KEY=x\0MODEL_=x\0", {}),
    ],
)
def test_variables_of_the_models_are_read_whatever_the_file_holds(
    tmp_path: Path, content: bytes, variables: dict[str, str]
) -> None:
    folder = Path(paths.rendered_folder(str(tmp_path)))
    folder.mkdir(parents=True)
    (folder / paths.VARIABLES).write_bytes(content)
    assert environment.model_variables(str(tmp_path)) == variables


@pytest.mark.parametrize("kind", ["nothing", "pipe", "link", "folder"])
def test_what_is_no_file_of_variables_gives_none_and_holds_nobody_up(tmp_path: Path, kind: str) -> None:
    folder = Path(paths.rendered_folder(str(tmp_path)))
    folder.mkdir(parents=True)
    path = folder / paths.VARIABLES
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            (tmp_path / "other").write_bytes(b"MODEL_API_KEY=1\0")
            path.symlink_to(tmp_path / "other")
        case "folder":
            path.mkdir()
    assert environment.model_variables(str(tmp_path)) == {}
