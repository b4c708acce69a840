"""Try to kill or stop PID 1, or with the argument `other` a process of our own; print {signal: outcome}.

Only signals that PID 1 does not pass on to the tool: those it may well end itself for.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH123

import ctypes
import fcntl
import json
import os
import platform
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from functools import partial

SIGNALS = ("SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGSYS", "SIGTRAP")
PATIENCE = 60.0

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
PIDFD_SEND_SIGNAL = 424
NUMBERS = {
    "x86_64": {"tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297},
    "aarch64": {"tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240},
}[platform.machine()]
SI_QUEUE, F_SETSIG = -1, 10


def call(number: int, *arguments: int | bytes) -> None:
    """Make a system call; raise what it failed with."""
    words = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    if LIBC.syscall(ctypes.c_long(number), *words) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def send(signum: int, pid: int) -> None:
    os.kill(pid, signum)


def queued(signum: int) -> bytes:
    return struct.pack("iiiiii", signum, 0, SI_QUEUE, 0, os.getpid(), os.getuid()).ljust(128, b"\0")


def by_descriptor(pid: int, signum: int) -> None:
    call(PIDFD_SEND_SIGNAL, os.pidfd_open(pid), signum, 0, 0)


def by_a_file(pid: int, signum: int) -> None:
    """Have the kernel signal whoever owns a socket that something arrives at: fcntl(2), F_SETOWN."""
    ours, theirs = socket.socketpair()
    fcntl.fcntl(ours, fcntl.F_SETOWN, pid)
    if signum:
        fcntl.fcntl(ours, F_SETSIG, signum)
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC)
    theirs.send(b"x")


KILL = signal.SIGKILL
PROGRAM: dict[str, Callable[[int], object]] = {
    **{name: partial(send, getattr(signal, name)) for name in SIGNALS},
    "SIGKILL by tkill": lambda pid: call(NUMBERS["tkill"], pid, KILL),
    "SIGKILL by tgkill": lambda pid: call(NUMBERS["tgkill"], pid, pid, KILL),
    "SIGKILL by rt_sigqueueinfo": lambda pid: call(NUMBERS["rt_sigqueueinfo"], pid, KILL, queued(KILL)),
    "SIGKILL by rt_tgsigqueueinfo": lambda pid: call(
        NUMBERS["rt_tgsigqueueinfo"], pid, pid, KILL, queued(KILL)
    ),
    "SIGKILL by pidfd_send_signal": lambda pid: by_descriptor(pid, KILL),
    "SIGKILL by F_SETOWN": lambda pid: by_a_file(pid, KILL),
    "SIGSEGV by F_SETOWN": lambda pid: by_a_file(pid, signal.SIGSEGV),
}

ATTACKS = tuple(PROGRAM)


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
        os.setpgid(0, 0)
        # This interpreter may have inherited them as ignored.
        for name in SIGNALS[2:]:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        while True:
            signal.pause()
    os.setpgid(child, child)
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
        PROGRAM[name](target)
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
