"""A git that answers questions: this machine's, or the image's, which is another version."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.harness.repository import ROOT

PROBE = ROOT / "tests" / "probes" / "ask_git.py"
# It knows nothing of the machine it runs on.
PLAIN = {
    "HOME": "/nonexistent", "LC_ALL": "C", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a",
}  # fmt: skip


class Git:
    """One process that runs git again and again: a container for each question would take minutes.

    Args:
        command: what starts it.
        env: of it; None for ours.
    """

    def __init__(self, command: Sequence[str], env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command, text=True, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __call__(self, folder: Path, *words: str, data: bytes = b"") -> bytes | None:
        """Return what git prints; None if it refuses."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"folder": str(folder), "words": words, "data": base64.b64encode(data).decode()}
        self.process.stdin.write(f"{json.dumps(asked)}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return base64.b64decode(answer["out"]) if answer["code"] == 0 else None

    def do(self, folder: Path, *words: str, data: bytes = b"") -> None:
        """Have git do something, which it must not refuse."""
        assert self(folder, *words, data=data) is not None, words


@contextmanager
def of_this_machine() -> Iterator[Git]:
    """Start this machine's git."""
    git = Git([sys.executable, str(PROBE)], {**PLAIN, "PATH": os.environ["PATH"]})
    with git.process:
        yield git


@contextmanager
def of_the_image(image: str, folder: Path) -> Iterator[Git]:
    """Start the image's git; it sees a folder, in the same place."""
    git = Git([
        "docker", "run", "--rm", "--interactive", "--network=none", f"--user={os.getuid()}:{os.getgid()}",
        *(f"--env={name}={value}" for name, value in PLAIN.items()),
        "-v", f"{folder}:{folder}", "-v", f"{PROBE}:/probe.py:ro",
        "--entrypoint=python3", image, "/probe.py",
    ])  # fmt: skip
    with git.process:
        yield git
