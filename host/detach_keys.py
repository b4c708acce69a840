"""The keys by which a session is left running: such that no key of a tool's is kept back.

The client looks for a sequence in what is typed, Ctrl-P Ctrl-Q by default, and what may be its beginning it
passes on only with the key that follows (moby/term, proxy.go). So a tool's Ctrl-P would do nothing at first.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host import answers
from host.messages import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Docker takes one byte of ASCII a key. Ctrl-^ has no meaning in bash or in a tool of the image, and only it
# waits for the next key; most keyboards have it on Ctrl-6, too.
KEYS, TOLD = "ctrl-^,q", "Ctrl-^ q (Ctrl-6, then q)"
# Of the client's configuration; `docker compose run` has no option for it.
SETTING = "detachKeys"
FILE = "config.json"


def options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of `docker exec` and `docker attach`; none where the user chose keys."""
    return () if (read(folder(environ)) or {}).get(SETTING) else ("--detach-keys", KEYS)


def told(environ: Mapping[str, str]) -> str:
    """Return the keys as a person reads them."""
    own = (read(folder(environ)) or {}).get(SETTING)
    return printable(own) if own and isinstance(own, str) else TOLD


@contextlib.contextmanager
def set_aside(environ: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Have an environment whose Docker client keeps no key back, and is the user's in all else.

    Its configuration is a folder of links to what is in the user's (contexts, plugins, certificates), and a
    copy of the file with the keys added. Credentials may be in it, so it is ours alone, and goes at the end.
    """
    own = folder(environ)
    found = read(own)
    if own is None or found is None or found.get(SETTING):
        yield environ
        return
    with tempfile.TemporaryDirectory(prefix="agentic-sandbox-") as name:
        made = Path(name)
        for entry in _entries(own):
            if entry.name != FILE:
                (made / entry.name).symlink_to(entry)
        copy = os.open(made / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(copy, "w", encoding="utf-8") as file:
            json.dump({**found, SETTING: KEYS}, file)
        yield {**environ, "DOCKER_CONFIG": name}


def folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the client's configuration; None where nobody knows it."""
    if environ.get("DOCKER_CONFIG"):
        return Path(environ["DOCKER_CONFIG"]).absolute()
    try:
        return Path.home() / ".docker"
    except RuntimeError:
        return None


def read(own: Path | None) -> dict[str, Any] | None:
    """Return what the client's configuration says; None where it is none, which the client itself tells."""
    try:
        told = answers.parse((own / FILE).read_bytes()) if own else {}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _entries(own: Path) -> list[Path]:
    try:
        return list(own.iterdir())
    except OSError:
        return []
