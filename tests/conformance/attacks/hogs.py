"""Try to make PID 1 idle, then leave processes that spin where it runs and ignore SIGTERM.

hogs.py SECONDS COUNT [stay]

Prints `ready` and whether PID 1 is `idle`. The processes end by themselves after the seconds, so that where
PID 1 never runs again nothing spins for ever. With `stay` we do not end, either.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

# So many take all processors; fewer have to know which one is PID 1's.
CROWD = 1000
CPU = min(os.sched_getaffinity(0))

SLOWED: tuple[Callable[[], object], ...] = (
    lambda: os.sched_setaffinity(1, {CPU}),
    lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
    lambda: os.setpriority(os.PRIO_USER, 0, 19),
    lambda: os.setpgid(0, 1),
    lambda: os.setpriority(os.PRIO_PGRP, 0, 19),
    lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)),
)


def spin(seconds: float, *, pinned: bool) -> None:
    """Take all of the processor that can be had."""
    os.setpgid(0, 0)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if pinned:
        os.sched_setaffinity(0, {CPU})
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    os._exit(0)


def main() -> None:
    """Leave them."""
    seconds, count = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for slow in SLOWED:
        with suppress(OSError):
            slow()
    # All begin when nobody can open the gate any more: before, they would leave us no processor to make the
    # last of them, nor to end.
    gate, opener = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            os.close(opener)
            os.read(gate, 1)
            spin(seconds, pinned=count < CROWD)
    print("ready", "idle" if os.sched_getscheduler(1) == os.SCHED_IDLE else "untouched", flush=True)
    if sys.argv[3:]:
        os.close(opener)
        time.sleep(seconds)


if __name__ == "__main__":
    main()
