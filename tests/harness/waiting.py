"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable

import pytest

PATIENCE = 60.0  # seconds, for what takes one or two on an idle machine


def wait_for(
    condition: Callable[[], object], what: str | Callable[[], str], patience: float = PATIENCE
) -> None:
    """Wait until it is so; what is told where it never is."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {patience:g} s in vain for {what if isinstance(what, str) else what()}")
        time.sleep(0.05)
