"""What a session could not tell its user: kept in data/, and told by the next one.

The agent owns data/, so what is read there is anybody's word: it is bounded, and told as a quotation.
"""

from __future__ import annotations

import os
import stat
import time

from init import folders, log, paths
from init.errors import EX_UNTOLD

# Bytes and lines that are told of it.
MOST, MOST_LINES = 64 << 10, 200


def tell() -> None:
    """Tell once what an earlier session kept."""
    try:
        text = _read()
        os.unlink(paths.UNTOLD)
    except OSError:
        return
    if text:
        lines = text.decode(errors="backslashreplace").splitlines()
        log.warning(
            "an earlier session could not tell this, or says so:",
            details="\n".join(f"> {line}" for line in lines[:MOST_LINES]),
        )


def _read() -> bytes:
    descriptor = os.open(paths.UNTOLD, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        return file.read(MOST) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def settle(code: int) -> int:
    """Keep what could not be told; return the exit code, another where there was something."""
    lines = log.untold()
    if not lines:
        return code
    try:
        _keep("\n".join(lines))
    except OSError:
        # The exit code has to do.
        return EX_UNTOLD
    return EX_UNTOLD


def _keep(text: str) -> None:
    folders.open_own(paths.DATA)
    if os.path.isdir(paths.UNTOLD) and not os.path.islink(paths.UNTOLD):
        os.rename(paths.UNTOLD, f"{paths.UNTOLD}.{time.time_ns()}")
    new = f"{paths.UNTOLD}.{time.time_ns()}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    os.replace(new, paths.UNTOLD)
