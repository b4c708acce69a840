"""init/processes.py: a process's own words change nothing of what is known about it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from init import processes


@pytest.fixture
def named() -> Iterator[int]:
    """A child whose name looks like the fields behind it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        Path("/proc/self/comm").write_bytes(b"x) Z 1 (\nUid:\t0")
        os.write(writer, b"x")
        signal.pause()
        os._exit(0)
    os.read(reader, 1)
    yield child
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_name_is_no_fact(named: int) -> None:
    (found,) = (process for process in processes.every() if process.pid == named)
    assert found.parent == os.getpid()
    assert found.state in "RS"
    (ours,) = (process for process in processes.every() if process.pid == os.getpid())
    assert found.began >= ours.began > 0
    assert processes.name(named) == "x) Z 1 (\nUid:\t0"


def test_one_that_ended_is_not_there(named: int) -> None:
    os.kill(named, signal.SIGKILL)
    os.waitid(os.P_PID, named, os.WEXITED | os.WNOWAIT)
    assert named not in {process.pid for process in processes.every()}
    assert processes.arguments(named) == [""]


def test_one_that_is_gone_has_neither_name_nor_words() -> None:
    assert processes.name(1 << 30) == ""
    assert processes.arguments(1 << 30) == [""]
