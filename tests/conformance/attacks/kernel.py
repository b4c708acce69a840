"""Knock at every door of the kernel that an agent has no business with; print {attack: outcome}.

An outcome begins with one word: `refused`, `absent` (this kernel or image has no such thing) or `reached`,
which means that the permission check was passed. Arguments are such that what lies behind is harmless,
even for root: nothing is loaded, rebooted, unmounted or written.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH108, PTH112, PTH114, PTH118, PTH123, PTH208

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import pty
import signal
import socket
import stat
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
MACHINE = platform.machine()
PATIENCE = 60  # seconds for one attack, which takes a millisecond

# Numbers from the kernel's syscall tables. From 424 on they are the same everywhere.
SAME = {
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "pidfd_open": 434, "clone3": 435,
    "pidfd_getfd": 438, "mount_setattr": 442, "quotactl_fd": 443, "open_tree_attr": 467,
}  # fmt: skip
NUMBERS = {
    "x86_64": {
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
        "clone": 56, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "socket": 41, "bpf": 321, "userfaultfd": 323, "add_key": 248, "request_key": 249, "keyctl": 250,
        "perf_event_open": 298, "kexec_load": 246, "kexec_file_load": 320, "init_module": 175,
        "delete_module": 176, "finit_module": 313, "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163,
        "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "sethostname": 170,
        "setdomainname": 171, "quotactl": 179, "open_by_handle_at": 304, "name_to_handle_at": 303,
        "lookup_dcookie": 212, "personality": 135, "ioctl": 16, "ioperm": 173, "iopl": 172,
        "modify_ldt": 154, "syslog": 103, "mknodat": 259, "fanotify_init": 300, "nfsservctl": 180,
        "vhangup": 153, **SAME,
    },
    "aarch64": {
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
        "clone": 220, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "socket": 198, "bpf": 280, "userfaultfd": 282, "add_key": 217, "request_key": 218, "keyctl": 219,
        "perf_event_open": 241, "kexec_load": 104, "kexec_file_load": 294, "init_module": 105,
        "delete_module": 106, "finit_module": 273, "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89,
        "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266, "sethostname": 161,
        "setdomainname": 162, "quotactl": 60, "open_by_handle_at": 265, "name_to_handle_at": 264,
        "lookup_dcookie": 18, "personality": 92, "ioctl": 29, "syslog": 116, "mknodat": 33,
        "fanotify_init": 262, "nfsservctl": 42, "vhangup": 58, **SAME,
    },
    # The second and third entry of an x86-64 kernel, each with numbers of its own.
    "int 0x80": {
        "mount": 21, "unshare": 310, "clone": 120, "ptrace": 26, "keyctl": 288, "add_key": 286, "bpf": 357,
        "perf_event_open": 336, "userfaultfd": 374, "modify_ldt": 123, "socket": 359, "socketcall": 102,
        "name_to_handle_at": 341, "ioctl": 54, "process_vm_readv": 347, **SAME,
    },
}  # fmt: skip
X32_BIT = 0x40000000
# What x32 numbers apart from x86-64.
X32 = {"ptrace": 521, "process_vm_readv": 539, "ioctl": 514}

CLONE_NEW = {
    "mount": 0x20000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
    "pid": 0x20000000, "network": 0x40000000, "time": 0x80,
}  # fmt: skip
AT_FDCWD = -100
HIGH_BITS = 1 << 32  # above what the kernel looks at, which a filter may compare nevertheless

# Address families besides those of files and the internet, and netlink's protocols besides routes.
FAMILIES = {
    "AX25": 3, "X25": 9, "KEY": 15, "RDS": 21, "PPPOX": 24, "LLC": 26, "CAN": 29, "TIPC": 30, "BLUETOOTH": 31,
    "ALG": 38, "VSOCK": 40, "KCM": 41, "QIPCRTR": 42, "SMC": 43, "XDP": 44,
}  # fmt: skip
NETLINK = {
    "USERSOCK": 2, "SOCK_DIAG": 4, "XFRM": 6, "AUDIT": 9, "CONNECTOR": 11, "NETFILTER": 12,
    "KOBJECT_UEVENT": 15, "GENERIC": 16, "CRYPTO": 21,
}  # fmt: skip

Outcome = str
REFUSALS = {errno.EPERM, errno.EACCES, errno.EROFS}
NOT_THERE = {errno.ENOSYS, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT}


class AbsentError(Exception):
    """This machine has no such entry."""


def outcome(failure: int | None, also_refused: tuple[int, ...] = ()) -> Outcome:
    """Name what an errno means; None is success."""
    if failure is None:
        return "reached: success"
    name = errno.errorcode.get(failure, str(failure))
    if failure in REFUSALS or failure in also_refused:
        return f"refused: {name}"
    return f"{'absent' if failure in NOT_THERE else 'reached'}: {name}"


def native(name: str, *arguments: Any) -> int | None:
    """Call by number; return the errno, or None for success."""
    table = NUMBERS.get(MACHINE, {})
    if name not in table:
        raise AbsentError(f"{name} on {MACHINE}")
    return by_number(table[name], *arguments)


def x32(name: str, *arguments: Any) -> int | None:
    """Call through the x32 numbers, which a filter for x86-64 sees as other system calls."""
    if MACHINE != "x86_64":
        raise AbsentError(f"x32 on {MACHINE}")
    return by_number(X32_BIT | X32.get(name, NUMBERS["x86_64"][name]), *arguments)


def by_number(number: int, *arguments: Any) -> int | None:
    ctypes.set_errno(0)
    if LIBC.syscall(ctypes.c_long(number), *(_word(a) for a in arguments)) == -1:
        return ctypes.get_errno()
    return None


def _word(value: Any) -> Any:
    if isinstance(value, int):
        return ctypes.c_long(value)
    # Bytes go as an address; they are kept alive by the caller's tuple.
    return ctypes.cast(ctypes.c_char_p(value), ctypes.c_void_p) if isinstance(value, bytes) else value


class Compat:
    """The 32-bit entry of x86-64: `int 0x80`, with machine code that loads its registers."""

    CODE = bytes.fromhex(
        "53"  # push rbx
        "89f8"  # mov eax, edi    the number
        "89f3"  # mov ebx, esi
        "87d1"  # xchg ecx, edx
        "4489c6"  # mov esi, r8d
        "4489cf"  # mov edi, r9d
        "cd80"  # int 0x80
        "5b"  # pop rbx
        "c3"  # ret
    )
    MAP_32BIT = 0x40

    def __init__(self) -> None:
        if MACHINE != "x86_64":
            raise AbsentError(f"int 0x80 on {MACHINE}")
        anonymous = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.code = mmap.mmap(-1, 4096, anonymous, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.code.write(self.CODE)
        # Pointers are 32 bits wide here.
        self.low = mmap.mmap(-1, 4096, anonymous | self.MAP_32BIT, mmap.PROT_READ | mmap.PROT_WRITE)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.low))
        function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 6)
        self.enter = function(ctypes.addressof(ctypes.c_char.from_buffer(self.code)))

    def __call__(self, name: str, *arguments: int | bytes) -> int | None:
        words = []
        for value in arguments:
            if isinstance(value, bytes):
                words.append(self.base + self.low.tell())
                self.low.write(value + bytes(-len(value) % 8))
            else:
                words.append(value & 0xFFFFFFFF)
        result = self.enter(NUMBERS["int 0x80"][name], *words, *[0] * (5 - len(words)))
        return -result if -4096 < result < 0 else None


def compat(name: str, *arguments: int | bytes) -> int | None:
    return Compat()(name, *arguments)


def namespace_clone(call: Callable[..., int | None], flag: int) -> int | None:
    """Fork into a namespace of one's own; the child ends at once."""
    parent = os.getpid()
    failure = call("clone", flag | signal.SIGCHLD, 0, 0, 0, 0)
    if os.getpid() != parent:
        os._exit(0)
    return failure


