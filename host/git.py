"""What the sandbox is told of the user's own git: name, e-mail, version. And which commit a folder is at."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.supervisor import Supervisor

# The variable for the sandbox, that of git itself, and the setting.
TOLD = (
    ("SANDBOX_GIT_NAME", "GIT_AUTHOR_NAME", "user.name"),
    ("SANDBOX_GIT_EMAIL", "GIT_AUTHOR_EMAIL", "user.email"),
)
# Bytes that are read of a repository's files, and what a commit is called in them.
LARGEST, COMMIT = 1 << 20, re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Seconds: its settings may be on a share that does not answer.
PATIENCE = 5.0


def variables(supervisor: Supervisor, environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what is not set already; nothing where there is no git.

    Args:
        supervisor: what asks.
        environ: the environment of the user.
        given: what the sandbox is given anyhow.
    """
    told, asked = {}, {}
    try:
        for name, own, setting in TOLD:
            if environ.get(own) and not given.get(name):
                told[name] = environ[own]
            elif not given.get(name):
                # Not in the workspace, whose settings may be an agent's.
                ask = ["git", "-C", "/", "config", "--get", setting]
                asked[name] = supervisor.begin(ask, environ, needed=False)
        asked["SANDBOX_GIT_VERSION"] = supervisor.begin(["git", "--version"], environ, needed=False)
    except OSError:
        return told
    told |= {name: supervisor.finish(begun, PATIENCE).output.rstrip("\n") for name, begun in asked.items()}
    version = re.search(r"\d+\.\d+[.\d]*", told["SANDBOX_GIT_VERSION"])
    told["SANDBOX_GIT_VERSION"] = version[0] if version else ""
    return {name: value for name, value in told.items() if value}


def head(folder: Path) -> str:
    """Return the commit that a repository's work tree is at; "" where it is none, or cannot be told.

    git itself would go by the repository's own settings, which may be an agent's: its files are read,
    gitrepository-layout(5).
    """
    own, common = _folders(folder)
    told = _first(own / "HEAD")
    if told.startswith("ref: refs/"):
        ref = told[len("ref: ") :]
        told = "" if ".." in ref else _first(own / ref) or _first(common / ref) or _packed(common, ref)
    return told if COMMIT.fullmatch(told) else ""


def remote(supervisor: Supervisor, environ: Mapping[str, str], folder: Path) -> str:
    """Return the URL of a work tree's remote `origin`; "" where it has none, or cannot be told.

    Its settings are read as a file: as such they include nothing, and nothing of them is run, git-config(1).
    """
    _, common = _folders(folder)
    if not (settings := common / "config").is_file():
        return ""
    ask = ["git", "-C", "/", "config", "--file", str(settings), "--get", "remote.origin.url"]
    try:
        return supervisor.finish(supervisor.begin(ask, environ, needed=False), PATIENCE).output.rstrip("\n")
    except FileNotFoundError:
        return ""


def _folders(folder: Path) -> tuple[Path, Path]:
    """Return the folder of a work tree's repository, and the one that all its work trees share."""
    own = folder / ".git"
    named = _first(own)
    if named.startswith("gitdir: "):
        own = folder / named[len("gitdir: ") :]
    return own, own / _first(own / "commondir")


def _packed(common: Path, ref: str) -> str:
    lines = (line.split(" ", 1) for line in _text(common / "packed-refs").split("\n"))
    return next((line[0] for line in lines if line[1:] == [ref]), "")


def _first(file: Path) -> str:
    return _text(file).split("\n", 1)[0]


def _text(file: Path) -> str:
    """Return what such a file says; "" where it cannot be read, is a pipe, or is none."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            return os.fsdecode(opened.read(LARGEST) or b"")
    except (OSError, ValueError):
        return ""
