"""The terminal's name, TERM: one that programs find in the terminal database, terminfo(5)."""

from __future__ import annotations

import os

from init import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

# Debian's own, in its order.
FOLDERS = ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo")
# What nearly every terminal of today understands, and pretends to be.
FALLBACK = "xterm-256color"


def settle(environ: MutableMapping[str, str], home: str) -> None:
    """Replace a name that the database does not have, and say so.

    Args:
        environ: where TERM stands, unless there is no terminal.
        home: the agent's, which may hold entries of its own.
    """
    name = environ.get("TERM")
    if not name or is_known(name, environ, home):
        return
    log.info(f"TERM={name} is not known in the sandbox: {FALLBACK} takes its place")
    environ["TERM"] = FALLBACK


def is_known(name: str, environ: Mapping[str, str], home: str) -> bool:
    """Tell whether the database has an entry, which may be in several places; terminfo(5)."""
    if environ.get("TERMINFO", "").startswith(("hex:", "b64:")):
        return True
    # A path would lead out of the database.
    return "/" not in name and any(
        os.path.exists(f"{folder}/{name[0]}/{name}") for folder in _folders(environ, home)
    )


def _folders(environ: Mapping[str, str], home: str) -> Iterator[str]:
    yield from filter(None, (environ.get("TERMINFO"), *environ.get("TERMINFO_DIRS", "").split(":")))
    yield f"{home}/.terminfo"
    yield from FOLDERS
