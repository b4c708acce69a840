"""init/root/exposures.py: what leads out of a container is told, and what users need is not."""

from typing import Any

import pytest

from init import paths, settings
from init.errors import SandboxError
from init.mounts import Mount
from init.root import exposures
from init.root.exposures import Exposure
from init.root.surroundings import Device, Surroundings

# What each container has: by engines of several kinds, under cgroup v1 and v2.
ORDINARY = (
    Mount("/", read_only=True, kind="overlay"),
    Mount("/proc", read_only=False, kind="proc"),
    Mount("/proc/sys", read_only=True, kind="proc", root="/sys"),
    Mount("/proc/acpi", read_only=True, kind="tmpfs"),
    Mount("/proc/keys", read_only=False, kind="tmpfs", root="/null"),
    Mount("/dev", read_only=False, kind="tmpfs"),
    Mount("/dev/shm", read_only=False, kind="tmpfs"),  # noqa: S108 - named, not used
    Mount("/dev/null", read_only=False, kind="devtmpfs", root="/null"),
    Mount("/sys", read_only=True, kind="sysfs"),
    Mount("/sys/fs/cgroup", read_only=False, kind="cgroup2"),
    Mount("/sys/fs/cgroup/memory", read_only=True, kind="cgroup", root="/docker/1"),
    Mount("/etc/hosts", read_only=False, kind="ext4", root="/var/lib/docker/containers/1/hosts"),
    Mount("/home/agent/workspace", read_only=False, kind="ext4", root="/home/me/project"),
    Mount("/run/gateway", read_only=True, kind="ext4", root="/var/lib/docker/volumes/gateway/_data"),
)
EVERYWHERE = tuple(
    Device(f"/dev/{name}", block=False, major=major, minor=minor)
    for name, major, minor in (
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("tty", 5, 0),
    )
)


def folder(path: str = "/mnt", root: str = "/srv/x", **other: Any) -> Mount:
    return Mount(path, read_only=other.pop("read_only", False), kind=other.pop("kind", "ext4"), root=root)


def device(path: str, major: int, minor: int, *, block: bool = False) -> Surroundings:
    return Surroundings(devices=(Device(path, block, major, minor),))


def marked(*marks: str, **mount: Any) -> Surroundings:
    return Surroundings(mounts=(folder(**mount),), marks={"/mnt": frozenset(marks)})


HARMLESS = {
    "nothing of one's own": Surroundings(),
    "a whole disk of data": marked(root="/"),
    "a disk with some folders of a system's names": marked("proc", "sys", "usr/bin", root="/"),
    "a tree of a distribution that is built": marked(*exposures.SYSTEM, root="/home/me/rootfs"),
    "a data set with folders of such names": marked("containers", "volumes", "network"),
    "a project that has docker/containers": marked("docker/containers"),
    "what boots, read-only": marked("grub/grub.cfg", read_only=True),
    "/etc/localtime": Surroundings(mounts=(folder("/etc/localtime", "/usr/share/zoneinfo/UTC"),)),
    "/lib/modules": Surroundings(mounts=(folder("/lib/modules", "/usr/lib/modules"),)),
    "an SSH agent's socket": Surroundings(sockets={"/run/ssh-agent": "/ssh-XyZ/agent.123"}),
    "Docker Desktop's SSH agent": Surroundings(sockets={"/run/ssh": "/host-services/ssh-auth.sock"}),
    "an X11 socket": Surroundings(sockets={"/tmp/.X11-unix/X0": "/tmp/.X11-unix/X0"}),  # noqa: S108
    "Wayland's socket": Surroundings(sockets={"/run/w": "/user/1000/wayland-0"}),
    "sound": Surroundings(sockets={"/run/p": "/pulse/native"}),
    "a database's socket": Surroundings(sockets={"/run/d": "/postgresql/.s.PGSQL.5432"}),
    "a socket that ends like an engine's": Surroundings(sockets={"/run/x": "/notdocker.sock"}),
    "/dev/kvm": device("/dev/kvm", 10, 232),
    "/dev/net/tun": device("/dev/net/tun", 10, 200),
    "/dev/fuse": device("/dev/fuse", 10, 229),
    "a GPU": device("/dev/dri/renderD128", 226, 128),
    "a GPU of NVIDIA": device("/dev/nvidia0", 195, 0),
    "a serial line": device("/dev/ttyUSB0", 188, 0),
    "/dev/dri, mounted": Surroundings(mounts=(folder("/dev/dri", "/dri", kind="devtmpfs"),)),
    "files of lxcfs": Surroundings(mounts=(folder("/proc/cpuinfo", "/proc/cpuinfo", kind="fuse.lxcfs"),)),
    "control groups of version 2": Surroundings(mounts=(folder("/sys/fs/cgroup", kind="cgroup2"),)),
    "/sys, read-only elsewhere": Surroundings(mounts=(folder("/s", "/", kind="sysfs", read_only=True),)),
    "a rootless --privileged": Surroundings(
        mounts=(folder("/sys", "/", kind="sysfs"),), writable=("/proc/sys/kernel/core_pattern",),
        real_root=False,
    ),
}  # fmt: skip

