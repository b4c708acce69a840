"""init/__main__.py and init/errors.py: which tool, and what a start that cannot go on ends with."""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from init import settings
from init.errors import Interrupted, SandboxError
from init.tools import Tool

REPOSITORY = Path(__file__).parents[2]
TOOLS = tuple(Tool(name, name, (name,), (), {}, (), ()) for name in ("opencode", "omp"))


def start(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "init"],
        cwd=REPOSITORY, env=os.environ | environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip


@pytest.fixture
def main() -> ModuleType:
    """Return the program; its first statement blocks every signal, which is not for this process."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        return importlib.import_module("init.__main__")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_a_bad_setting_ends_the_start_with_a_line_that_says_what_and_how() -> None:
    ended = start(PUID="0", SANDBOX_GRACE="long")
    assert (ended.returncode, ended.stdout) == (78, "")
    what, fix = ended.stderr.splitlines()
    assert what.startswith("sandbox: error: PUID='0'")
    assert "SANDBOX_GRACE='long'" in what
    assert "id -u" in fix


def test_a_hostile_setting_does_not_reach_the_terminal() -> None:
    ended = start(PUID="\x1b[2J\r\n")
    assert ended.returncode == 78
    assert ended.stderr.replace("\n", "").isprintable()


@pytest.mark.skipif(os.geteuid() != 0, reason="the root phase is for root")
def test_root_that_is_not_pid_1_changes_nothing_and_says_why() -> None:
    ended = start(SANDBOX_LOG="json")
    assert ended.returncode == 78
    said = json.loads(ended.stderr)
    assert said["level"] == "error"
    assert said["fix"]


@pytest.mark.parametrize(
    ("default", "tools", "name"),
    [(None, TOOLS, "opencode"), (None, TOOLS[1:], "omp"), ("omp", TOOLS, "omp"), ("omp", TOOLS[1:], "omp")],
)
def test_without_a_terminal_the_tool_named_or_the_first_is_taken(
    main: ModuleType, monkeypatch: pytest.MonkeyPatch, default: str | None, tools: tuple[Tool, ...], name: str
) -> None:
    with open(os.devnull) as null:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", null)
        assert main.choose(settings.read({})._replace(default_tool=default), tools).name == name


def test_a_named_tool_that_is_not_there_is_an_error_even_if_one_is_left(main: ModuleType) -> None:
    with pytest.raises(SandboxError, match="DEFAULT_TOOL"):
        main.choose(settings.read({"DEFAULT_TOOL": "gone"}), TOOLS[:1])


def test_errors_carry_what_a_user_needs() -> None:
    error = SandboxError("this is wrong", "Do that.")
    assert (str(error), error.what, error.fix, error.exit_code) == ("this is wrong",) * 2 + ("Do that.", 78)
    assert Interrupted(signal.SIGTERM).signum == signal.SIGTERM
