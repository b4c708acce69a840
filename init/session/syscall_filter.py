"""The system calls that nobody in the session may make: a seccomp filter of our own, seccomp(2).

It stands in front of the engine's, so that it also holds where that is missing or weaker (Kubernetes without
a profile, an old engine, seccomp=unconfined). What is refused has no use in development and a history of
ways out of a container; all else is allowed.
"""

from __future__ import annotations

import errno

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOW_WORD = 0xFFFFFFFF


class Bits(Record):
    """An argument's bits under a mask have this value; the kernel reads 32 bits where a filter sees 64."""

    argument: int
    value: int
    mask: int = LOW_WORD


class Other(Record):
    """An argument is not this value."""

    argument: int
    value: int


class Rule(Record):
    """A call that is refused: always, or where all the conditions hold."""

    name: str
    conditions: tuple[Bits | Other, ...] = ()
    error: int = errno.EPERM


# What they are for, each with the calls: mounts and roots, namespaces, kernel code, the machine's state,
# keys that no namespace keeps apart, files by handle, and interfaces whose faults have been ways to root.
REFUSED = (
    "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
    "open_tree", "open_tree_attr", "mount_setattr",
    "setns",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf",
    "reboot", "swapon", "swapoff", "acct", "settimeofday", "clock_settime", "sethostname", "setdomainname",
    "syslog", "vhangup", "quotactl", "quotactl_fd", "ioperm", "iopl", "nfsservctl", "lookup_dcookie",
    "keyctl", "add_key", "request_key",
    "name_to_handle_at", "open_by_handle_at",
    "userfaultfd", "fanotify_init", "modify_ldt",
)  # fmt: skip

# What a debugger needs, and one process can do to another with.
DEBUGGING = (
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "perf_event_open",
)  # fmt: skip

# Programs that would like these ask first and go on without: told that the kernel has none, they do.
ABSENT = ("io_uring_setup", "io_uring_enter", "io_uring_register", "clone3")

# Newer than a library may know; the same on every architecture.
NUMBERS = {"quotactl_fd": 443, "open_tree_attr": 467}

# CLONE_NEW*, clone(2): NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, and NEWTIME, which is
# part of the signal's number in clone().
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
NEW_TIME_NAMESPACE = 0x80

# socket(2): local, IPv4, IPv6, and of netlink only what lists one's own interfaces.
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
FAMILIES, NETLINK_PROTOCOLS = range(64), range(1, 32)
SOCK_TYPE, SOCK_RAW = 0xF, 3

# What would reach the user's terminal, or outlive the session in it: ioctl_tty(2). TIOCSTI and TIOCLINUX put
# words into it as if typed. TIOCSETD sets a line discipline, which may swallow all that is written (N_NULL),
# and loads kernel code with a history of ways to root. TIOCEXCL keeps everybody else from opening it. Modes
# are not refused, since Terminal.take() undoes them; TIOCCONS, TIOCSLCKTRMIOS, TIOCVHANGUP take a capability.
TERMINAL = {"TIOCEXCL": 0x540C, "TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSETD": 0x5423}

# What getpgid(2) tells of a group whose leader is in another PID namespace: nobody can join it.
NO_GROUP = 0

# What sets the scheduling of the process or thread that its first argument names.
SCHEDULING = ("sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity")
# setpriority(2), ioprio_set(2): the value of the first argument for one process, a group, a user.
PRIORITIES = {"setpriority": (0, 1, 2), "ioprio_set": (1, 2, 3)}


def rules(*, debugging: bool, init: int, group: int) -> Iterator[Rule]:
    """Yield what is refused.

    Args:
        debugging: whether debuggers shall work in the session.
        init: who the session's init is.
        group: its process group.
    """
    for name in REFUSED + (() if debugging else DEBUGGING):
        yield Rule(name)
    for name in ABSENT:
        yield Rule(name, error=errno.ENOSYS)
    for flag in NAMESPACES:
        yield Rule("clone", (Bits(0, flag, flag),))
    for flag in (*NAMESPACES, NEW_TIME_NAMESPACE):
        yield Rule("unshare", (Bits(0, flag, flag),))
    # The limits of another process: PID 1 has the agent's UID, and would die of some.
    yield Rule("prlimit64", (Other(0, 0),))
    yield from _of_init(init, group)
    for command in TERMINAL.values():
        yield Rule("ioctl", (Bits(1, command),))
    for call in ("socket", "socketpair"):
        for family in FAMILIES:
            if family not in (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK):
                yield Rule(call, (Bits(0, family),))
        for protocol in NETLINK_PROTOCOLS:
            yield Rule(call, (Bits(0, AF_NETLINK), Bits(2, protocol)))
        for family in (AF_INET, AF_INET6):
            yield Rule(call, (Bits(0, family), Bits(1, SOCK_RAW, SOCK_TYPE)))


def _of_init(init: int, group: int) -> Iterator[Rule]:
    """Yield what would slow, move or starve the session's init, which has the agent's UID.

    By its number, for a program names its own threads by theirs, and no filter can tell them from another
    process: pthread_setaffinity_np(3), pthread_setschedparam(3). Init has no other thread. PID 1 may be
    somebody else (`docker run --init`) who passes signals on to init.
    """
    for pid in sorted({1, init}):
        for call in SCHEDULING:
            yield Rule(call, (Bits(0, pid),))
        for call, (one, _, _) in PRIORITIES.items():
            yield Rule(call, (Bits(0, one), Bits(1, pid)))
    # A group's or a user's reach init too, whoever is named: it may be in the group, and is of the user.
    for call, (_, *many) in PRIORITIES.items():
        for which in many:
            yield Rule(call, (Bits(0, which),))
    # In its group a process would have the terminal where init asks the user something.
    for leader in sorted({1, group} - {NO_GROUP}):
        yield Rule("setpgid", (Bits(1, leader),))


def refuse(*, debugging: bool, init: int, group: int) -> None:
    """Install the filter for this process and all that come of it, for good; no_new_privs must be set.

    Programs of another architecture (32-bit ones, x32) find no system call at all: one of theirs takes its
    arguments from memory, where no filter can look.

    Args:
        debugging: whether debuggers shall work in the session.
        init: who the session's init is.
        group: its process group.

    Raises:
        OSError: the kernel refuses it.
    """
    import seccomp

    installed = seccomp.SyscallFilter(seccomp.ALLOW)
    installed.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.ERRNO(errno.ENOSYS))
    for rule in rules(debugging=debugging, init=init, group=group):
        conditions = [
            seccomp.Arg(c.argument, seccomp.MASKED_EQ, c.mask, c.value)
            if isinstance(c, Bits)
            else seccomp.Arg(c.argument, seccomp.NE, c.value)
            for c in rule.conditions
        ]
        call = _number(rule.name)
        if call is not None:
            installed.add_rule(seccomp.ERRNO(rule.error), call, *conditions)
    installed.load()


def _number(name: str) -> int | None:
    """Return a call's number, None for one that this architecture does not have."""
    import seccomp

    known: int = seccomp.resolve_syscall(seccomp.Arch(), name)
    # Negative ones stand for calls of other architectures.
    return known if known >= 0 else NUMBERS.get(name)
