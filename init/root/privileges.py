"""Giving root up: what is locked before gosu, and gosu.

prctl is loaded where it is used: it compiles against libcap, and only the image has it.
"""

from __future__ import annotations

import os
import sys

from init import paths
from init.errors import SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from init.accounts import Identity

# Absolute: root executes nothing that a PATH could redirect.
GOSU = "/usr/sbin/gosu"
# -I and -S: no environment variable, no .pth file and no sitecustomize has a say.
INTERPRETER = (sys.executable, "-I", "-S")


def require_capabilities() -> None:
    """Check that root can become the agent.

    Raises:
        SandboxError: it could not.
    """
    import prctl

    held = prctl.cap_effective
    missing = [name for name in ("SETGID", "SETUID") if not getattr(held, name.lower())]
    if missing:
        raise SandboxError(
            f"the container starts as root without the capabilities {' and '.join(missing)}, "
            "so root cannot be given up",
            "Add them (compose.yml: cap_add, docker run: --cap-add), or start without root: --user 1000:1000",
        )


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


def lock_down() -> None:
    """Set no_new_privs, and leave the bounding set empty where that is allowed.

    With an empty bounding set, exec gives even root nothing (capabilities(7), "Transformation of
    capabilities during execve"), and gosu still has to change IDs. The inheritable set carries just these
    two across; the session phase empties it.
    """
    import prctl

    if prctl.cap_effective.setpcap:
        prctl.cap_inheritable.setuid = True
        prctl.cap_inheritable.setgid = True
        for capability in range(_last_capability() + 1):
            prctl.capbset_drop(capability)
    prctl.set_no_new_privs(1)


def become(agent: Identity, program: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by one of the image's Python programs, as the agent and in no other group.

    Where a signal asks us to end, the process ends with 128 + n: gosu would lose it (signals.py says why).

    Raises:
        SandboxError: the image is not whole.
    """
    user = f"{agent.uid}:{agent.gid}"
    argv = [paths.BLOCK_SIGNALS, GOSU, user, paths.BLOCK_SIGNALS, *INTERPRETER, program, *arguments]
    try:
        os.execv(paths.BLOCK_SIGNALS, argv)  # noqa: S606 - exec without a shell is the point
    except OSError as error:
        raise SandboxError(
            f"cannot run {paths.BLOCK_SIGNALS}: {error.strerror}", "Rebuild the image."
        ) from error


def _last_capability() -> int:
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())
