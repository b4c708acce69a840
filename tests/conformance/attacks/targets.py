"""Go through the calls that name another process, a group or a user; print {call: outcome}.

They name PID 1, or with the argument `other` a process of our own. What is reached stays as it is, or is
PID 1 of a container that ends with the attack. Signals are kill.py's, and files in /proc pry.py's.

Left out, for there is nothing to reach: calls that only tell (getpriority, sched_get*, ioprio_get, getpgid,
getsid, kill with 0), that name children only (wait4, waitid), ourselves only (capset, timer_create, prctl but
for PR_SCHED_CORE, set_mempolicy), or nobody that lives (process_mrelease).
"""

import ctypes
import errno
import json
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

SAME = {"pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440}
NUMBERS = {
    "x86_64": {
        "sched_setparam": 142, "sched_setscheduler": 144, "sched_setaffinity": 203, "sched_setattr": 314,
        "setpriority": 141, "ioprio_set": 251, "prlimit64": 302, "setpgid": 109, "move_pages": 279,
        "migrate_pages": 256, "get_robust_list": 274, "kcmp": 312, "prctl": 157, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "perf_event_open": 298, "setns": 308,
        **SAME,
    },
    "aarch64": {
        "sched_setparam": 118, "sched_setscheduler": 119, "sched_setaffinity": 122, "sched_setattr": 274,
        "setpriority": 140, "ioprio_set": 30, "prlimit64": 261, "setpgid": 154, "move_pages": 239,
        "migrate_pages": 238, "get_robust_list": 100, "kcmp": 272, "prctl": 167, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "perf_event_open": 241, "setns": 268,
        **SAME,
    },
}[platform.machine()]  # fmt: skip

HIGH_BITS = 1 << 32  # above what the kernel looks at, which a filter may compare nevertheless
PRIO_PROCESS, PRIO_PGRP, PRIO_USER = 0, 1, 2
IOPRIO_PROCESS, IOPRIO_PGRP, IOPRIO_USER, IOPRIO_IDLE = 1, 2, 3, 3 << 13
SCHED_IDLE, RLIMIT_CORE = 5, 4
PTRACE_SEIZE, CLONE_NEWUTS = 0x4206, 0x04000000
PR_SCHED_CORE, SHARE_TO = 62, 2
COLD = 20  # MADV_COLD

ABSENT = (errno.ENOSYS, errno.ENODEV, errno.ENOENT)
# What is said of arguments that are made to be wrong, once permission was given.
HARMLESS = {
    "process_vm_readv": errno.EFAULT, "process_vm_writev": errno.EFAULT, "process_madvise": errno.ENOMEM,
}  # fmt: skip


def call(name: str, *arguments: int | bytes) -> None:
    """Make a system call; raise what it failed with."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    if LIBC.syscall(ctypes.c_long(NUMBERS[name]), *words) == -1:
        number = ctypes.get_errno()
        if number != HARMLESS.get(name):
            raise OSError(number, os.strerror(number))


def no_priority() -> bytes:
    return struct.pack("i", 0)


def cpus() -> bytes:
    """Return all of them as a mask: nobody is moved."""
    return b"\xff" * 128


def attributes() -> bytes:
    return struct.pack("IIQiIQQQ", 48, SCHED_IDLE, 0, 0, 0, 0, 0, 0)


def memory(name: str, pid: int) -> None:
    """Name an address that is not mapped: a caller who may look gets EFAULT."""
    here = ctypes.create_string_buffer(8)
    local, remote = struct.pack("@PN", ctypes.addressof(here), 8), struct.pack("@PN", 4096, 8)
    call(name, pid, local, 1, remote, 1, 0)


def by_descriptor(pid: int, use: Callable[[int], object]) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        use(descriptor)
    finally:
        os.close(descriptor)


def count(pid: int) -> None:
    """Count a software clock of the process, in user mode only."""
    event = bytearray(128)
    struct.pack_into("<IIQ", event, 0, 1, 128, 0)
    struct.pack_into("<Q", event, 40, 1 << 5 | 1 << 6)
    call("perf_event_open", bytes(event), pid, -1, -1, 0)


def share_core(pid: int) -> None:
    try:
        call("prctl", PR_SCHED_CORE, SHARE_TO, pid, 0, 0)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise OSError(errno.ENOSYS, "this kernel does not schedule by core") from error
        raise


PROGRAM: dict[str, Callable[[int], object]] = {
    # Scheduling.
    "sched_setscheduler": lambda pid: call("sched_setscheduler", pid, SCHED_IDLE, no_priority()),
    "sched_setscheduler with high bits": lambda pid: call(
        "sched_setscheduler", pid | HIGH_BITS, SCHED_IDLE, no_priority()
    ),
    "sched_setparam": lambda pid: call("sched_setparam", pid, no_priority()),
    "sched_setparam with high bits": lambda pid: call("sched_setparam", pid | HIGH_BITS, no_priority()),
    "sched_setattr": lambda pid: call("sched_setattr", pid, attributes(), 0),
    "sched_setattr with high bits": lambda pid: call("sched_setattr", pid | HIGH_BITS, attributes(), 0),
    "sched_setaffinity": lambda pid: call("sched_setaffinity", pid, 128, cpus()),
    "sched_setaffinity with high bits": lambda pid: call("sched_setaffinity", pid | HIGH_BITS, 128, cpus()),
    "setpriority": lambda pid: call("setpriority", PRIO_PROCESS, pid, 19),
    "setpriority with high bits": lambda pid: call("setpriority", HIGH_BITS, pid | HIGH_BITS, 19),
    "setpriority of its group": lambda pid: call("setpriority", PRIO_PGRP, os.getpgid(pid), 19),
    "setpriority of our group": lambda _: call("setpriority", PRIO_PGRP, 0, 19),
    "setpriority of its group with high bits": lambda pid: call(
        "setpriority", PRIO_PGRP | HIGH_BITS, os.getpgid(pid), 19
    ),
    "setpriority of its user": lambda _: call("setpriority", PRIO_USER, os.getuid(), 19),
    "setpriority of our user": lambda _: call("setpriority", PRIO_USER, 0, 19),
    "ioprio_set": lambda pid: call("ioprio_set", IOPRIO_PROCESS, pid, IOPRIO_IDLE),
    "ioprio_set with high bits": lambda pid: call(
        "ioprio_set", IOPRIO_PROCESS | HIGH_BITS, pid | HIGH_BITS, IOPRIO_IDLE
    ),
    "ioprio_set of its group": lambda pid: call("ioprio_set", IOPRIO_PGRP, os.getpgid(pid), IOPRIO_IDLE),
    "ioprio_set of our group": lambda _: call("ioprio_set", IOPRIO_PGRP, 0, IOPRIO_IDLE),
    "ioprio_set of its user": lambda _: call("ioprio_set", IOPRIO_USER, os.getuid(), IOPRIO_IDLE),
    "PR_SCHED_CORE": share_core,
    # Limits and groups.
    "prlimit64": lambda pid: call("prlimit64", pid, RLIMIT_CORE, struct.pack("QQ", 0, 0), 0),
    "prlimit64 with high bits": lambda pid: call(
        "prlimit64", pid | HIGH_BITS, RLIMIT_CORE, struct.pack("QQ", 0, 0), 0
    ),
    "setpgid into its group": lambda pid: call("setpgid", 0, os.getpgid(pid)),
    "setpgid into its group with high bits": lambda pid: call("setpgid", 0, os.getpgid(pid) | HIGH_BITS),
    # Memory and what it has open.
    "move_pages": lambda pid: call("move_pages", pid, 0, 0, 0, 0, 0),
    "migrate_pages": lambda pid: call("migrate_pages", pid, 64, struct.pack("Q", 1), struct.pack("Q", 1)),
    "get_robust_list": lambda pid: call("get_robust_list", pid, bytes(8), bytes(8)),
    "process_madvise": lambda pid: by_descriptor(
        pid, lambda fd: call("process_madvise", fd, struct.pack("@PN", 4096, 4096), 1, COLD, 0)
    ),
    "process_vm_readv": lambda pid: memory("process_vm_readv", pid),
    "process_vm_writev": lambda pid: memory("process_vm_writev", pid),
    "pidfd_getfd": lambda pid: by_descriptor(pid, lambda fd: call("pidfd_getfd", fd, 0, 0)),
    "kcmp": lambda pid: call("kcmp", os.getpid(), pid, 0, 0, 0),
    "ptrace": lambda pid: call("ptrace", PTRACE_SEIZE, pid, 0, 0),
    "perf_event_open": count,
    "setns": lambda pid: by_descriptor(pid, lambda fd: call("setns", fd, CLONE_NEWUTS)),
}

ATTACKS = tuple(PROGRAM)

# What may be done to a process of one's own. A thread is named as another process is, and C libraries set the
# scheduling and affinity of threads by these calls; setpgid is job control.
ALLOWED = (
    "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity", "setpriority", "ioprio_set",
    "setpgid into its group",
)  # fmt: skip
# What init looks into nobody for, and the engine may allow or not.
UP_TO_THE_ENGINE = ("PR_SCHED_CORE", "move_pages", "migrate_pages", "get_robust_list", "process_madvise")
REFUSED = tuple(
    attack
    for attack in ATTACKS
    if attack.removesuffix(" with high bits") not in ALLOWED and attack not in UP_TO_THE_ENGINE
)


def victim() -> int:
    """Make a process that waits for ever, in a group of its own."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        while True:
            signal.pause()
    os.setpgid(child, child)
    return child


def outcome(attack: Callable[[int], object], pid: int) -> str:
    """Name what came of an attack, made by a process that ends with it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            attack(pid)
            found = "reached"
        except OSError as error:
            word = "absent" if error.errno in ABSENT else "refused"
            found = f"{word}: {errno.errorcode.get(error.errno or 0, str(error))}"
        os.write(writer, found.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="ascii") as pipe:  # noqa: PTH123 - a descriptor
        found = pipe.read()
    os.waitpid(child, 0)
    return found or "broken"


def main() -> None:
    """Print an object."""
    assert os.getpid() != 1, "PID 1 may of course do it to itself"
    found = {}
    for name, attack in PROGRAM.items():
        pid = victim() if sys.argv[1:] == ["other"] else 1
        found[name] = outcome(attack, pid)
        if pid != 1:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