def namespace_clone3() -> int | None:
    arguments = struct.pack("<11Q", CLONE_NEW["user"], 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0)
    parent = os.getpid()
    failure = native("clone3", arguments, len(arguments))
    if os.getpid() != parent:
        os._exit(0)
    return failure


def set_namespace(kind: str) -> int | None:
    descriptor = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
    return native("setns", descriptor, 0)


class Victim:
    """A process of our own that waits to be looked into."""

    def __enter__(self) -> int:
        self.pid = os.fork()
        if self.pid == 0:
            signal.pause()
        return self.pid

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)


PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 0, 16, 17, 0x4206
WALL = 0x40000000


def attach(pid: int) -> int | None:
    failure = native("ptrace", PTRACE_ATTACH, pid, 0, 0)
    if failure is None:
        os.waitpid(pid, WALL)
        native("ptrace", PTRACE_DETACH, pid, 0, 0)
    return failure


def of_own(function: Callable[[int], int | None]) -> int | None:
    with Victim() as pid:
        return function(pid)


def seize(pid: int) -> int | None:
    return native("ptrace", PTRACE_SEIZE, pid, 0, 0)


def remote_memory(name: str, pid: int, call: Callable[..., int | None] = native) -> int | None:
    """Name an address that is not mapped: a caller who may look gets EFAULT."""
    here = ctypes.create_string_buffer(8)
    local = struct.pack("@PN", ctypes.addressof(here), 8)
    remote = struct.pack("@PN", 4096, 8)
    return call(name, pid, local, 1, remote, 1, 0)


