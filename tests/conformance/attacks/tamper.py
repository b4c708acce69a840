"""Try to change what a later start executes or reads, and to read what is secret; print {attack: outcome}.

Nothing is changed for good, even where an attack succeeds: what is mounted may be somebody's own file.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH101, PTH104, PTH106, PTH108, PTH112, PTH116, PTH120, PTH208

import ctypes
import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress

LIBC = ctypes.CDLL(None, use_errno=True)
MS_BIND, MNT_DETACH = 4096, 2
AWAY = "/home/agent/workspace/.hard-link"

# What the table of the tests calls it: where it is, the first that is there. `=` names a program on PATH.
TARGETS = {
    "the entry point": ("/opt/sandbox/__main__.py", "/entrypoint.sh", "/usr/local/bin/entrypoint.sh"),
    "the folder of PID 1's program": ("/opt/sandbox", "/usr/local/bin"),
    "a module of PID 1": ("/opt/sandbox/init/__main__.py",),
    "a library of PID 1": ("/opt/sandbox/yaml/__init__.py",),
    "compiled code of PID 1": ("/opt/sandbox/init/__pycache__",),
    "the interpreter": ("=python3",),
    "the standard library": (os.__file__,),
    "gosu": ("=gosu",),
    "bash": ("=bash",),
    "a tool": ("=opencode", "=node"),
    "the folder of tools": ("/opt/tools/bin", "/usr/local/bin"),
    "the folder of programs": ("/usr/bin",),
    "the dynamic linker's list": ("/etc/ld.so.preload",),
    "the dynamic linker's cache": ("/etc/ld.so.cache",),
    "the C library": ("/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"),
    "the accounts": ("/etc/passwd",),
    "the groups": ("/etc/group",),
    "the passwords": ("/etc/shadow",),
    "the shells' profile": ("/etc/profile",),
    "the folder of profiles": ("/etc/profile.d",),
    "git's configuration": ("/etc/gitconfig",),
    "the name server": ("/etc/resolv.conf",),
    "the hosts": ("/etc/hosts",),
    "the tools' definitions": ("/etc/sandbox/config/tools.yml",),
    "the configuration": ("/etc/sandbox/config",),
    "commands and skills": ("/etc/sandbox/opencode",),
    "the root folder": ("/",),
}

SECRETS = {
    "the passwords": "/etc/shadow",
    "the groups' passwords": "/etc/gshadow",
    "the passwords before the last change": "/etc/shadow-",
    "root's home": "/root",
    "the kernel's log": "/proc/kmsg",
    "the kernel's memory": "/proc/kcore",
}

ATTACKS = tuple(TARGETS)
READ = tuple(SECRETS)


def check(result: int) -> None:
    """Raise what a call of libc failed with."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def write(path: str) -> None:
    """Open for writing; a folder by making a file in it."""
    if os.path.isdir(path):
        create(f"{path}/.planted")
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW))
    except OSError as error:
        # It is being run: whoever may not write is told so before.
        if error.errno != errno.ETXTBSY:
            raise


def create(path: str) -> None:
    """Make a file that is not there, and take it away again."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def rename(path: str) -> None:
    """Move it away and back."""
    os.rename(path, f"{path}.moved")
    os.rename(f"{path}.moved", path)


def remove(path: str) -> None:
    """Ask for what cannot be, rmdir of a file or unlink of a folder: permission is asked about first."""
    try:
        os.unlink(path) if os.path.isdir(path) else os.rmdir(path)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.EISDIR, errno.EBUSY):
            raise


def beside(path: str) -> None:
    """Put another file beside it."""
    create(f"{os.path.dirname(path)}/.planted")


def chmod(path: str) -> None:
    """Set the permissions that it has."""
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))


def chown(path: str) -> None:
    """Set the owner that it has, which is the owner's and root's to do."""
    status = os.stat(path)
    os.chown(path, status.st_uid, status.st_gid)


def link(path: str) -> None:
    """Make a hard link in the workspace."""
    os.link(path, AWAY)
    os.unlink(AWAY)


def link_nearby(path: str) -> None:
    """Make a hard link in a folder of the same filesystem, if the agent has one there."""
    os.link(path, "/home/agent/.hard-link")
    os.unlink("/home/agent/.hard-link")


def mount_over(path: str) -> None:
    """Mount something else over it."""
    source = b"/dev/null" if not os.path.isdir(path) else b"/dev"
    check(LIBC.mount(source, path.encode(), None, ctypes.c_ulong(MS_BIND), None))
    LIBC.umount2(path.encode(), MNT_DETACH)


OPERATIONS: dict[str, Callable[[str], None]] = {
    "write": write,
    "rename": rename,
    "remove": remove,
    "put beside": beside,
    "chmod": chmod,
    "chown": chown,
    "hard link": link,
    "hard link nearby": link_nearby,
    "mount over": mount_over,
}


def place(candidates: tuple[str, ...]) -> str:
    """Return the first that is there, or the first of all."""
    for candidate in candidates:
        found = shutil.which(candidate[1:]) if candidate[0] == "=" else candidate
        if found and os.path.lexists(found):
            return os.path.realpath(found)
    return candidates[0]


def attack(operation: Callable[[str], None], path: str) -> str:
    """Name what came of one operation."""
    try:
        operation(path)
    except OSError as error:
        return f"refused: {errno.errorcode.get(error.errno or 0, str(error))}"
    return "reached"


def tamper(candidates: tuple[str, ...]) -> dict[str, str]:
    """Try each operation; of what is not there, to make it."""
    path = place(candidates)
    if path.startswith("="):
        return {"path": path, "find it": "absent"}
    if not os.path.lexists(path):
        return {"path": path, "create": attack(create, path)}
    # The root folder has no name that could be changed.
    names = [name for name in OPERATIONS if path != "/" or name in ("write", "chmod", "chown", "mount over")]
    return {"path": path, **{name: attack(OPERATIONS[name], path) for name in names}}


def read(path: str) -> str:
    """Open a file, or list a folder."""

    def operation(path: str) -> None:
        if os.path.isdir(path):
            os.listdir(path)
        else:
            os.close(os.open(path, os.O_RDONLY))

    return attack(operation, path) if os.path.lexists(path) else "absent"


def main() -> None:
    """Print an object."""
    for leftover in (AWAY, "/home/agent/.hard-link"):
        with suppress(FileNotFoundError):
            os.unlink(leftover)
    found = {
        "tamper": {name: tamper(candidates) for name, candidates in TARGETS.items()},
        "read": {name: read(path) for name, path in SECRETS.items()},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