DANGEROUS = {
    "Docker's socket": ("engine-socket", Surroundings(sockets={"/x": "/run/docker.sock"})),
    "Docker's socket, on a tmpfs": ("engine-socket", Surroundings(sockets={"/x": "/docker.sock"})),
    "of Docker Desktop": ("engine-socket", Surroundings(sockets={"/x": "/host-services/docker.proxy.sock"})),
    "containerd's": ("engine-socket", Surroundings(sockets={"/x": "/containerd/containerd.sock"})),
    "Podman's": ("engine-socket", Surroundings(sockets={"/x": "/user/1000/podman/podman.sock"})),
    "CRI-O's": ("engine-socket", Surroundings(sockets={"/x": "/crio/crio.sock"})),
    "Incus's": ("engine-socket", Surroundings(sockets={"/x": "/var/lib/incus/unix.socket"})),
    "systemd's own": ("engine-socket", Surroundings(sockets={"/x": "/systemd/private"})),
    "the system's D-Bus": ("engine-socket", Surroundings(sockets={"/x": "/dbus/system_bus_socket"})),
    "the user's D-Bus": ("engine-socket", Surroundings(sockets={"/x": "/bus"})),
    "under another name": ("engine-socket", Surroundings(sockets={"/x": "/a"}, engines=frozenset({"/x"}))),
    "/var/run": ("engine-socket", Surroundings(sockets_in_folders=("/mnt/docker.sock",))),
    "the root": ("host-root", marked(*exposures.SYSTEM, root="/")),
    "the root, read-only": ("host-root", marked(*exposures.SYSTEM, root="/", read_only=True)),
    "the root, a subvolume": ("host-root", marked(*exposures.SYSTEM, root="/@")),
    "the root, of ostree": ("host-root", marked(*exposures.SYSTEM, root="/ostree/deploy/os/deploy/a.0")),
    "the root, by its /proc": ("host-root", Surroundings(mounts=(folder("/h/proc", "/", kind="proc"),))),
    "/etc": ("host-root", marked("passwd", "shadow", "group", root="/etc")),
    "/var/lib/docker": ("host-root", marked("containers", "volumes", "network", "image")),
    "/boot": ("host-root", marked("grub/grub.cfg", root="/boot")),
    "the network": ("host-network", Surroundings(host_network=True)),
    "the processes": ("host-processes", Surroundings(host_processes=True)),
    "a disk": ("devices", device("/dev/sda", 8, 0, block=True)),
    "a disk, by SCSI": ("devices", device("/dev/sg0", 21, 0)),
    "memory": ("devices", device("/dev/mem", 1, 1)),
    "a keyboard": ("devices", device("/dev/uinput", 10, 223)),
    "/dev": ("devices", Surroundings(mounts=(folder("/dev", "/", kind="devtmpfs"),))),
    "/dev, elsewhere": ("devices", Surroundings(mounts=(folder("/d", "/", kind="devtmpfs"),))),
    "core_pattern": ("kernel-files", Surroundings(writable=("/proc/sys/kernel/core_pattern",))),
    "/sys": ("kernel-files", Surroundings(mounts=(folder("/sys", "/", kind="sysfs"),))),
    "control groups, 1": (
        "kernel-files",
        Surroundings(mounts=(folder("/sys/fs/cgroup/pids", kind="cgroup"),)),
    ),
    "debugfs": ("kernel-files", Surroundings(mounts=(folder("/d", kind="debugfs"),))),
    "a token": ("cluster-token", Surroundings(cluster_token="/run/secrets/token")),  # noqa: S106 - its path
}


def around(case: Surroundings) -> Surroundings:
    """Put a case into an ordinary container."""
    kept = [mount for mount in ORDINARY if mount.path not in {other.path for other in case.mounts}]
    return case._replace(mounts=(*kept, *case.mounts), devices=(*EVERYWHERE, *case.devices))


