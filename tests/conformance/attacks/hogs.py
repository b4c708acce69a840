"""Try to make PID 1 idle, then leave processes that spin where it runs and ignore SIGTERM.

Prints `ready` and whether PID 1 is `idle`. The processes end by themselves after the seconds of the first
argument, so that where PID 1 never runs again nothing spins for ever. With a second argument we stay, too.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

HOGS = 80
CPU = min(os.sched_getaffinity(0))

SLOWED: tuple[Callable[[], object], ...] = (
    lambda: os.sched_setaffinity(1, {CPU}),
    lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
    lambda: os.setpriority(os.PRIO_USER, 0, 19),
    lambda: os.setpgid(0, 1),
    lambda: os.setpriority(os.PRIO_PGRP, 0, 19),
    lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)),
)


def spin(seconds: float) -> None:
    """Take all of the processor that can be had."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.sched_setaffinity(0, {CPU})
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    os._exit(0)


def main() -> None:
    """Leave them."""
    seconds = float(sys.argv[1])
    for slow in SLOWED:
        with suppress(OSError):
            slow()
    for _ in range(HOGS):
        if os.fork() == 0:
            spin(seconds)
    print("ready", "idle" if os.sched_getscheduler(1) == os.SCHED_IDLE else "untouched", flush=True)
    if sys.argv[2:]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(seconds)


if __name__ == "__main__":
    main()
