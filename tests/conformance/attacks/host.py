"""Look for anything of the host from inside; print what was found as one object.

Arguments: a word that is in the command line of a process of the host, and the name of an abstract socket
on which one listens there.
"""

# Paths are what the kernel's tables say here.
# ruff: noqa: PTH115, PTH118, PTH123, PTH208

import json
import os
import socket
import stat
import sys

NAMESPACES = ("pid", "net", "ipc", "uts", "cgroup")
# Where engines and other programs of a host put their sockets: looked through, not written.
PLACES = ("/run", "/var", "/tmp", "/dev", "/mnt", "/media", "/srv", "/opt", "/home")  # noqa: S108
ENGINES = ("docker", "containerd", "podman", "crio", "kubelet", "buildkit")
# What a container's own kernel makes, whichever host it is on.
KERNEL_FILESYSTEMS = {"proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"}


def namespaces() -> dict[str, str]:
    """Return the namespaces this process is in."""
    return {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in NAMESPACES}


def host_mounts() -> dict[str, str]:
    """Return the mounts of a folder or file of another filesystem: where it is, and what it is there.

    See proc_pid_mountinfo(5): the fourth field is the root of the mount within its filesystem.
    """
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            fields = line.split()
            root, place, kind = fields[3], fields[4], fields[fields.index("-") + 1]
            own = place == "/" or kind in KERNEL_FILESYSTEMS or (kind == "tmpfs" and root in ("/", "/null"))
            if not own:
                found[place] = f"{root} ({kind})"
    return found


def processes(word: str) -> list[int]:
    """Return the processes in whose command line the word stands, but for ourselves."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if f"marker={word}".encode() in words:
            found.append(int(pid))
    return found


def devices() -> dict[str, str]:
    """Return the device files below /dev, but for terminals, and what kind they are."""
    found = {}
    for folder, _, names in os.walk("/dev"):
        for path in (os.path.join(folder, name) for name in names):
            try:
                status = os.lstat(path)
            except FileNotFoundError:  # a terminal that was closed
                continue
            if folder != "/dev/pts" and (stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)):
                number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
                found[path] = f"{'block' if stat.S_ISBLK(status.st_mode) else 'character'} {number}"
    return found


def sockets() -> dict[str, str]:
    """Return the sockets that somebody listens on or could, and how a connection ended."""
    found = {}
    for place in PLACES:
        for folder, _, names in os.walk(place):
            for path in (os.path.join(folder, name) for name in names):
                try:
                    is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
                except OSError:
                    continue
                if is_socket or any(path.endswith(f"/{engine}.sock") for engine in ENGINES):
                    found[path] = connect(path)
    return found


def connect(address: str) -> str:
    """Connect to a socket of the file system, or one of the abstract names, which begin with a NUL."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(address)
        except OSError as error:
            return error.strerror or str(error)
    return "reached"


def abstract_names() -> list[str]:
    """Return the abstract sockets that can be seen: those of the network namespace; containerd had some."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        return sorted({line.split()[7] for line in table if "@" in line})


def main() -> None:
    """Print what was found."""
    word, name = sys.argv[1:]
    with open("/proc/self/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    with open("/proc/1/cmdline", "rb") as file:
        first = file.read().decode(errors="replace").split("\0")
    print(
        json.dumps(
            {
                "namespaces": namespaces(),
                "mounts": host_mounts(),
                "marked": processes(word),
                "first": first,
                "devices": devices(),
                "sockets": sockets(),
                "abstract": abstract_names(),
                "connected": connect(f"\0{name}"),
                "groups": sorted(set(os.getgroups()) - {os.getgid()}),
                "capabilities": {key: int(status[key], 16) for key in status if key.startswith("Cap")},
                "hostname": os.uname().nodename,
                "interfaces": [name for _, name in socket.if_nameindex()],
            }
        )
    )


if __name__ == "__main__":
    main()
