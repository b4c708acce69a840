"""Try to read, trace and change PID 1; print {attack: outcome}. Nothing that is reached is changed."""

# Paths are arguments of system calls here.
# ruff: noqa: PTH114, PTH115, PTH208

import ctypes
import errno
import json
import os
import platform
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
LIBC.ptrace.restype = ctypes.c_long

PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_DETACH = 16, 0x4206, 17
PIDFD_OPEN, PIDFD_GETFD = 434, 438
PROCESS_VM_READV = {"x86_64": 310, "aarch64": 270}

INIT = "/proc/1"


def check(result: int) -> int:
    """Raise what a call of libc failed with."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def opened(name: str, flags: int = os.O_RDONLY) -> Callable[[], object]:
    """Open a file of PID 1, and read a byte if it is for reading."""

    def attack() -> object:
        descriptor = os.open(f"{INIT}/{name}", flags)
        try:
            return os.read(descriptor, 1) if flags == os.O_RDONLY else None
        finally:
            os.close(descriptor)

    return attack


def any_file() -> object:
    """Open some file for writing, but for those where the kernel asks who writes: attr/, and the next."""
    refused = OSError(errno.ENOENT, "no file")
    for folder, _, files in os.walk(INIT):
        for name in () if folder.endswith("/attr") else files:
            path = f"{folder}/{name}"
            if name == "timerslack_ns" or os.path.islink(path):
                continue
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError as error:
                refused = error
            else:
                return None
    raise refused


def set_timer_slack() -> object:
    """Write what a new process has anyway; the file is open to all, and the kernel asks who writes."""
    descriptor = os.open(f"{INIT}/timerslack_ns", os.O_WRONLY)
    try:
        return os.write(descriptor, b"50000")
    finally:
        os.close(descriptor)


def ptrace(request: int) -> Callable[[], object]:
    """Trace PID 1, in a child: whatever was attached is let go when the child ends."""

    def attack() -> object:
        child = os.fork()
        if child == 0:
            ctypes.set_errno(0)
            result = LIBC.ptrace(ctypes.c_long(request), ctypes.c_long(1), None, None)
            code = ctypes.get_errno() if result == -1 else 0
            if code == 0 and request == PTRACE_ATTACH:
                os.waitpid(1, 0)
                LIBC.ptrace(ctypes.c_long(PTRACE_DETACH), ctypes.c_long(1), None, None)
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            raise OSError(code, os.strerror(code))
        return None

    return attack


def read_memory() -> object:
    """Read from an address where nothing is: permission is asked about first."""
    ctypes.set_errno(0)
    buffer = ctypes.create_string_buffer(8)
    vector = ctypes.c_size_t * 2
    local, remote = vector(ctypes.addressof(buffer), 8), vector(8, 8)
    number = PROCESS_VM_READV[platform.machine()]
    try:
        return check(
            LIBC.syscall(
                number, 1, ctypes.byref(local), ctypes.c_ulong(1), ctypes.byref(remote), ctypes.c_ulong(1), 0
            )
        )
    except OSError as error:
        if error.errno == errno.EFAULT:
            return None
        raise


def take_descriptor() -> object:
    """Take PID 1's stdin."""
    ctypes.set_errno(0)
    process = check(LIBC.syscall(PIDFD_OPEN, 1, 0))
    try:
        os.close(check(LIBC.syscall(PIDFD_GETFD, process, 0, 0)))
    finally:
        os.close(process)
    return None


PROGRAM: dict[str, Callable[[], object]] = {
    "environ": opened("environ"),
    "auxv": opened("auxv"),
    "maps": opened("maps"),
    "smaps": opened("smaps"),
    "pagemap": opened("pagemap"),
    "memory, to read": opened("mem", os.O_RDONLY | os.O_CLOEXEC),
    "memory, to write": opened("mem", os.O_RDWR),
    "descriptors": lambda: os.listdir(f"{INIT}/fd"),
    "mapped files": lambda: os.listdir(f"{INIT}/map_files"),
    "root": lambda: os.listdir(f"{INIT}/root/"),
    "working folder": lambda: os.listdir(f"{INIT}/cwd/"),
    "program": lambda: os.readlink(f"{INIT}/exe"),
    "namespaces": lambda: os.readlink(f"{INIT}/ns/mnt"),
    "oom_score_adj": opened("oom_score_adj", os.O_WRONLY),
    "uid_map": opened("uid_map", os.O_WRONLY),
    "timerslack_ns": set_timer_slack,
    "any file, to write": any_file,
    "ptrace attach": ptrace(PTRACE_ATTACH),
    "ptrace seize": ptrace(PTRACE_SEIZE),
    "process_vm_readv": read_memory,
    "pidfd_getfd": take_descriptor,
}

ATTACKS = tuple(PROGRAM)


def outcome(attack: Callable[[], object]) -> str:
    """Name what came of an attack."""
    try:
        attack()
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, str(error))
        gone = error.errno in (errno.ENOENT, errno.ENOSYS, errno.EINVAL)
        return f"{'absent' if gone else 'refused'}: {name}"
    return "reached"


def main() -> None:
    """Print an object."""
    assert os.getpid() != 1, "PID 1 may of course look at itself"
    print(json.dumps({name: outcome(attack) for name, attack in PROGRAM.items()}))


if __name__ == "__main__":
    main()
