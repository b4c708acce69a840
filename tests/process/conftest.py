"""Programs under a PID 1 of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import namespace
from tests.harness.pid1 import Pid1


@pytest.fixture(autouse=True, scope="session")
def _namespaces() -> None:
    namespace.require(*namespace.AGENT, *namespace.PID_1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Pid1]]:
    """Start programs in namespaces that end with the test."""
    started: list[Pid1] = []

    def run(*words: str, way: str = "run", **how: Any) -> Pid1:
        started.append(Pid1(way, *words, output=tmp_path / f"output-{len(started)}", **how))
        return started[-1]

    yield run
    for pid1 in started:
        pid1.kill()
