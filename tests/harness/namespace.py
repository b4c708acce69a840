"""Namespaces of a test's own, in which an ordinary user is PID 1, or root: unshare(1), user_namespaces(7)."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

# The agent, as PID 1 of the image becomes it; root, as it starts; and root with all the users there may be.
AGENT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
ROOT = ("unshare", "--user", "--map-root-user")
ROOT_OF_MANY = (*ROOT, "--map-auto", "--mount")
# /proc is that of the namespace, and all in it is killed with unshare. Signals that wait in it count for the
# user outside, too: with none left to that user, a Go program (gosu, docker) waits for ever for its threads.
PID_1 = ("--pid", "--fork", "--kill-child", "--mount-proc", "prlimit", "--sigpending=4096")


CAP_DAC_OVERRIDE = 1  # linux/capability.h

FIX = (
    "Ubuntu needs: sysctl kernel.apparmor_restrict_unprivileged_userns=0. To be root of many users takes a"
    " line in /etc/subuid and /etc/subgid, and newuidmap (package uidmap)"
)


@cache
def refusal(*command: str) -> str:
    """Return why a command that makes namespaces fails here, or nothing if it does not."""
    try:
        result = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return result.stderr.strip() or (f"exit code {result.returncode}" if result.returncode else "")


def overrides_modes() -> bool:
    """Tell whether we are root as far as files go: capabilities(7), CAP_DAC_OVERRIDE."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) >> CAP_DAC_OVERRIDE & 1)


def require(*command: str) -> None:
    """Leave the test where these namespaces cannot be made."""
    reason = refusal(*command)
    if reason:
        leave(f"no user namespace can be made here ({reason})", FIX)


def leave(what: str, fix: str) -> NoReturn:
    """Skip the test and say why and what to do; in CI it fails, for there nobody would see."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}. {fix}")
    pytest.skip(f"{what}. {fix}")
