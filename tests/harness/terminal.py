"""A person at a terminal: a real pty, and a screen that understands what is drawn on it."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import pexpect
import pyte

from tests.harness.repository import ROOT
from tests.harness.waiting import PATIENCE


class Screen(pyte.Screen):
    """One that knows a question of xterm's, DECXCPR, which pyte ends with a TypeError at."""

    def report_device_status(self, mode: int, **_: bool) -> None:
        super().report_device_status(mode)


class Terminal:
    """Runs a command in a pty of 120 columns and 40 lines."""

    def __init__(self, command: list[str], environ: Mapping[str, str], folder: Path = ROOT) -> None:
        self.screen = Screen(120, 40)
        self.stream = pyte.ByteStream(self.screen)
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(folder),
            env={**environ, "TERM": "xterm-256color"},
            dimensions=(40, 120),
        )
        self.child.delaybeforesend = None

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def read(self) -> bool:
        """Take in what arrived; tell whether more may come."""
        try:
            self.feed(self.child.read_nonblocking(65536, timeout=0.1))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            # Whose end pexpect learns of by waitpid(2) may have written more since it last looked.
            with contextlib.suppress(pexpect.EOF, pexpect.TIMEOUT):
                while True:
                    self.feed(self.child.read_nonblocking(65536, timeout=0))
            return False
        return True

    def feed(self, data: bytes) -> None:
        """Show it, but for the end of kitty's keyboard protocol, which pyte takes for text."""
        self.stream.feed(data.replace(b"\x1b[<99u", b""))

    def wait_for(self, *texts: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not all(text in self.text for text in texts):
            alive = self.read()
            done = all(text in self.text for text in texts)
            assert done or (alive and time.monotonic() < deadline), f"no {texts} on the screen:\n{self.text}"

    def type(self, keys: str) -> None:
        self.child.send(keys)

    def type_until(self, keys: str, text: str, every: float = PATIENCE / 6) -> None:
        """Press keys, and again if the program does not listen yet, until this is on the screen."""
        deadline = time.monotonic() + PATIENCE
        again = 0.0
        while text not in self.text:
            if time.monotonic() > again:
                self.type(keys)
                again = time.monotonic() + every
            alive = self.read() or text in self.text
            assert alive, f"ended without {text!r} on the screen:\n{self.text}"
            assert time.monotonic() < deadline, f"no {text!r} on the screen:\n{self.text}"

    def type_until_end(self, keys: str, every: float = PATIENCE / 4) -> int:
        """Press keys, and again if the program does not listen yet; return its exit code.

        Not too soon, if the key is a signal: at its end the client gives the terminal back, and would get it.
        """
        deadline = time.monotonic() + PATIENCE
        again = 0.0
        while self.read():
            assert time.monotonic() < deadline, f"still running:\n{self.text}"
            if time.monotonic() > again:
                self.type(keys)
                again = time.monotonic() + every
        return self.end()

    def end(self) -> int:
        """Wait until the command has ended; return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, f"still running:\n{self.text}"
        self.child.wait()
        return (
            self.child.exitstatus
            if self.child.exitstatus is not None
            else 128 + (self.child.signalstatus or 0)
        )
