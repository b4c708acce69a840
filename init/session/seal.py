"""What a session gives up by itself, whichever way it was started, and whom it takes in."""

from __future__ import annotations

import os

import prctl

from init.errors import SandboxError
from init.session import syscall_filter


def session(seccomp: str, init: int) -> None:
    """Do to the session what holds whichever way it was started; proc(5), prctl(2), seccomp(2).

    Args:
        seccomp: `on`, `debug` to leave debuggers what they need, or `off`.
        init: who the session's init is, whom nothing in it may slow down.

    Raises:
        SandboxError: the kernel takes no filter.
    """
    prctl.set_no_new_privs(1)
    prctl.set_dumpable(0)
    # Podman's --user with --cap-add, and what privileges.lock_down() let through to gosu.
    for capabilities in (prctl.cap_effective, prctl.cap_permitted, prctl.cap_inheritable):
        capabilities.limit()
    calls(seccomp, init)


def calls(seccomp: str, init: int) -> None:
    """Install the filter of system calls; no_new_privs must be set.

    Args:
        seccomp: as session() takes it.
        init: as session() takes it.

    Raises:
        SandboxError: the kernel takes no filter.
    """
    if seccomp == "off":
        return
    try:
        syscall_filter.refuse(debugging=seccomp == "debug", init=init, group=os.getpgid(init))
    except (OSError, RuntimeError) as error:
        raise SandboxError(
            f"the seccomp filter cannot be installed: {error}",
            "Emulators (Rosetta, QEMU) install none, nor does a kernel without CONFIG_SECCOMP_FILTER."
            " SANDBOX_SECCOMP=off starts without it; the engine's own profile stays.",
        ) from error


def adopt_orphans() -> None:
    """Have orphans come to us also where we are not PID 1; prctl(2), PR_SET_CHILD_SUBREAPER."""
    if os.getpid() != 1:
        prctl.set_child_subreaper(1)
