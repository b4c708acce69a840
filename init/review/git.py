"""git as it is run on what an agent wrote: nothing of it steers git, and nothing of git's runs a program.

A repository of our own, with no configuration but ours, and no working tree.
"""

from __future__ import annotations

import os
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Seconds for one call: a hostile pair of files takes git long.
PATIENCE = 120.0
_OURS = """[core]
    bare = true
    repositoryformatversion = {version}
    protectHFS = false
    protectNTFS = false
    attributesFile = /dev/null
[protocol]
    allow = never
"""
_SHA256 = """[extensions]
    objectFormat = sha256
"""
_BARE = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


class GitError(Exception):
    """git did not do what it was asked for."""


class Repository:
    """A repository of our own.

    Args:
        folder: where it is made; nothing is there yet.
        objects: where its objects are, if not in it.
        sha256: whether they are named by SHA-256.
    """

    def __init__(self, folder: str, objects: str = "", *, sha256: bool = False) -> None:
        self.folder = folder
        self.objects = objects or f"{folder}/objects"
        os.makedirs(f"{folder}/objects")
        os.mkdir(f"{folder}/refs")
        for name, text in (
            ("HEAD", "ref: refs/heads/none\n"),
            ("config", _OURS.format(version=int(sha256)) + (_SHA256 if sha256 else "")),
        ):
            with open(f"{folder}/{name}", "w", encoding="ascii") as file:
                file.write(text)

    def start(self, *words: str, output: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start git."""
        return subprocess.Popen(  # noqa: S603 - a program of the image, without a shell
            ["git", "--git-dir", self.folder, *words],  # noqa: S607 - by the PATH above
            env=self._environ(), cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *words: str, more: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Run git to its end; return its exit code and what it wrote.

        Raises:
            GitError: it takes too long.
        """
        try:
            done = subprocess.run(  # noqa: S603 - as above
                ["git", "--git-dir", self.folder, *words],  # noqa: S607 - as above
                env={**self._environ(), **(more or {})}, cwd="/", stdin=subprocess.DEVNULL,
                capture_output=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git took longer than {PATIENCE:.0f} s") from error
        return done.returncode, done.stdout

    def _environ(self) -> dict[str, str]:
        return {**_BARE, "GIT_OBJECT_DIRECTORY": self.objects}
