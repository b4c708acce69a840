"""What a tool leaves running when it ends: asked to end, then killed, and named."""

from __future__ import annotations

import os
import time

from init import log, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    import psutil

# Seconds after which we look for what tells us nothing by its end.
LOOK_AGAIN = 0.05


def stop(grace: float) -> None:
    """Ask what the tool left running to end, and kill it after the grace.

    Args:
        grace: seconds between SIGTERM and SIGKILL, and again until we give up.
    """
    if not _any_left():
        return
    for signum in (signals.SIGTERM, signals.SIGKILL):
        if signum == signals.SIGKILL:
            names = ", ".join(_name(process) for process in _left())
            log.warning("killing what the tool left behind", processes=names)
        _signal(signum)
        deadline = time.monotonic() + grace
        while _any_left():
            if time.monotonic() > deadline:
                break
            # Not only until a child ends: who came in through `docker exec` is none of ours.
            signals.wait(min(deadline, time.monotonic() + LOOK_AGAIN))
            if signum == signals.SIGKILL:
                _signal(signum)
        else:
            return


def _signal(signum: int) -> None:
    if os.getpid() == 1:
        signals.send(-1, signum)
        return
    for process in _left():
        signals.send(process.pid, signum)


def _any_left() -> bool:
    """Reap what ended and tell whether anything of the agent's still runs."""
    if _any_child():
        return True
    if os.getpid() != 1:
        return False
    try:
        os.kill(-1, 0)
    except ProcessLookupError:
        return False
    return bool(_left())


def _left() -> list[psutil.Process]:
    """Return what runs besides us, but for another user's, who came in through a bare `docker exec`."""
    import psutil

    if os.getpid() != 1:
        return psutil.Process().children(recursive=True)
    return [process for process in psutil.process_iter() if process.pid != 1 and _is_agents(process)]


def _is_agents(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.uids().real == os.getuid() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _name(process: psutil.Process) -> str:
    import psutil

    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"


def _any_child() -> bool:
    """Reap what ended and tell whether anything is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
