"""The locks of this very session, as the kernel tells them; `start.sh verify` attacks them."""

from __future__ import annotations

import ctypes
import errno
import os

from init import cluster, mounts, paths
from init.root import exposures, surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.doctor.report import Report
    from init.settings import Settings

# What is meant to be written: the two folders, home and the temporary ones, and the kernel's own.
_OURS = {"/", paths.HOME, paths.WORKSPACE, paths.DATA, "/tmp"}  # noqa: S108 - named, not used
_KERNELS = ("/dev/", "/proc/", "/sys/", "/run/secrets/")

# prctl(2).
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2

_COMPOSE = cluster.fix(
    "Start with start.sh or compose.yml, which set it.",
    "deploy/kubernetes has it. The limit on processes is the kubelet's: podPidsLimit.",
)


def session(report: Report, settings: Settings) -> None:
    """Tell what the session gave up, and what bounds it."""
    status = _status("self")
    _root(report, status)
    held = [name for name in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(status[name], 16)]
    _holds(report, "capabilities", "none is held", held and f"{', '.join(held)} are not empty", _COMPOSE)
    unset = None if status["NoNewPrivs"] == "1" else "no_new_privs is not set"
    _holds(report, "privileges", "no_new_privs is set", unset, "Report it: PID 1 sets it.")
    filters = int(status.get("Seccomp_filters", status["Seccomp"]))
    if settings.seccomp == "on":
        _holds(report, "seccomp", f"{filters} filters", None if filters else "no filter is on", "Report it.")
    elif settings.seccomp == "off" and not takes_filters():
        report.warn(
            "seccomp",
            "no filter of the session's own: this kernel, or the emulator that runs the image, installs none;"
            " the engine's profile stays",
            "Only a machine of the image's own processor is as strong.",
        )
    else:
        report.warn(
            "seccomp",
            f"SANDBOX_SECCOMP={settings.seccomp} weakens the session's filter",
            "Take it out when done.",
        )
    _mounts(report)
    _exposures(report)
    _limits(report)


def takes_filters() -> bool:
    """Tell whether a filter could be installed: then one from nowhere is a bad address; seccomp(2)."""
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT


def _status(process: str) -> dict[str, str]:
    with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def _holds(report: Report, name: str, good: str, bad: object, fix: str) -> None:
    """Tell what is good, or what is bad where there is something."""
    if bad:
        report.fail(name, str(bad), fix)
    else:
        report.good(name, good)


def _root(report: Report, status: dict[str, str]) -> None:
    """Look for root: in our own IDs, and in any process."""
    ours = {*status["Uid"].split(), *status["Gid"].split(), *status["Groups"].split()}
    roots = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            other = _status(process)
        except OSError:
            continue
        if "0" in other["Uid"].split():
            roots.append(f"{other['Name']} ({process})")
    holders = roots or ["the agent is in its group"] * ("0" in ours)
    _holds(
        report, "root", f"no process is root's; the agent is {os.getuid()}:{os.getgid()}",
        holders and f"root is here: {', '.join(holders)}", "Report it, unless you entered with docker exec.",
    )  # fmt: skip


def _mounts(report: Report) -> None:
    read_only = bool(os.statvfs("/").f_flag & os.ST_RDONLY)
    if read_only:
        report.good("filesystem", "the root filesystem is read-only")
    else:
        report.warn("filesystem", "the root filesystem is not mounted read-only", _COMPOSE)
    more = [
        mount.path
        for mount in mounts.read_table()
        if not mount.read_only
        and mount.path not in _OURS
        and not f"{mount.path}/".startswith(_KERNELS)
        and os.access(mount.path, os.W_OK)
    ]
    if more:
        report.warn(
            "mounts",
            f"the agent can also write {', '.join(sorted(more))}",
            "Take the mounts out, or add :ro.",
        )


def _exposures(report: Report) -> None:
    """Tell what leads out of the container: what is not allowed has stopped the start."""
    found = exposures.find(surroundings.look(mounts.read_table()))
    for exposure in found:
        report.warn(
            exposure.name,
            f"the agent has {exposures.describe(exposure)}: SANDBOX_ALLOW_UNSAFE allows it",
            "It may lead out of the container: see docs/escape-benchmark.md.",
        )
    if not found:
        report.good("exposures", "no engine's socket, no disk, and nothing of the machine's root or network")
    if surroundings.is_in("ipc", surroundings.FIRST_IPC_NAMESPACE):
        report.warn("ipc", "shared memory is the machine's", "Leave out ipc: host; shm_size gives more.")


def _limits(report: Report) -> None:
    limits = {"memory": memory_limit(), "processes": _limit("pids.max", "pids/pids.max")}
    missing = [name for name, limit in limits.items() if limit is None]
    if missing:
        report.warn("limits", f"none is seen on {' and '.join(missing)}", _COMPOSE)
        return
    memory = (limits["memory"] or 0) >> 20
    report.good("limits", f"memory {memory} MiB, {limits['processes']} processes")


def memory_limit() -> int | None:
    """Return the most bytes that this container may have, None where that is not seen."""
    return _limit("memory.max", "memory/memory.limit_in_bytes")


def _limit(*files: str) -> int | None:
    """Return a limit of this container's group, from the first file there is; cgroups(7), version 2 and 1."""
    for file in files:
        try:
            with open(f"/sys/fs/cgroup/{file}", encoding="ascii") as stream:
                text = stream.read().strip()
        except OSError:
            continue
        # Version 1 has no word for none: it tells the largest there is.
        return int(text) if text.isdigit() and int(text) < 1 << 60 else None
    return None
