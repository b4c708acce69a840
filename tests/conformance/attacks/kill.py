"""Try to kill or stop PID 1, or with the argument `other` a process of our own; print {signal: outcome}.

Only signals that PID 1 does not pass on to the tool: those it may well end itself for.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH123

import json
import os
import signal
import sys
import time
from collections.abc import Callable

ATTACKS = ("SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGSYS", "SIGTRAP")
PATIENCE = 60.0


def state(pid: int) -> str:
    """Return the letter of a process's state, X where it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def victim() -> int:
    """Make a process that waits for ever."""
    child = os.fork()
    if child == 0:
        # This interpreter may have inherited them as ignored.
        for name in ATTACKS[2:]:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        while True:
            signal.pause()
    return child


def still_reaps() -> bool:
    """Leave an orphan to PID 1, and tell whether it is reaped."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        orphan = os.fork()
        if orphan == 0:
            os._exit(0)
        os.write(writer, str(orphan).encode())
        os._exit(0)
    os.waitpid(child, 0)
    orphan = int(os.read(reader, 16))
    os.close(reader)
    os.close(writer)
    return until(lambda: state(orphan) == "X")


def until(condition: Callable[[], object]) -> bool:
    """Wait for a condition; tell whether it came true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def attack(name: str, other: bool) -> str:
    """Send a signal; return what it did."""
    target = victim() if other else 1
    try:
        os.kill(target, getattr(signal, name))
    except PermissionError as error:
        return f"refused: {error.strerror}"
    if other:
        until(lambda: state(target) in "TZX")
    elif not still_reaps():
        return f"reached: PID 1 reaps no more, its state is {state(1)}"
    found = state(target)
    if other:
        os.kill(target, signal.SIGKILL)
        os.waitpid(target, 0)
    return f"reached: its state is {found}" if found in "TtZX" else f"refused: its state is {found}"


def main() -> None:
    """Print an object."""
    other = sys.argv[1:] == ["other"]
    print(json.dumps({name: attack(name, other) for name in ATTACKS}))


if __name__ == "__main__":
    main()
