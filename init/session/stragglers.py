"""What a tool leaves running when it ends: asked to end, then killed, and named.

It may be as many processes as the container may have, all spinning: then each of our own milliseconds takes
a second. So nothing is read, loaded or told while they run.
"""

from __future__ import annotations

import contextlib
import os
import time

from init import processes, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # An event, and its fields.
    Told: TypeAlias = tuple[str, dict[str, object]]

# More than a kernel has, which takes what the container may use: sched_setaffinity(2).
ALL_CPUS = range(1024)

# Seconds after which we look for what tells us nothing by its end.
LOOK_AGAIN = 0.05

# Children that are reaped before something else is looked at: they may have more.
MOST_REAPED = 100
MOST_NAMED = 20


def stop(grace: float) -> list[Told]:
    """Ask what the tool left running to end, and kill it after the grace.

    Args:
        grace: seconds between SIGTERM and SIGKILL, and again until we give up.

    Returns:
        What there is to warn of.
    """
    if not _any_left():
        return []
    warnings = _regain_the_cpu()
    signal(signals.SIGTERM)
    # Stopped, nobody would even see it.
    signal(signals.SIGCONT)
    if _all_end(grace):
        return warnings
    # Nobody can ignore this one, and who is stopped leaves the processor to us.
    signal(signals.SIGSTOP)
    names = _names()
    signal(signals.SIGKILL)
    _all_end(grace, signals.SIGKILL)
    return [*warnings, ("killing what the tool left behind", {"processes": names})]


def signal(signum: int) -> None:
    """Send a signal to all that the agent runs besides us."""
    if os.getpid() == 1:
        signals.send(-1, signum)
        return
    for pid in _below():
        signals.send(pid, signum)


def _all_end(seconds: float, again: int | None = None) -> bool:
    """Wait for the end of all; meanwhile send a signal to who came late. Return whether they ended."""
    deadline = time.monotonic() + seconds
    while _any_left():
        if time.monotonic() > deadline:
            return False
        # Not only until a child ends: who came in through `docker exec` is none of ours.
        signals.wait(min(deadline, time.monotonic() + LOOK_AGAIN))
        if again is not None:
            signal(again)
    return True


def _regain_the_cpu() -> list[Told]:
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
        what = "somebody lowered the priority of the session's init, which may be slow to end"
        return [(what, {"error": error.strerror})]
    return []


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


def _left() -> list[int]:
    """Return what runs besides us, but for another user's, who came in through a bare `docker exec`."""
    if os.getpid() != 1:
        return _below()
    return [process.pid for process in processes.every() if process.pid != 1 and _is_agents(process.pid)]


def _below() -> list[int]:
    """Return our descendants: without PID 1's rights over all processes it is those that we end."""
    import psutil  # only here: an init that is PID 1 is spared it

    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def _is_agents(pid: int) -> bool:
    # The kernel's own word on it; the owner of /proc/PID is root, where a process says so: prctl(2).
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _names() -> str:
    left = _left()
    named = ", ".join(f"{_name(pid)} (pid {pid})" for pid in left[:MOST_NAMED])
    return named + (f", and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else "")


def _name(pid: int) -> str:
    # ASCII alone: the terminal is not yet put right, and may take half a letter for a control character.
    return processes.name(pid).encode("ascii", "backslashreplace").decode()


def _any_child() -> bool:
    """Reap some of what ended and tell whether anything may be left."""
    try:
        for _ in range(MOST_REAPED):
            if not os.waitpid(-1, os.WNOHANG)[0]:
                break
    except ChildProcessError:
        return False
    return True
