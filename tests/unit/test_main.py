"""init/__main__.py and init/errors.py: what a start that cannot go on ends with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from init.errors import Interrupted, SandboxError

REPOSITORY = Path(__file__).parents[2]


def start(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "init"],
        cwd=REPOSITORY, env=os.environ | environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip


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


@pytest.mark.as_root
def test_root_that_is_not_pid_1_changes_nothing_and_says_why() -> None:
    ended = start(SANDBOX_LOG="json")
    assert ended.returncode == 78
    said = json.loads(ended.stderr)
    assert said["level"] == "error"
    assert said["fix"]


def test_errors_carry_what_a_user_needs() -> None:
    error = SandboxError("this is wrong", "Do that.")
    assert (str(error), error.what, error.fix, error.exit_code) == ("this is wrong",) * 2 + ("Do that.", 78)
    assert Interrupted(signal.SIGTERM).signum == signal.SIGTERM
