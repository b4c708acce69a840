"""Try to gain a user, a group or a capability, or to shed what forbids it; print {attack: outcome}.

Each attempt is made in a process of its own, and what counts is what /proc says afterwards.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH123

import ctypes
import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 22, 38, 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_SETUID = 7
SETUID = 1 << CAP_SETUID

Status = dict[str, str]


def call(name: str, *arguments: Any) -> None:
    """Call a function of libc; raise what it fails with."""
    ctypes.set_errno(0)
    if getattr(LIBC, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set the lower word of each set, and empty the upper."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(effective, permitted, inheritable, 0, 0, 0)
    call("capset", header, data)


def raise_ambient() -> None:
    """Make a capability survive exec, as far as it is held."""
    with suppress(OSError):
        capset(SETUID, SETUID, SETUID)
    call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0)


def status() -> Status:
    """Return this process's /proc/PID/status."""
    with open("/proc/self/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def has(field: str) -> Callable[[Status], bool]:
    """Ask whether 0 is among the IDs of a field."""
    return lambda found: "0" in found[field].split()


def holds(field: str) -> Callable[[Status], bool]:
    """Ask whether a capability set holds anything."""
    return lambda found: int(found[field], 16) != 0


def is_off(field: str) -> Callable[[Status], bool]:
    """Ask whether a switch is at 0."""
    return lambda found: found[field] == "0"


CALLS: dict[str, tuple[Callable[[], object], Callable[[Status], bool]]] = {
    "setuid(0)": (lambda: os.setuid(0), has("Uid")),
    "seteuid(0)": (lambda: os.seteuid(0), has("Uid")),
    "setreuid(0, 0)": (lambda: os.setreuid(0, 0), has("Uid")),
    "setresuid(0, 0, 0)": (lambda: os.setresuid(0, 0, 0), has("Uid")),
    "setfsuid(0)": (lambda: call("setfsuid", 0), has("Uid")),
    "setgid(0)": (lambda: os.setgid(0), has("Gid")),
    "setegid(0)": (lambda: os.setegid(0), has("Gid")),
    "setregid(0, 0)": (lambda: os.setregid(0, 0), has("Gid")),
    "setresgid(0, 0, 0)": (lambda: os.setresgid(0, 0, 0), has("Gid")),
    "setfsgid(0)": (lambda: call("setfsgid", 0), has("Gid")),
    "setgroups([0])": (lambda: os.setgroups([0]), has("Groups")),
    "capset to permitted and effective": (lambda: capset(SETUID, SETUID, 0), holds("CapEff")),
    "capset to inheritable": (lambda: capset(0, 0, SETUID), holds("CapInh")),
    "an ambient capability": (raise_ambient, holds("CapAmb")),
    "no_new_privs switched off": (
        lambda: call("prctl", PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), is_off("NoNewPrivs"),
    ),
    "seccomp switched off": (lambda: call("prctl", PR_SET_SECCOMP, 0, 0, 0, 0), is_off("Seccomp")),
}  # fmt: skip

# Programs whose trade it is, as far as the image has them.
PROGRAMS = {
    "gosu root": ("gosu", "root", "id", "-u"),
    "su": ("su", "-c", "id -u"),
    "sudo": ("sudo", "-n", "id", "-u"),
    "doas": ("doas", "-n", "id", "-u"),
    "pkexec": ("pkexec", "id", "-u"),
    "setpriv": ("setpriv", "--reuid=0", "id", "-u"),
}

ATTACKS = (*CALLS, *PROGRAMS)


def by_call(attempt: Callable[[], object], gained: Callable[[Status], bool]) -> str:
    """Make the attempt in a child; return what came of it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        refusal = "no error, and nothing changed"
        try:
            attempt()
        except OSError as error:
            refusal = errno.errorcode.get(error.errno or 0, str(error))
        found = status()
        names = ("Uid", "Gid", "Groups", "CapInh", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp")
        what = ", ".join(f"{name} {' '.join(found[name].split())}" for name in names)
        os.write(writer, (f"reached: {what}" if gained(found) else f"refused: {refusal}").encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text or "refused: the process was killed"


def by_program(words: tuple[str, ...]) -> str:
    """Run a program that is to tell user 0; return what came of it."""
    path = shutil.which(words[0], path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        return f"absent: no {words[0]}"
    result = subprocess.run(
        [path, *words[1:]], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100, check=False
    )
    if result.stdout.strip() == "0":
        return f"reached: {' '.join(words)} is root"
    return f"refused: {(result.stderr or result.stdout).strip()[-200:] or result.returncode}"


def main() -> None:
    """Print an object."""
    found = {name: by_call(*attack) for name, attack in CALLS.items()}
    found |= {name: by_program(words) for name, words in PROGRAMS.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
