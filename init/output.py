"""Writing to a terminal or pipe that somebody else may have stopped, filled, or hung up: within a time."""

from __future__ import annotations

import os
import sys
import time

# Seconds for one text; a reader that lives takes it at once.
PATIENCE = 5.0


def tell(text: str, seconds: float = PATIENCE) -> bool:
    """Write to stderr; return whether all of it went out."""
    if sys.stderr is None:
        return False
    try:
        descriptor = sys.stderr.fileno()
    except OSError:
        # No file, but something in memory.
        sys.stderr.write(text)
        return True
    return write(descriptor, text.encode(sys.stderr.encoding, "backslashreplace"), seconds)


def write(descriptor: int, data: bytes, seconds: float = PATIENCE) -> bool:
    """Write all of it within these seconds; return whether it went out.

    Not blocking, whatever was set before, which is set again: who shares the open file shares this, fcntl(2).
    """
    deadline = time.monotonic() + seconds
    try:
        before = os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)
        try:
            while data and _is_writable(descriptor, deadline):
                data = data[_written(descriptor, data) :]
        finally:
            os.set_blocking(descriptor, before)
    except OSError:
        return False
    return not data


def _is_writable(descriptor: int, deadline: float) -> bool:
    # Not at the top: a usual start writes nothing.
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


def _written(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0
