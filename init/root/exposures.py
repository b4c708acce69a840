"""What a container was given that leads out of it: it stops the start, unless the user allows it by name.

Root is given up and no capability is left, so most of it leads nowhere: docs/escape-benchmark.md tells what
still does. But one wall alone is then left between the agent and the machine.
"""

from __future__ import annotations

from init import log, paths
from init.errors import SandboxError
from init.record import Record
from init.settings import UNSAFE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from init.mounts import Mount
    from init.root.surroundings import Device, Surroundings

# Whoever may talk to one of these has programs started on the machine: engines, virtual machines' managers,
# systemd, and D-Bus, by which systemd is asked. Where one is in its usual folder, with that folder.
CONTROL = (
    "docker.sock", "docker.sock.raw", "docker.raw.sock", "docker.proxy.sock", "podman.sock",
    "containerd.sock", "crio.sock", "cri-dockerd.sock", "buildkitd.sock", "balena-engine.sock",
    "libvirt-sock", "lxd/unix.socket", "incus/unix.socket", "systemd/private", "system_bus_socket", "bus",
)  # fmt: skip
# Where they are in a folder that is mounted: /run, the user's /run/user/1000, or home.
IN_FOLDERS = (
    "docker.sock", "podman/podman.sock", "containerd/containerd.sock", "crio/crio.sock",
    "libvirt/libvirt-sock", "systemd/private", "dbus/system_bus_socket", "bus", ".docker/desktop/docker.sock",
)  # fmt: skip

# What only the folders of a machine hold, which are root's; one line is one kind of folder.
STATE = (
    ("the machine's settings", ("passwd", "shadow", "group")),
    ("Docker's own data", ("containers", "volumes", "network", "image")),
    ("Docker's own data", ("containers", "volumes", "network", "engine-id")),
    ("Docker's own data", ("docker/containers", "docker/volumes", "docker/network")),
    ("Docker's own data", ("lib/docker/containers", "lib/docker/volumes", "lib/docker/network")),
    ("containerd's own data", ("io.containerd.metadata.v1.bolt",)),
    ("containerd's own data", ("containerd/io.containerd.metadata.v1.bolt",)),
    ("Podman's own data", ("overlay-containers", "overlay-images")),
    ("kubelet's own data", ("pods", "plugins_registry")),
)
SYSTEM = ("etc/passwd", "usr/bin", "var/lib", "proc", "sys")
# What of a filesystem the root of a machine may be: all of it, a subvolume as distributions call it, or one
# of ostree's.
ROOTS, DEPLOYMENTS = ("/", "/@", "/@rootfs", "/root"), "/ostree/deploy/"
BOOT = ("grub/grub.cfg", "grub2/grub.cfg", "loader/loader.conf")
# All that surroundings.py looks for in a folder of root's.
LANDMARKS = tuple(dict.fromkeys((*SYSTEM, *BOOT, *(name for _, names in STATE for name in names))))

# Filesystems by which the kernel is steered where they can be written. Control groups of version 1 name a
# program that the kernel runs (release_agent), those of version 2 do not.
STEERING = ("sysfs", "cgroup", "debugfs", "tracefs", "efivarfs", "bpf", "binfmt_misc", "configfs")

# Character devices: the machine's memory and ports, keyboards that a program plays, disks by SCSI's commands.
# Not /dev/kvm, tun, fuse, GPUs, sound, cameras, serial lines: each has its use, and is no way out by itself.
CHARACTERS = {
    (1, 1): "memory", (1, 2): "memory", (1, 4): "ports", (10, 223): "a keyboard", (10, 239): "a keyboard",
}  # fmt: skip
SCSI = 21


class Exposure(Record):
    """One kind of what leads out.

    Attributes:
        name: as SANDBOX_ALLOW_UNSAFE has it, one of settings.UNSAFE.
        found: what was found of it, for the user.
    """

    name: str
    found: tuple[str, ...]


def find(around: Surroundings) -> tuple[Exposure, ...]:
    """Tell what leads out of this container, in the order of settings.UNSAFE."""
    folders = _folders(around)
    around = _beside(around, folders)
    looked: dict[str, Iterable[str]] = {
        "engine-socket": _sockets(around),
        "host-root": [f"{path}, {what}" for path, what in folders.items()],
        "host-network": ["the machine's network"] if around.host_network else [],
        "host-processes": ["the machine's processes"] if around.host_processes else [],
        "devices": _devices(around),
        "kernel-files": _kernel_files(around),
        "cluster-token": [around.cluster_token] if around.cluster_token else [],
    }
    found = ((name, tuple(dict.fromkeys(looked[name]))) for name in UNSAFE)
    return tuple(Exposure(name, what) for name, what in found if what)


