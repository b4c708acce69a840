"""When a task is done: its PID 1 holds a lock on a file that its pod's other container sees, flock(2).

The kernel frees it however the container ends. Who writes the file anew, which the agent may, hurts himself:
the other container has it open by then.
"""

from __future__ import annotations

import fcntl
import os
import time

from init.errors import SandboxError

PLACE = "/run/sandbox"
FILE = f"{PLACE}/task"
# Seconds for the task's container to begin, which may have to wait for its image; and between two looks.
PATIENCE, _LOOK_AGAIN = 900.0, 0.1


def hold(place: str = PLACE) -> int:
    """Hold the lock until this process ends; return the descriptor, which nobody inherits.

    Raises:
        SandboxError: there is no place for it.
    """
    # Nobody sees it before it is locked.
    new, file = f"{place}/.task", f"{place}/task"
    try:
        held = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.replace(new, file)
    except OSError as error:
        raise SandboxError(
            f"{file} cannot be locked: {error.strerror}",
            f"Mount an emptyDir at {place} in the task's container, and the same in that of the result.",
        ) from error
    return held


def wait(file: str = FILE, seconds: float = PATIENCE) -> None:
    """Wait until the task has begun and ended.

    Args:
        file: the lock's.
        seconds: until it has begun.

    Raises:
        SandboxError: it does not begin.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            there = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            break
        except OSError as error:
            if time.monotonic() > until:
                raise SandboxError(
                    f"the task has not begun in {seconds:g} s: {file}: {error.strerror}",
                    "kubectl describe tells why its container does not run.",
                ) from error
        time.sleep(_LOOK_AGAIN)
    try:
        # Shared: on a mount that is read-only some file systems give no other.
        fcntl.flock(there, fcntl.LOCK_SH)
    finally:
        os.close(there)