def take_descriptor(pid: int) -> int | None:
    # os.pidfd_open is refused by nobody; what it gives away is pidfd_getfd's.
    return native("pidfd_getfd", os.pidfd_open(pid), 0, 0)


def open_file(path: str, flags: int) -> Outcome:
    """Open, write nothing. What an engine masks is the null device, which is as good as refused."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return "absent: ENOENT"
    except OSError as error:
        return outcome(error.errno)
    try:
        return "refused: masked" if _is_null(os.fstat(descriptor)) else "reached: opened"
    finally:
        os.close(descriptor)


def read_something(path: str) -> Outcome:
    """Read, and tell whether anything came."""
    found = open_file(path, os.O_RDONLY)
    if not found.startswith("reached"):
        return found
    try:
        if os.path.isdir(path):
            names = os.listdir(path)
            return f"reached: {', '.join(names[:3])}" if names else "absent: empty"
        with open(path, "rb", buffering=0) as file:
            return "reached: read" if file.read(64) else "absent: empty"
    except OSError as error:
        return outcome(error.errno)


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3)


def open_any(*roots: str, but: tuple[str, ...] = ()) -> Outcome:
    """Try to open every file below these folders for writing; name the first that opens."""
    count = 0
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = [f for f in folders if not os.path.join(folder, f).startswith(but)]
            for path in (os.path.join(folder, file) for file in files):
                if path.startswith(but) or os.path.islink(path):
                    continue
                count += 1
                if open_file(path, os.O_WRONLY).startswith("reached"):
                    return f"reached: {path}"
    return f"refused: all {count} files" if count else "absent: no file"


def kernel_addresses() -> Outcome:
    try:
        with open("/proc/kallsyms", encoding="ascii") as file:
            addresses = [line.split()[0] for line, _ in zip(file, range(100), strict=False)]
    except FileNotFoundError:
        return "absent: ENOENT"
    except OSError as error:
        return outcome(error.errno)
    return "reached: addresses" if any(int(a, 16) for a in addresses) else "refused: zeros"


CAP_SYS_RESOURCE = 24


def lower_oom_score() -> int | None:
    with open("/proc/self/status", encoding="utf-8") as status:
        held = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    if os.geteuid() == 0 and not held >> CAP_SYS_RESOURCE & 1:
        raise AbsentError("root itself has no CAP_SYS_RESOURCE here")
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("-1000")
    except OSError as error:
        return error.errno
    return None


def in_terminal(request: int, argument: bytes, call: Callable[..., int | None] = native) -> int | None:
    """Make an ioctl request of the terminal that we are the session of."""
    _, follower = pty.openpty()
    os.setsid()
    fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
    return call("ioctl", follower, request, argument)


TIOCSTI, TIOCLINUX = 0x5412, 0x541C
# A line discipline that swallows everything, or N_TTY where the kernel lacks it; no other may open it.
TIOCSETD, N_NULL, TIOCEXCL = 0x5423, 27, 0x540C


def raw_socket(family: int, kind: int, protocol: int = 0) -> int | None:
    return native("socket", family, kind, protocol)


def any_socket(family: int, protocol: int = 0) -> Outcome:
    """Ask for each kind of socket of a family; what gets furthest counts."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)
    found = [outcome(native("socket", family, kind, protocol)) for kind in kinds]
    return next((o for word in ("reached", "refused") for o in found if o.startswith(word)), found[0])


