"""Giving root up: what is locked before gosu, and what the session does to itself after it."""

import os

from init.errors import SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

# Absolute: root executes nothing that a PATH could redirect.
GOSU = "/usr/sbin/gosu"

# Bit numbers from capabilities(7).
CAP_SETGID, CAP_SETUID, CAP_SETPCAP = 6, 7, 8
NEEDED = {CAP_SETGID: "SETGID", CAP_SETUID: "SETUID"}


def require_capabilities() -> int:
    """Return the effective set as a bit mask.

    Raises:
        SandboxError: root could not become the agent.
    """
    effective = effective_set()
    missing = [name for bit, name in NEEDED.items() if not effective >> bit & 1]
    if missing:
        raise SandboxError(
            f"the container starts as root without the capabilities {' and '.join(missing)}, "
            "so root cannot be given up",
            "Add them (compose.yml: cap_add, docker run: --cap-add), or start without root: --user 1000:1000",
        )
    return effective


def require_pid_one() -> None:
    """Check that no root process stays behind the agent's back.

    Raises:
        SandboxError: another program is PID 1.
    """
    if os.getpid() != 1:
        raise SandboxError(
            "another program is PID 1, which would stay root and could not pass signals on",
            "Leave out --init (compose.yml: init: true), --pid=host and shareProcessNamespace: this image "
            "brings its own init. Or start as the agent: --user 1000:1000.",
        )


def effective_set() -> int:
    """Return this process's effective capabilities as a bit mask; proc_pid_status(5)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))


def lock_down(effective: int) -> None:
    """Set no_new_privs, and leave the bounding set empty where that is allowed.

    With an empty bounding set, exec gives even root nothing (capabilities(7), "Transformation of
    capabilities during execve"), and gosu still has to change IDs. The inheritable set carries just these
    two across; the session phase empties it.
    """
    import prctl

    if effective >> CAP_SETPCAP & 1:
        prctl.cap_inheritable.setuid = True
        prctl.cap_inheritable.setgid = True
        for capability in range(_last_capability() + 1):
            prctl.capbset_drop(capability)
    prctl.set_no_new_privs(1)


def become(account: str, argv: "Sequence[str]") -> "NoReturn":
    """Replace this process by argv, run as the account, through gosu.

    Raises:
        SandboxError: gosu is not there.
    """
    try:
        os.execv(GOSU, [GOSU, account, *argv])  # noqa: S606 - exec without a shell is the point
    except OSError as error:
        raise SandboxError(f"cannot run {GOSU}: {error.strerror}", "Rebuild the image.") from error


def seal_session() -> None:
    """Do to the session what holds whichever way it was started; proc(5), prctl(2)."""
    import prctl

    prctl.set_no_new_privs(1)
    prctl.set_dumpable(0)
    # Podman's --user with --cap-add, and what lock_down() let through to gosu.
    for capabilities in (prctl.cap_effective, prctl.cap_permitted, prctl.cap_inheritable):
        capabilities.limit()
    if os.getpid() != 1:
        # Orphans come to us all the same.
        prctl.set_child_subreaper(1)


def _last_capability() -> int:
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())
