"""node_modules that was filled on a machine of another kind: its programs do not run here, nor ours there."""

from __future__ import annotations

import itertools
import os

from init import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "node_modules"
# As Node.js names them: process.platform, process.arch.
SYSTEMS = frozenset(("linux", "darwin", "win32", "freebsd"))
PROCESSORS = {"x86_64": "x64", "aarch64": "arm64"}
# A start waits for no more folders than this, of projects or of packages.
MOST = 2000


def tell(workspace: str) -> None:
    """Warn of each project whose packages are another platform's: npm would replace them without a word."""
    own = f"linux-{PROCESSORS.get(os.uname().machine, os.uname().machine)}"
    for folder in ("", *_folders(workspace)):
        found = set(_platforms(os.path.join(workspace, folder, FOLDER)))
        if found and own not in found:
            name = os.path.join("workspace", folder, FOLDER)
            log.warning(
                f"{name} was installed for {', '.join(sorted(found))}: its programs do not run here ({own}),"
                " and an install here takes them from your machine",
                fix="Give the sandbox a clone or a copy of the project, with packages of its own.",
            )


def _platforms(folder: str) -> Iterator[str]:
    """Yield what packages are for that say so in their names, as @esbuild/darwin-arm64 does."""
    for name in _folders(folder):
        for package in _folders(f"{folder}/{name}") if name.startswith("@") else (name,):
            words = package.split("-")
            for system, processor in itertools.pairwise(words):
                if system in SYSTEMS and processor in PROCESSORS.values():
                    yield f"{system}-{processor}"


def _folders(path: str) -> tuple[str, ...]:
    """Return the names of the folders in a folder; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            first = itertools.islice(entries, MOST)
            return tuple(entry.name for entry in first if entry.is_dir(follow_symlinks=False))
    except OSError:
        return ()