def socketcall(family: int, kind: int, protocol: int) -> int | None:
    """Pass socket(2)'s arguments in memory, where no filter can look."""
    return compat("socketcall", 1, struct.pack("<3I", family, kind, protocol))


def unprivileged_map(call: Callable[..., int | None] = native) -> int | None:
    """Create an array of one element: BPF_MAP_CREATE."""
    attributes = struct.pack("<5I", 2, 4, 4, 1, 0).ljust(72, b"\0")
    return call("bpf", 0, attributes, len(attributes))


def count_own_clock(call: Callable[..., int | None] = native) -> int | None:
    """Count our own software clock, in user mode only, which the kernel's default lets anyone do."""
    attributes = bytearray(128)
    struct.pack_into("<IIQ", attributes, 0, 1, 128, 0)
    struct.pack_into("<Q", attributes, 40, 1 << 5 | 1 << 6)  # exclude_kernel, exclude_hv
    return call("perf_event_open", bytes(attributes), 0, -1, -1, 0)


def clock_to_now() -> int | None:
    now = time.clock_gettime_ns(time.CLOCK_REALTIME)
    return native("clock_settime", time.CLOCK_REALTIME, struct.pack("@ll", *divmod(now, 10**9)))


def timex(name: str, *leading: int) -> int | None:
    """Ask for a tick that is out of range, which is looked at after the permission."""
    ADJ_TICK = 0x4000  # noqa: N806 - the kernel's name
    return native(name, *leading, struct.pack("<I", ADJ_TICK).ljust(256, b"\0"))