@pytest.mark.parametrize("case", HARMLESS)
def test_what_users_have_for_their_work_is_not_told(case: str) -> None:
    assert exposures.find(around(HARMLESS[case])) == ()


@pytest.mark.parametrize("case", DANGEROUS)
def test_what_leads_out_is_told(case: str) -> None:
    name, given = DANGEROUS[case]
    (found,) = exposures.find(around(given))
    assert found.name == name
    assert len(found.found) == 1


def test_what_is_in_the_root_of_the_machine_is_a_part_of_it() -> None:
    whole = marked(*exposures.SYSTEM, root="/")
    mounts = (*whole.mounts, folder("/mnt/proc", "/", kind="proc"), folder("/mnt/dev", "/", kind="devtmpfs"))
    sockets = ("/mnt/run/docker.sock", "/mnt2/docker.sock")
    found = exposures.find(around(whole._replace(mounts=mounts, sockets_in_folders=sockets)))
    assert [(exposure.name, exposure.found) for exposure in found] == [
        ("engine-socket", ("/mnt2/docker.sock",)),
        ("host-root", ("/mnt, the root of the machine",)),
    ]


def test_each_name_has_a_case() -> None:
    assert {name for name, _ in DANGEROUS.values()} == set(settings.UNSAFE)


FOUND = (Exposure("engine-socket", ("/x",)), Exposure("devices", ("/dev/sda, a disk",)))


@pytest.mark.parametrize(
    ("allowed", "named"),
    [
        ((), "SANDBOX_ALLOW_UNSAFE=engine-socket,devices"),
        (("devices",), "SANDBOX_ALLOW_UNSAFE=devices,engine-socket"),
        (("host-root",), "SANDBOX_ALLOW_UNSAFE=host-root,engine-socket,devices"),
    ],
)
def test_all_that_is_not_allowed_is_refused_at_once(allowed: tuple[str, ...], named: str) -> None:
    with pytest.raises(SandboxError) as error:
        exposures.require(FOUND, allowed)
    assert error.value.exit_code == 78
    assert "engine-socket (/x)" in error.value.what
    assert ("devices (" in error.value.what) == ("devices" not in allowed)
    assert f"{named}." in error.value.fix


@pytest.mark.parametrize("path", ["", "/below"])
@pytest.mark.parametrize("place", [paths.WORKSPACE, paths.DATA])
def test_the_machine_in_the_place_of_a_folder_is_refused_whatever_is_allowed(place: str, path: str) -> None:
    mount = folder(f"{place}{path}", "/", read_only=True)
    seen = Surroundings(mounts=(mount,), marks={mount.path: frozenset(exposures.SYSTEM)})
    with pytest.raises(SandboxError, match="would become the agent's"):
        exposures.require_places(around(seen))


def test_the_machine_elsewhere_is_not_refused_by_that() -> None:
    exposures.require_places(around(marked(*exposures.SYSTEM, root="/")))


def test_what_is_allowed_is_warned_of_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    exposures.tell(exposures.require(FOUND, ("engine-socket", "devices")))
    told = capsys.readouterr().err
    assert told.count("sandbox: warning: ") == 2
    assert "engine-socket (/x)" in told
    assert "devices (/dev/sda, a disk)" in told


def test_nothing_found_is_nothing_told(capsys: pytest.CaptureFixture[str]) -> None:
    exposures.tell(exposures.require((), ("engine-socket",)))
    assert capsys.readouterr().err == ""


def test_of_many_some_are_named() -> None:
    many = Exposure("devices", tuple(f"/dev/sd{letter}" for letter in "abcde"))
    assert exposures.describe(many) == "devices (/dev/sda, /dev/sdb, /dev/sdc and 2 more)"


@pytest.mark.parametrize("value", ["", ",", "devices", " devices , host-root,devices"])
def test_names_are_read(value: str) -> None:
    read = settings.read({"SANDBOX_ALLOW_UNSAFE": value}).allow_unsafe
    assert read == tuple(name for name in ("devices", "host-root") if name in value)


@pytest.mark.parametrize("value", ["all", "device", "engine-socket;devices", "DEVICES"])
def test_an_unknown_name_is_refused_with_the_list(value: str) -> None:
    with pytest.raises(SandboxError) as error:
        settings.read({"SANDBOX_ALLOW_UNSAFE": value})
    assert "SANDBOX_ALLOW_UNSAFE" in error.value.what
    assert all(name in error.value.fix for name in settings.UNSAFE)
