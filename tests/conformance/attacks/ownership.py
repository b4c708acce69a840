"""Trees that a start which gives files away may stumble over; each command is one side of the attack.

lay, many and race are made as root in a container of their own; session is what the agent sees afterwards.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH102, PTH112, PTH114, PTH116, PTH123, PTH208, PTH211

import ctypes
import errno
import itertools
import json
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2

TREE = "/home/agent/workspace/tree"
DEPTH = 5000
PAIRS = 1000
HOARD = 100 << 20
PATIENCE = 300.0  # seconds, after which a start is watched no longer
LINKS = {"to-folder": "/victim", "to-file": "/victim/file", "to-shadow": "/etc/shadow", "to-self": "to-self"}
NAMES = (
    b"a b", b"new\nline", b"invalid \xff\xfe utf-8", b"-rf", b"--reference=to-shadow", b"*", b"$(id)",
    b"'", b'"', b"\\", b"\x1b[31m", b"x" * 255, "\u202e".encode(),
)  # fmt: skip
# Harmless to open, and not among those that an engine lets a container open.
KERNEL_LOG = os.makedev(1, 11)
SPECIAL = ("fifo", "socket")
DEVICES = ("null device", "kernel log")


def lay(root: str) -> None:
    """Make a tree of root's in which everything is odd."""
    base = os.fsencode(root)
    for name, target in LINKS.items():
        os.symlink(target, f"{root}/{name}")
    for raw in NAMES:
        os.mkdir(base + b"/" + raw, 0o700)
        with open(base + b"/" + raw + b"/file", "wb"):
            pass
    os.mkfifo(f"{root}/fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{root}/socket")
    os.umask(0)
    os.mknod(f"{root}/null device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(f"{root}/kernel log", stat.S_IFCHR | 0o666, KERNEL_LOG)
    deep(root, "deep", str(DEPTH))


def deep(root: str, name: str, depth: str) -> None:
    """Make folders of one name, each in the one before."""
    os.chdir(root)
    for _ in range(int(depth) + 1):
        os.mkdir(name)
        os.chdir(name)
        name = "d" if name == "deep" else name
    with open("bottom", "w"):
        pass


def plain(root: str) -> None:
    """Make one file."""
    with open(f"{root}/file", "w"):
        pass


def empty(root: str) -> None:
    """Remove what is in a folder, however deep: an engine cannot remove a volume that holds such a tree."""
    here = os.open(root, os.O_RDONLY)
    names: list[str] = []
    while True:
        below = None
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    below = entry.name
                    break
                os.unlink(entry.name, dir_fd=here)
        if below is None and not names:
            break
        then = os.open(below or "..", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = then
        if below is None:
            os.rmdir(names.pop(), dir_fd=here)
        else:
            names.append(below)


def look(root: str) -> dict[str, list[int]]:
    """Return who owns what, down any number of folders."""
    found: dict[str, list[int]] = {}

    def note(name: str, status: os.stat_result) -> None:
        # Of the deep ones the last counts, and whoever differs from the rest is noted as well.
        found[name] = [status.st_uid, status.st_gid]

    note(".", os.lstat(root))
    for name in sorted(os.listdir(root)):
        path = f"{root}/{name}"
        note(name, os.lstat(path))
        if name != "deep" and os.path.isdir(path) and not os.path.islink(path):
            for child in os.listdir(path):
                note(f"{name}/{child}", os.lstat(f"{path}/{child}"))
    if "deep" in found:
        for depth, status in enumerate(_down(f"{root}/deep")):
            if [status.st_uid, status.st_gid] != found["deep"] or depth >= DEPTH:
                note(f"deep/{depth}", status)
    return found


def _down(path: str) -> Iterator[os.stat_result]:
    here = os.open(path, os.O_RDONLY)
    while True:
        yield os.fstat(here)
        names = os.listdir(here)
        if "d" not in names:
            break
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    for name in names:
        yield os.stat(name, dir_fd=here, follow_symlinks=False)
    os.close(here)


def session(root: str) -> dict[str, str]:
    """Tell as the agent who we are, whose the password file is, and what can be got by these files."""
    shadow = os.stat("/etc/shadow")

    def attempt(path: str, *link: str) -> str:
        try:
            if link:
                os.link(path, link[0])
            else:
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        except OSError as error:
            return f"refused: {errno.errorcode.get(error.errno or 0, str(error))}"
        return "reached"

    return {
        "identity": f"{os.getuid()}:{os.getgid()}",
        "shadow": f"{shadow.st_uid}:{shadow.st_gid}",
        "kernel log": attempt(f"{root}/kernel log"),
        "hard link to another's file": attempt("/victim/file", f"{root}/hard link"),
        "hard link within a mount": attempt("/victim/file", "/victim/hard link"),
    }


def pairs(root: str) -> None:
    """Make folders, and beside each a link to the victim, to be exchanged."""
    for number in range(PAIRS):
        os.mkdir(f"{root}/folder-{number:05}")
        with open(f"{root}/folder-{number:05}/file", "w"):
            pass
        os.symlink("/victim", f"{root}/link-{number:05}")


def race(root: str) -> None:
    """Exchange folders and links for ever."""
    os.chdir(root)
    names = [(f"folder-{n:05}".encode(), f"link-{n:05}".encode()) for n in range(PAIRS)]
    exchange = LIBC.renameat2
    for count in itertools.count(1):
        for one, other in names:
            if exchange(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == -1:
                sys.exit(os.strerror(ctypes.get_errno()))
        if count % 100 == 1:
            print(f"{count * len(names)} exchanges", flush=True)


def many(root: str, number: str) -> None:
    """Make that many empty files, a thousand to a folder."""
    os.chdir(root)
    for worker in range(2):
        if os.fork() == 0:
            for folder in range(worker, int(number) // 1000, 2):
                os.mkdir(str(folder))
                here = os.open(str(folder), os.O_RDONLY)
                for name in range(1000):
                    os.mknod(str(name), 0o600 | stat.S_IFREG, dir_fd=here)
                os.close(here)
            os._exit(0)
    for _ in range(2):
        os.wait()


def peak(samples: str = "0") -> dict[str, int]:
    """Watch PID 1 while it is root; return the most memory it had, in KiB, and how often it was looked at."""
    found = {"kib": 0, "samples": 0}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and (samples == "0" or found["samples"] < int(samples)):
        try:
            with open("/proc/1/status") as file:
                fields = dict(line.split(":", 1) for line in file)
        except ProcessLookupError:
            return found
        if fields["Uid"].split()[1] != "0":
            return found
        found["kib"] = max(found["kib"], int(fields["VmHWM"].split()[0]))
        found["samples"] += 1
        time.sleep(0.005)
    return found


def hoard() -> None:
    """Take more memory than a start may, and wait."""
    held = bytearray(HOARD)
    held[::4096] = b"x" * (HOARD // 4096)
    print("ready", flush=True)
    signal.pause()


def main() -> None:
    """Run the command, and print what it returns."""
    command, *arguments = sys.argv[1:]
    commands: dict[str, Callable[..., object]] = {
        "lay": lay, "plain": plain, "look": look, "session": session, "pairs": pairs, "race": race,
        "many": many, "peak": peak, "deep": deep, "empty": empty, "hoard": hoard,
    }  # fmt: skip
    print(json.dumps(commands[command](*arguments)))


if __name__ == "__main__":
    main()
