"""Writing to a terminal or pipe that somebody else may have stopped, filled, or hung up: within a time."""

from __future__ import annotations

import os
import sys
import time

# Seconds that are waited for a reader; one that lives takes a text at once. Who let them pass is not waited
# for again: there may be many texts, and the time to stop has an end.
PATIENCE = 5.0
_left = PATIENCE


def tell(text: str) -> bool:
    """Write to stderr; return whether all of it went out."""
    if sys.stderr is None:
        return False
    try:
        descriptor = sys.stderr.fileno()
    except OSError:
        # No file, but something in memory.
        sys.stderr.write(text)
        return True
    return write(descriptor, text.encode(sys.stderr.encoding, "backslashreplace"))


def write(descriptor: int, data: bytes) -> bool:
    """Write all of it within the patience that is left; return whether it went out.

    Not blocking, whatever was set before, which is set again: who shares the open file shares this, fcntl(2).
    """
    global _left  # noqa: PLW0603 - it is one reader, mostly, of all texts
    deadline = time.monotonic() + _left
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
    if data:
        _left = 0.0
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
