"""Ways out of a container that was opened on purpose; print {attack: outcome}, as kernel.py does.

Arguments: the flag's path, a word in the command line of a process of the host, and names of attacks.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH112, PTH116, PTH120, PTH123, PTH208

import ctypes
import errno
import fcntl
import json
import os
import shutil
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
REFUSALS = {errno.EPERM, errno.EACCES, errno.EROFS}

ENGINE = "/var/run/docker.sock"
# clone(2): NEWNS, NEWCGROUP, NEWUSER.
OWN_NAMESPACES = 0x20000 | 0x2000000 | 0x10000000
# Of version 1; one that version 2 has cannot be mounted.
CONTROLLERS = ("memory", "pids", "rdma", "misc", "net_cls", "perf_event")
SIOCADDRT, RTF_UP, RTF_HOST = 0x890B, 1, 4

FLAG, MARKER, *NAMES = sys.argv[1:]


def outcome(failure: int) -> str:
    name = errno.errorcode.get(failure, str(failure))
    return f"{'refused' if failure in REFUSALS else 'absent'}: {name}"


def opened(path: str, flags: int) -> str:
    """Open, and write nothing."""
    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC))
    return f"reached: {path}"


def engine() -> str:
    status = os.stat(ENGINE)
    if os.geteuid() and (status.st_mode & stat.S_IWOTH or status.st_uid == os.geteuid()):
        return "absent: the socket's mode lets everybody in, or it is the agent's own"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(ENGINE)
        client.sendall(b"GET /version HTTP/1.0\r\nHost: engine\r\n\r\n")
        return f"reached: {client.recv(15).decode(errors='replace')}"


def disk() -> str:
    """Open disks until one opens."""
    failures = ["absent: no disk"]
    for folder, _, names in os.walk("/dev"):
        for path in (f"{folder}/{name}" for name in names):
            try:
                if stat.S_ISBLK(os.lstat(path).st_mode):
                    return opened(path, os.O_RDONLY)
            except OSError as error:
                failures.append(outcome(error.errno or 0))
    return failures[-1]


def release_agent() -> str:
    """Mount control groups of version 1, in a user namespace if need be; open what the kernel would run."""
    if os.geteuid() and LIBC.unshare(OWN_NAMESPACES):
        return outcome(ctypes.get_errno())
    for controller in CONTROLLERS:
        place = tempfile.mkdtemp()
        if LIBC.mount(b"none", place.encode(), b"cgroup", 0, controller.encode()) == 0:
            try:
                return opened(f"{place}/release_agent", os.O_WRONLY)
            finally:
                LIBC.umount2(place.encode(), 2)
    return outcome(ctypes.get_errno())


def process() -> str:
    """Read a file of the host by the root of a process that is root's there."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if f"marker={MARKER}".encode() in words:
            return opened(f"/proc/{pid}/root/etc/hostname", os.O_RDONLY)
    return "absent: the process is not seen"


def tar() -> str:
    """Open what `tar` is, and the folder that it is in, for writing."""
    path = os.path.realpath(shutil.which("tar") or "/usr/bin/tar")
    for folder in os.environ["PATH"].split(":"):
        # What comes first on PATH wins.
        if os.path.isdir(folder) and os.access(folder, os.W_OK):
            return f"reached: {folder}"
        if os.path.dirname(path) == os.path.realpath(folder):
            break
    return opened(path, os.O_WRONLY)


def route() -> str:
    """Send 127.0.0.2 out of the container: route(7), rtentry of net/route.h."""
    address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("127.0.0.2"))
    none = struct.pack("=HH4s8x", socket.AF_INET, 0, bytes(4))
    device = ctypes.create_string_buffer(b"eth0")
    entry = struct.pack(
        "@L16s16s16sHhLPhPLLH", 0, address, none, none, RTF_UP | RTF_HOST, 0, 0, 0, 0,
        ctypes.addressof(device), 0, 0, 0,
    )  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCADDRT, entry)
    return "reached: the route is set"


ATTACKS: dict[str, Callable[[], str]] = {
    "the engine": engine,
    "the flag": lambda: opened(f"/host{FLAG}", os.O_RDONLY),
    "writing of the flag": lambda: opened(f"/host{FLAG}", os.O_WRONLY),
    "a disk": disk,
    "release_agent": release_agent,
    "root of a process": process,
    "another tar": tar,
    "a route for the loopback": route,
}


def attempt(attack: Callable[[], str]) -> str:
    try:
        return attack()
    except OSError as error:
        return outcome(error.errno or 0)


if __name__ == "__main__":
    print(json.dumps({name: attempt(ATTACKS[name]) for name in NAMES}))
