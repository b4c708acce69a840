"""What a container is given of the machine, as seen from inside: found in about a millisecond."""

from __future__ import annotations

import os
import stat

from init.record import Record
from init.root import exposures, user_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from init.mounts import Mount

# The kernel's own numbers of its first namespaces: linux/proc_ns.h.
FIRST_IPC_NAMESPACE, FIRST_PID_NAMESPACE = 4026531839, 4026531836
# The kernel has these settings once, and shows them in its first network namespace alone.
OF_FIRST_NETWORK = "/proc/sys/net/core/dev_weight"
# What an engine mounts read-only, or covers; with --privileged it does not.
STEERS = ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger")
# By Kubernetes into each pod, unless the pod says no.
CLUSTER_TOKEN = "/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - its path

# Nothing of the machine's files is in these; a tmpfs may be its /run.
_KERNELS = ("proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "nsfs", "devtmpfs", "securityfs")
# What an engine mounts in here is its own.
_ENGINES = ("/dev/", "/proc/", "/sys/")
# Root, and root of the machine as a user namespace shows it.
_ROOTS = (0, user_namespace.OVERFLOW)
# Folders below /dev whose files are no devices, or only terminals.
_NO_DEVICES = ("pts", "shm", "mqueue")
_MOST_DEVICES = 4096
# Seconds that a socket of an unknown name has to tell whether it is an engine's.
_PATIENCE = 0.1
_ASK, _ANSWERS = b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n", (b"docker", b"libpod", b"api-version")


class Device(Record):
    """A device file; its numbers say which device it is."""

    path: str
    block: bool
    major: int
    minor: int


class Surroundings(Record):
    """What is seen of the machine.

    Attributes:
        mounts: the mount table.
        marks: by folder of root's that is mounted, those of exposures.LANDMARKS that are in it.
        sockets: by path, which socket of the machine is mounted there.
        sockets_in_folders: those of exposures.IN_FOLDERS that are in a folder that is mounted.
        engines: those of the sockets that answer as an engine does, whatever their name.
        devices: the device files in /dev.
        writable: files that steer the kernel, and are on a filesystem that can be written.
        real_root: whether root here is root of the machine.
        host_network: whether the network is the machine's.
        host_processes: whether the processes are the machine's.
        cluster_token: path of the token for Kubernetes' API, "" where there is none.
    """

    mounts: tuple[Mount, ...] = ()
    marks: Mapping[str, frozenset[str]] = {}
    sockets: Mapping[str, str] = {}
    sockets_in_folders: tuple[str, ...] = ()
    engines: frozenset[str] = frozenset()
    devices: tuple[Device, ...] = ()
    writable: tuple[str, ...] = ()
    real_root: bool = True
    host_network: bool = False
    host_processes: bool = False
    cluster_token: str = ""


def look(table: Iterable[Mount]) -> Surroundings:
    """Look around; what may not be looked at is out of the agent's reach as well."""
    table = tuple(table)
    there = {mount: found for mount in table if mount.kind not in _KERNELS and (found := _status(mount.path))}
    folders = {
        mount: found.st_uid
        for mount, found in there.items()
        if stat.S_ISDIR(found.st_mode) and not f"{mount.path}/".startswith(_ENGINES) and mount.path != "/"
    }
    sockets = {mount.path: mount.root for mount, found in there.items() if stat.S_ISSOCK(found.st_mode)}
    return Surroundings(
        mounts=table,
        marks={
            mount.path: _marks(mount.path)
            for mount, owner in folders.items()
            if owner in _ROOTS and mount.kind != "tmpfs"
        },
        sockets=sockets,
        sockets_in_folders=tuple(filter(_is_served, _places(mount.path for mount in folders))),
        engines=frozenset(
            path
            for path, source in sockets.items()
            if not exposures.gives_control(source) and _is_engine(path)
        ),
        devices=tuple(_devices("/dev")),
        writable=tuple(filter(_can_be_written, STEERS)),
        real_root=user_namespace.on_host(user_namespace.read_map(), 0) == 0,
        host_network=os.path.exists(OF_FIRST_NETWORK),
        host_processes=is_in("pid", FIRST_PID_NAMESPACE),
        cluster_token=CLUSTER_TOKEN if os.path.exists(CLUSTER_TOKEN) else "",
    )


def is_in(kind: str, number: int) -> bool:
    """Tell whether this process is in the namespace of this number: namespaces(7)."""
    try:
        return os.readlink(f"/proc/self/ns/{kind}") == f"{kind}:[{number}]"
    except OSError:
        # gVisor does not have all of them.
        return False


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _marks(folder: str) -> frozenset[str]:
    return frozenset(name for name in exposures.LANDMARKS if os.path.lexists(f"{folder}/{name}"))


def _places(folders: Iterable[str]) -> Iterator[str]:
    return (f"{folder}/{name}" for folder in folders for name in exposures.IN_FOLDERS)


def _is_served(path: str) -> bool:
    """Tell whether somebody listens: an agent may have left a file of this name, a socket, or a link to one.

    Who may not ask takes it for one.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and _converse(path, b"") is not None


def _is_engine(path: str) -> bool:
    answer = _converse(path, _ASK) or b""
    return any(word in answer.lower() for word in _ANSWERS)


def _converse(path: str, words: bytes) -> bytes | None:
    """Connect and say something; return the answer, or None where nobody listens."""
    import _socket

    client = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        client.settimeout(_PATIENCE)
        client.connect(path)
        if not words:
            return b""
        client.send(words)
        return client.recv(4096)
    except ConnectionRefusedError:
        return None
    except OSError:
        return b""
    finally:
        client.close()


def _devices(folder: str, deeper: int = 2) -> Iterator[Device]:
    try:
        names = os.listdir(folder)[:_MOST_DEVICES]
    except OSError:
        return
    for path in (f"{folder}/{name}" for name in names if name not in _NO_DEVICES):
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
            numbers = os.major(status.st_rdev), os.minor(status.st_rdev)
            yield Device(path, stat.S_ISBLK(status.st_mode), *numbers)
        elif deeper and stat.S_ISDIR(status.st_mode):
            yield from _devices(path, deeper - 1)


def _can_be_written(path: str) -> bool:
    """Tell whether the filesystem lets it; who may is another question."""
    try:
        mode = os.stat(path).st_mode
        # What is covered is the null device.
        return stat.S_ISREG(mode) and not os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError:
        return False