def make_device() -> int | None:
    path = f"/tmp/null-{os.getpid()}".encode()  # noqa: S108 - a device, or nothing
    failure = native("mknodat", AT_FDCWD, path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with suppress(OSError):
        os.unlink(path)
    return failure


def handle_of_root() -> int | None:
    return native(
        "name_to_handle_at", AT_FDCWD, b"/", struct.pack("<Ii", 128, 0).ljust(136, b"\0"), bytes(8), 0
    )


def file_by_handle() -> int | None:
    """Open the root directory of the disk by its inode number, as the `shocker` escape does."""
    handle = struct.pack("<Ii", 8, 1) + struct.pack("<II", 2, 0)
    descriptor = os.open("/etc/hosts", os.O_RDONLY)
    return native("open_by_handle_at", descriptor, handle, os.O_RDONLY)


def io_uring(name: str, *arguments: Any, call: Callable[..., int | None] = native) -> int | None:
    failure = call(name, *arguments)
    with suppress(OSError), open("/proc/sys/kernel/io_uring_disabled", encoding="ascii") as switch:
        if failure == errno.EPERM and switch.read().strip() == "2":
            raise AbsentError("kernel.io_uring_disabled is 2")
    return failure


def keyring(call: Callable[..., int | None] = native) -> int | None:
    return call("keyctl", 0, -3, 0)


NS_OF_SETNS = ("mnt", "uts", "ipc", "net", "pid", "cgroup")

# Each returns an errno, None for success, or an outcome in words.
ATTACKS: dict[str, Callable[[], int | Outcome | None]] = {
    # Mounts.
    "mount": lambda: native("mount", b"none", b"/mnt", b"tmpfs", 0, 0),
    "mount of cgroups": lambda: native("mount", b"none", b"/mnt", b"cgroup2", 0, 0),
    "umount": lambda: native("umount2", b"/tmp", 0),
    "pivot_root": lambda: native("pivot_root", b"/", b"/"),
    "chroot": lambda: native("chroot", b"/"),
    "fsopen": lambda: native("fsopen", b"tmpfs", 0),
    "fsmount": lambda: native("fsmount", -1, 0, 0),
    "fspick": lambda: native("fspick", AT_FDCWD, b"/", 0),
    "move_mount": lambda: native("move_mount", -1, b"", -1, b"", 0),
    "open_tree": lambda: native("open_tree", AT_FDCWD, b"/", 1),
    "open_tree_attr": lambda: native("open_tree_attr", AT_FDCWD, b"/", 1, bytes(32), 32),
    "mount_setattr": lambda: native("mount_setattr", AT_FDCWD, b"/", 0, bytes(32), 32),
    # Namespaces.
    **{f"unshare of the {name} namespace": partial(native, "unshare", flag)
       for name, flag in CLONE_NEW.items()},
    "clone into a user namespace": lambda: namespace_clone(native, CLONE_NEW["user"]),
    "clone into a network namespace": lambda: namespace_clone(native, CLONE_NEW["network"]),
    "clone3 into a user namespace": namespace_clone3,
    **{f"setns to the {kind} namespace": partial(set_namespace, kind) for kind in NS_OF_SETNS},
    # Other processes.
    "ptrace attach to PID 1": lambda: attach(1),
    "ptrace seize of PID 1": lambda: seize(1),
    "process_vm_readv of PID 1": lambda: remote_memory("process_vm_readv", 1),
    "process_vm_writev of PID 1": lambda: remote_memory("process_vm_writev", 1),
    "pidfd_getfd of PID 1": lambda: take_descriptor(1),
    "the memory of PID 1": lambda: open_file("/proc/1/mem", os.O_RDWR),
    "the environment of PID 1": lambda: read_something("/proc/1/environ"),
    "the files of PID 1": lambda: read_something("/proc/1/fd"),
    "ptrace seize of another process": lambda: of_own(seize),
    "ptrace as a traced child": lambda: native("ptrace", PTRACE_TRACEME, 0, 0, 0),
    "process_vm_readv of another process": lambda: of_own(lambda p: remote_memory("process_vm_readv", p)),
    "process_vm_writev of another process": lambda: of_own(lambda p: remote_memory("process_vm_writev", p)),
    "pidfd_getfd of another process": lambda: of_own(take_descriptor),
    "kcmp of another process": lambda: of_own(lambda p: native("kcmp", os.getpid(), p, 0, 0, 0)),
    # Sockets.
    "raw IPv4 socket": lambda: raw_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw IPv6 socket": lambda: raw_socket(socket.AF_INET6, socket.SOCK_RAW, 58),
    "packet socket": lambda: raw_socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
    "packet socket without headers": lambda: raw_socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0x0300),
    **{f"socket of AF_{name}": partial(any_socket, family) for name, family in FAMILIES.items()},
    "socket of AF_VSOCK with high bits": lambda: any_socket(40 | HIGH_BITS),
    **{f"netlink socket of {name}": partial(any_socket, socket.AF_NETLINK, protocol)
       for name, protocol in NETLINK.items()},
    "netlink socket of NETFILTER with high bits": lambda: any_socket(
        socket.AF_NETLINK | HIGH_BITS, 12 | HIGH_BITS
    ),
    # What the kernel runs for its callers.
    "bpf": unprivileged_map,
    "io_uring_setup": lambda: io_uring("io_uring_setup", 1, ctypes.create_string_buffer(120)),
    "io_uring_enter": lambda: io_uring("io_uring_enter", -1, 0, 0, 0, 0, 0),
    "io_uring_register": lambda: io_uring("io_uring_register", -1, 0, 0, 0),
    "userfaultfd": lambda: native("userfaultfd", os.O_CLOEXEC | 1),
    "the device of userfaultfd": lambda: open_file("/dev/userfaultfd", os.O_RDWR),
    "keyctl": keyring,
    "add_key": lambda: native("add_key", b"user", b"conformance", b"x", 1, -2),
    "request_key": lambda: native("request_key", b"user", b"conformance-none", 0, -2),
    "perf_event_open": count_own_clock,
    "fanotify_init": lambda: native("fanotify_init", 0x200, 0),
    "modify_ldt": lambda: native("modify_ldt", 0, ctypes.create_string_buffer(64), 64),
    "personality without address randomization": lambda: native("personality", 0x0040000),
    "lookup_dcookie": lambda: native("lookup_dcookie", 0, ctypes.create_string_buffer(8), 8),
    "nfsservctl": lambda: native("nfsservctl", 0, 0, 0),
    # The machine.
    # No flags have this value and no image that many segments.
    "kexec_load": lambda: native("kexec_load", 0, 1000, 0, 0xFFFF),
    "kexec_file_load": lambda: native("kexec_file_load", -1, -1, 0, 0, 0xFF00),
    "init_module": lambda: native("init_module", 0, 0, b""),
    "finit_module": lambda: native("finit_module", -1, b"", 0),
    "delete_module": lambda: native("delete_module", b"conformance_none", os.O_NONBLOCK),
    "reboot": lambda: native("reboot", 0, 0, 0, 0),  # without its magic numbers
    "swapon": lambda: native("swapon", 0, 0),
    "swapoff": lambda: native("swapoff", 0),
    "acct": lambda: native("acct", 1),  # an address that is not mapped
    "settimeofday": lambda: native("settimeofday", 0, 0),
    "clock_settime": clock_to_now,
    "adjtimex": lambda: timex("adjtimex"),
    "clock_adjtime": lambda: timex("clock_adjtime", time.CLOCK_REALTIME),
    "sethostname": lambda: native("sethostname", b"x", -1),
    "setdomainname": lambda: native("setdomainname", b"x", -1),
    "quotactl": lambda: native("quotactl", 0x800001 << 8 & 0xFFFFFFFF, 0, 0, 0),
    "quotactl_fd": lambda: native("quotactl_fd", -1, 0x800001 << 8 & 0xFFFFFFFF, 0, 0),
    "open_by_handle_at": file_by_handle,
    "name_to_handle_at": handle_of_root,
    "ioperm": lambda: native("ioperm", 0x80, 1, 1),
    "iopl": lambda: native("iopl", 3),
    "syslog": lambda: native("syslog", 3, ctypes.create_string_buffer(16), 16),
    "vhangup": lambda: native("vhangup"),
    "mknod of a device": make_device,
    # The user's terminal. EIO is what a kernel without TIOCSTI says.
    "TIOCSTI": lambda: outcome(in_terminal(TIOCSTI, b"x"), (errno.EIO,)),
    "TIOCSTI with high bits": lambda: outcome(in_terminal(TIOCSTI | HIGH_BITS, b"x"), (errno.EIO,)),
    "TIOCLINUX": lambda: in_terminal(TIOCLINUX, b"\x06"),
    "TIOCSETD": lambda: in_terminal(TIOCSETD, struct.pack("i", N_NULL)),
    "TIOCSETD with high bits": lambda: in_terminal(TIOCSETD | HIGH_BITS, struct.pack("i", N_NULL)),
    "TIOCEXCL": lambda: in_terminal(TIOCEXCL, b""),
    # What the kernel shows as files.
    "writing of core_pattern": lambda: open_file("/proc/sys/kernel/core_pattern", os.O_WRONLY),
    "writing below /proc/sys": lambda: open_any("/proc/sys"),
    "writing of sysrq-trigger": lambda: open_file("/proc/sysrq-trigger", os.O_WRONLY),
    # Anyone may ask /proc/pressure to be told of a shortage.
    "writing of other kernel files below /proc": lambda: open_any(
        "/proc", but=("/proc/sys/", "/proc/self", "/proc/thread-self", "/proc/pressure",
                      *(f"/proc/{n}" for n in range(1, 10)))
    ),
    "writing below /sys": lambda: open_any("/sys/kernel", "/sys/power", "/sys/module", "/sys/class"),
    "writing of cgroups": lambda: open_any("/sys/fs/cgroup"),
    "lowering of the OOM score": lower_oom_score,
    "reading of kcore": lambda: read_something("/proc/kcore"),
    "reading of kernel addresses": kernel_addresses,
    "reading of keys": lambda: read_something("/proc/keys"),
    "reading of timer_list": lambda: read_something("/proc/timer_list"),
    "reading of sched_debug": lambda: read_something("/proc/sched_debug"),
    "reading of kmsg": lambda: open_file("/proc/kmsg", os.O_RDONLY),
    "reading of the firmware": lambda: read_something("/sys/firmware"),
    "listing of debugfs": lambda: read_something("/sys/kernel/debug"),
    # Ways around a filter that knows the native numbers only.
    **{f"{what} through {way}": attack for way, call in (("int 0x80", compat), ("x32", x32))
       for what, attack in {
           "mount": lambda c=call: c("mount", b"none\0", b"/mnt\0", b"tmpfs\0", 0, 0),
           "unshare": lambda c=call: c("unshare", CLONE_NEW["user"]),
           "clone": lambda c=call: namespace_clone(c, CLONE_NEW["user"]),
           "ptrace": lambda c=call: c("ptrace", PTRACE_TRACEME, 0, 0, 0),
           "keyctl": lambda c=call: keyring(c),
           "bpf": lambda c=call: unprivileged_map(c),
           "io_uring": lambda c=call: io_uring("io_uring_register", -1, 0, 0, 0, call=c),
           "perf_event_open": lambda c=call: count_own_clock(c),
           "userfaultfd": lambda c=call: c("userfaultfd", os.O_CLOEXEC | 1),
           "modify_ldt": lambda c=call: c("modify_ldt", 0, bytes(64), 64),
           "AF_VSOCK": lambda c=call: c("socket", 40, socket.SOCK_STREAM, 0),
           "netlink": lambda c=call: c("socket", socket.AF_NETLINK, socket.SOCK_RAW, 12),
           "TIOCSTI": lambda c=call: outcome(in_terminal(TIOCSTI, b"x", c), (errno.EIO,)),
       }.items()},
    # int 0x80 only: one number for all of the socket calls.
    "AF_VSOCK through socketcall": lambda: socketcall(40, socket.SOCK_STREAM, 0),
    "AF_ALG through socketcall": lambda: socketcall(38, socket.SOCK_SEQPACKET, 0),
    "netlink through socketcall": lambda: socketcall(socket.AF_NETLINK, socket.SOCK_RAW, 12),
}  # fmt: skip


