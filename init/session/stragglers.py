"""What a tool leaves running when it ends: asked to end, then killed, and named."""

from __future__ import annotations

import os
import time

from init import log, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    import psutil

# More than a kernel has, which takes what the container may use: sched_setaffinity(2).
ALL_CPUS = range(1024)

# Seconds after which we look for what tells us nothing by its end.
LOOK_AGAIN = 0.05


def stop(grace: float) -> None:
    """Ask what the tool left running to end, and kill it after the grace.

    Args:
        grace: seconds between SIGTERM and SIGKILL, and again until we give up.
    """
    if not _any_left():
        return
    _regain_the_cpu()
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


def _regain_the_cpu() -> None:
    """Be scheduled as processes are, sched(7), or say that we are not: to end others we have to run.

    The filter keeps the session from changing it; a bare `docker exec` has none, nor SANDBOX_SECCOMP=off.
    """
    try:
        os.sched_setaffinity(0, ALL_CPUS)
        if os.sched_getscheduler(0) != os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if os.getpriority(os.PRIO_PROCESS, 0) > 0:
            os.setpriority(os.PRIO_PROCESS, 0, 0)
    except OSError as error:
        # Without CAP_SYS_NICE nobody gets back what was taken: setpriority(2), RLIMIT_NICE.
        log.warning(f"somebody lowered the priority of the session's init, which may be slow to end: {error}")


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
