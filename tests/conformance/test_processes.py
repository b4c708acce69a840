"""Who the processes in the container are, and what they may still do."""

from typing import Any

import pytest

from tests.conformance.conftest import Subject


@pytest.fixture(scope="module")
def processes(subject: Subject) -> list[dict[str, str]]:
    found: list[dict[str, str]] = subject.python("status.py")
    return found


def test_no_process_is_root(processes: list[dict[str, Any]]) -> None:
    assert [p for p in processes if "0" in p["Uid"].split() + p["Gid"].split()] == []