def run(*words: str) -> None:
    if os.spawnv(os.P_WAIT, words[0], words) != 0:  # noqa: S606 - no shell is the point
        raise ChildProcessError(words[0])


def run_from_memory() -> None:
    # Not one of coreutils: they may be one program, which goes by the name it is called by.
    descriptor = os.memfd_create("bash", 0)
    with open("/bin/bash", "rb") as program:
        os.write(descriptor, program.read())
    run(f"/proc/self/fd/{descriptor}", "-c", ":")


def start_thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def in_thread(call: Callable[[], int]) -> None:
    """Have a thread set something of its own, which libraries do by its number."""
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    if results != [0]:
        raise OSError(results[0], os.strerror(abs(results[0])))


def talk(family: int, kind: int, address: Any) -> None:
    """Bind, connect and send to oneself."""
    with socket.socket(family, kind) as server, socket.socket(family, kind) as client:
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen()
        client.connect(server.getsockname())
        client.send(b"x")


def window_size() -> None:
    _, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    fcntl.ioctl(follower, termios.TIOCGWINSZ, bytes(8))


def watch() -> None:
    if LIBC.inotify_add_watch(LIBC.inotify_init(), b"/tmp", 2) < 0:
        raise OSError(ctypes.get_errno(), "inotify_add_watch")


