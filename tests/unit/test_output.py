"""init/output.py: a reader that does not read is waited for once."""

import os
import select
import time

import pytest

from init import output


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> int:
    """A pipe that takes no more."""
    monkeypatch.setattr(output, "_left", 1.0)
    _, writer = os.pipe()
    os.set_blocking(writer, False)
    while select.select([], [writer], [], 0)[1]:
        os.write(writer, b"x" * 4096)
    return writer


def test_who_does_not_read_is_waited_for_once(full: int) -> None:
    begun = time.monotonic()
    assert not any(output.write(full, b"text") for _ in range(30))
    assert 1 <= time.monotonic() - begun < 10, "not 30 times a second"


def test_who_reads_again_is_written_to(full: int) -> None:
    assert not output.write(full, b"text")
    other, writer = os.pipe()
    assert output.write(writer, b"more")
    assert os.read(other, 9) == b"more"
