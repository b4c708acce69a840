"""A program under PID 1 of a namespace, tests/process/driver.py: the image's init without the image."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from tests.harness.namespace import AGENT, PID_1
from tests.harness.repository import ROOT
from tests.harness.waiting import PATIENCE, wait_for

PROBE = (sys.executable, "-I", str(ROOT / "tests" / "probes" / "pid1.py"))
DRIVER = ("-m", "tests.process.driver")


class Pid1:
    """PID 1 and all that it runs.

    Args:
        command: the driver's way, and the words of the program.
        output: where all of them write.
        env: settings, as a container has them in its environment.
        before: a program that becomes the driver, or starts it.
        user: who PID 1 is.
        python: what runs the driver.
    """

    def __init__(
        self, *command: str, output: Path, env: Mapping[str, str] | None = None,
        before: tuple[str, ...] = (), user: tuple[str, ...] = AGENT, python: str = sys.executable,
    ) -> None:  # fmt: skip
        self.output = output
        words = [*user, *PID_1, *before, python, *DRIVER, *command]
        with output.open("wb") as file:
            self.unshare = subprocess.Popen(
                words, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def process(self) -> psutil.Process:
        """PID 1 as it is seen from outside."""
        self.wait(psutil.Process(self.unshare.pid).children, "PID 1 to start")
        return psutil.Process(self.unshare.pid).children()[0]

    def wait_for(self, text: str) -> None:
        """Wait for something that is written."""
        self.wait(lambda: text in self.log, repr(text))

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until it is so, but no longer than PID 1 lives."""

        def is_so_or_ended() -> bool:
            ended = self.unshare.poll() is not None
            return bool(condition()) or ended

        wait_for(is_so_or_ended, lambda: f"{what}:\n{self.log}")
        assert condition(), f"PID 1 ended with {self.unshare.poll()} before {what}:\n{self.log}"

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        try:
            code = self.unshare.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            left = psutil.Process(self.unshare.pid).children(recursive=True)
            pytest.fail(f"PID 1 does not end:\n{self.log}\n{left}")
        # Shown where the test fails.
        print(self.log)  # noqa: T201 - as said
        return code

    def kill(self) -> None:
        """End what is left of it."""
        self.unshare.kill()
        self.unshare.wait()