# What every tool and compiler needs, and a filter may break: each raises where it does not work.
ORDINARY: dict[str, Callable[[], object]] = {
    "a program": lambda: run("/bin/true"),
    "a program in memory": run_from_memory,
    "a thread": start_thread,
    "a TCP connection": lambda: talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
    "a UDP packet": lambda: talk(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
    "a Unix socket": lambda: talk(socket.AF_UNIX, socket.SOCK_STREAM, f"\0conformance-{os.getpid()}"),
    "a pair of sockets": socket.socketpair,
    "the list of interfaces": socket.if_nameindex,
    "the list of routes": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "a process descriptor": lambda: os.pidfd_open(os.getpid()),
    "a terminal's size": window_size,
    "executable memory": lambda: mmap.mmap(
        -1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "a named pipe": lambda: os.mkfifo(f"/tmp/pipe-{os.getpid()}"),  # noqa: S108 - gone with the container
    "a watch for changes": watch,
    "lower priority": lambda: os.nice(1),
    "the affinity of a thread": lambda: in_thread(
        lambda: LIBC.pthread_setaffinity_np(ctypes.c_ulong(threading.get_ident()), 128, b"\xff" * 128)
    ),
    "the scheduling of a thread": lambda: in_thread(
        lambda: LIBC.pthread_setschedparam(
            ctypes.c_ulong(threading.get_ident()), os.SCHED_BATCH, struct.pack("i", 0)
        )
    ),
    "the priority of a thread": lambda: in_thread(
        lambda: LIBC.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
    ),
    "nice": lambda: run("/usr/bin/nice", "-n", "5", "/bin/true"),
    "taskset": lambda: run("/usr/bin/taskset", "--cpu-list", "0-1023", "/bin/true"),
    "ionice": lambda: run("/usr/bin/ionice", "--class", "3", "/bin/true"),
    "chrt": lambda: run("/usr/bin/chrt", "--idle", "0", "/bin/true"),
    "renice of oneself": lambda: run("/bin/bash", "-c", "renice --priority 15 --pid $$ >/dev/null"),
    "job control": lambda: run("/bin/bash", "-c", "set -m; (exit 0) & wait $!"),
}


def attempt(attack: Callable[[], int | Outcome | None]) -> Outcome:
    """Run one attack in a process of its own; a signal is an outcome as well."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(PATIENCE)
        try:
            found = attack()
            text = found if isinstance(found, str) else outcome(found)
        except AbsentError as reason:
            text = f"absent: {reason}"
        except Exception as error:
            text = f"broken: {error!r}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if text:
        return text
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    # Without a 32-bit entry, `int 0x80` is a fault.
    words = {signal.SIGSYS: "refused", signal.SIGSEGV: "absent"}
    return f"{words.get(signal.Signals(number), 'broken') if number else 'broken'}: signal {number}"


def works(use: Callable[[], object]) -> Outcome:
    use()
    return "works"


def main(names: list[str]) -> None:
    """Run the named attacks, or all; `--ordinary`: what must work."""
    if names == ["--ordinary"]:
        found = {name: attempt(partial(works, use)) for name, use in ORDINARY.items()}
    else:
        found = {name: attempt(ATTACKS[name]) for name in names or ATTACKS}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