def require(found: Iterable[Exposure], allowed: Iterable[str]) -> tuple[Exposure, ...]:
    """Stop where something leads out that is not allowed; return what is.

    Args:
        found: what find() returned.
        allowed: names of SANDBOX_ALLOW_UNSAFE.

    Raises:
        SandboxError: names all of it, and how to go on.
    """
    found, allowed = tuple(found), frozenset(allowed)
    refused = [exposure for exposure in found if exposure.name not in allowed]
    if refused:
        names = ",".join([*sorted(allowed), *(exposure.name for exposure in refused)])
        raise SandboxError(
            f"the container is given what leads out of it: {'; '.join(map(describe, refused))}",
            "Take it out of compose.override.yml, the options of docker run, or the pod. If the agent may "
            f"have it, and perhaps the machine: SANDBOX_ALLOW_UNSAFE={names}. See docs/escape-benchmark.md.",
        )
    return found


def require_places(around: Surroundings) -> None:
    """Stop where the machine stands in the place of the user's folders, whatever is allowed.

    Raises:
        SandboxError: root's files of the machine would become the agent's.
    """
    for path, what in _folders(around).items():
        if f"{path}/".startswith((f"{paths.WORKSPACE}/", f"{paths.DATA}/")):
            raise SandboxError(
                f"{path} is {what}: its files would become the agent's",
                "Mount a folder of your own there (WORKSPACE_DIR, DATA_DIR), and this one elsewhere.",
            )


def tell(found: Iterable[Exposure]) -> None:
    """Warn of what the user allowed."""
    for exposure in found:
        log.warning(
            f"the agent has {describe(exposure)}, which may lead out of the container: "
            "SANDBOX_ALLOW_UNSAFE allows it"
        )


def describe(exposure: Exposure) -> str:
    """Return one exposure in words."""
    first, more = exposure.found[:3], len(exposure.found) - 3
    return f"{exposure.name} ({', '.join(first)}{f' and {more} more' if more > 0 else ''})"


def gives_control(socket: str) -> bool:
    """Tell whether a socket of the machine is one of CONTROL, by its path there."""
    return f"/{socket}".endswith(tuple(f"/{name}" for name in CONTROL))


def _sockets(around: Surroundings) -> Iterator[str]:
    for path, source in around.sockets.items():
        if path in around.engines or gives_control(source):
            yield path
    yield from around.sockets_in_folders


def _folders(around: Surroundings) -> dict[str, str]:
    """Return the folders of the machine that lead to its root, and what they are."""
    found: dict[str, str] = {}
    for mount in around.mounts:
        if mount.kind == "proc":
            own = mount.path == "/proc" or mount.path.startswith("/proc/")
            what = "" if own else "by which the machine's files are reached"
        else:
            what = _state(mount, around.marks.get(mount.path, frozenset()))
        if what and not _is_below(mount.path, found):
            found[mount.path] = what
    return found


def _beside(around: Surroundings, folders: Iterable[str]) -> Surroundings:
    """Leave out what is in these folders: who allows the root of the machine allows that."""
    return around._replace(
        mounts=tuple(mount for mount in around.mounts if not _is_below(mount.path, folders)),
        sockets_in_folders=tuple(path for path in around.sockets_in_folders if not _is_below(path, folders)),
    )


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _state(mount: Mount, marks: frozenset[str]) -> str:
    """Return what of a machine a folder is, "" where it is none."""
    if marks.issuperset(SYSTEM) and (mount.root in ROOTS or mount.root.startswith(DEPLOYMENTS)):
        return "the root of the machine"
    if not mount.read_only and not marks.isdisjoint(BOOT):
        return "what the machine boots"
    return next((what for what, names in STATE if marks.issuperset(names)), "")


def _devices(around: Surroundings) -> Iterator[str]:
    for mount in around.mounts:
        # A single device is mounted where no other can be made: a rootless engine's /dev/null.
        if mount.kind == "devtmpfs" and mount.root == "/":
            yield f"{mount.path}, all devices of the machine"
    yield from (f"{device.path}, {what}" for device in around.devices if (what := _danger(device)))


def _danger(device: Device) -> str:
    if device.block:
        return "a disk"
    return "a disk" if device.major == SCSI else CHARACTERS.get((device.major, device.minor), "")


def _kernel_files(around: Surroundings) -> Iterator[str]:
    # The root of a user namespace may write none of them.
    if not around.real_root:
        return
    yield from around.writable
    for mount in around.mounts:
        if mount.kind in STEERING and not mount.read_only:
            yield mount.path
