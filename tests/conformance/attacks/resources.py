"""Take as much of something as there is; print how much that was.

Arguments: what, and the most to take, which bounds the harm where no limit does. `hold` after it keeps all
that was taken, and ignores SIGTERM, until the container is stopped.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH102, PTH108, PTH118, PTH123, PTH208

import contextlib
import ctypes
import errno
import json
import mmap
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEGABYTE = 1 << 20
CHUNK = bytes(MEGABYTE)
LIBC = ctypes.CDLL(None, use_errno=True)


def tell(found: Any) -> None:
    """Print on a line of its own."""
    print(json.dumps(found), flush=True)


def processes(most: int) -> dict[str, Any]:
    """Fork until it is refused; the children wait, and do not care for SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for made in range(most):
        try:
            pid = os.fork()
        except OSError as error:
            return {"taken": made, "end": errno.errorcode[error.errno or 0]}
        if pid == 0:
            while True:
                signal.pause()
    return {"taken": most, "end": "as many as asked for"}


def memory(most: int) -> dict[str, Any]:
    """Write to as many megabytes."""
    held = [bytearray(CHUNK) for _ in range(most)]
    return {"taken": len(held), "end": "as many as asked for"}


def descriptors(most: int) -> dict[str, Any]:
    """Open files, with as high a limit as may be set."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for made in range(most):
        try:
            os.open("/dev/null", os.O_RDONLY)
        except OSError as error:
            return {"taken": made, "end": errno.errorcode[error.errno or 0]}
    return {"taken": most, "end": "as many as asked for"}


def _folders() -> list[str]:
    """Return the folders besides workspace/ and data/ that can be written, each filesystem once."""
    home = os.path.expanduser("~")  # noqa: PTH111
    places = (home, "/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/dev/mqueue", "/home/agent")  # noqa: S108
    return [place for place in dict.fromkeys(places) if os.access(place, os.W_OK)]


def disk(most: int) -> dict[str, Any]:
    """Write as many megabytes to each folder; give them back."""
    found = {}
    for folder in _folders():
        path = os.path.join(folder, f"filling-{os.getpid()}")
        found[folder] = {"taken": most, "end": "as many as asked for"}
        try:
            with open(path, "wb", buffering=0) as file:
                for made in range(most):
                    if file.write(CHUNK) < MEGABYTE:
                        found[folder] = {"taken": made, "end": "ENOSPC"}
                        break
        except OSError as error:
            found[folder] = {"taken": made, "end": errno.errorcode[error.errno or 0]}
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)
    return found


def inodes(most: int) -> dict[str, Any]:
    """Make as many empty files in /tmp."""
    folder = f"/tmp/inodes-{os.getpid()}"  # noqa: S108 - the flood's own
    os.mkdir(folder)
    for made in range(most):
        try:
            os.mknod(f"{folder}/{made}")
        except OSError as error:
            return {"taken": made, "end": errno.errorcode[error.errno or 0]}
    return {"taken": most, "end": "as many as asked for"}


def output(most: int) -> dict[str, Any]:
    """Write as many megabytes of lines to stdout; tell how PID 1's memory grew."""
    before = _resident(1)
    lines = (b"x" * 8191 + b"\n") * (MEGABYTE // 8192)
    for _ in range(most):
        view = memoryview(lines)
        while view:
            view = view[os.write(1, view) :]
    return {"taken": most, "before": before, "after": _resident(1)}


def _resident(pid: int) -> int:
    """Return the resident memory of a process in kilobytes."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def zombies(most: int) -> dict[str, Any]:
    """Orphan as many processes, which end at once; count those that nobody buries."""
    made = 0
    for _ in range(most):
        pid = os.fork()
        if pid == 0:
            # Not even where there is no process left to make does this one go on.
            try:
                os.fork()
            except OSError:
                os._exit(1)
            os._exit(0)
        made += os.waitpid(pid, 0)[1] == 0
    deadline = time.monotonic() + float(os.environ.get("PATIENCE", "60"))
    while (left := _zombies()) and time.monotonic() < deadline:
        time.sleep(0.02)
    end = "orphans that nobody waited for" if left else "all were buried"
    return {"taken": left, "made": made, "end": end}


def _zombies() -> int:
    return sum(_state(pid) == "Z" for pid in filter(str.isdecimal, os.listdir("/proc")))


def _state(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"


def processor(most: int) -> dict[str, Any]:
    """Compute in as many processes for a second, or longer, until the kernel holds them back.

    Tells how many processors they had together, how many they may have, and how often the kernel had them
    wait for the next period: "CPU Interface Files" of the kernel's admin-guide/cgroup-v2, and its
    scheduler/sched-bwc.
    """
    start, share, before = time.monotonic(), _share(), _held_back()
    while True:
        taken = _compute(most)
        seen = _held_back() - before
        if share is None or seen or time.monotonic() > start + 30:
            return {"taken": taken, "share": share, "held back": seen}


def _compute(most: int) -> float:
    """Compute in as many processes for a second; return how many processors they had together."""
    start, before = time.monotonic(), _used()
    pids = []
    for _ in range(most):
        pid = os.fork()
        if pid == 0:
            while time.monotonic() < start + 1:
                pass
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    return (_used() - before) / (time.monotonic() - start)


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _cpu_group() -> Path | None:
    """Return the folder of our control group that speaks of processors: version 2, or 1."""
    own = Path("/proc/self/cgroup").read_text(encoding="ascii").rpartition("::")[2].strip()
    places = [Path("/sys/fs/cgroup", name) for name in (own.lstrip("/"), "", "cpu", "cpu,cpuacct")]
    return next((place for place in places if (place / "cpu.stat").exists()), None)


def _share() -> float | None:
    """Return how many processors our control group may use, None where it is not limited."""
    group = _cpu_group()
    if group is None:
        return None
    if (group / "cpu.max").exists():
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
    elif (group / "cpu.cfs_quota_us").exists():
        quota, period = (
            (group / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
        )
    else:
        return None
    return None if quota == "max" or int(quota) < 0 else int(quota) / int(period)


def _held_back() -> int:
    """Return in how many periods our control group had used up its share."""
    group = _cpu_group()
    text = "" if group is None else (group / "cpu.stat").read_text(encoding="ascii")
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("nr_throttled ")), 0)


def spin(most: int) -> dict[str, Any]:
    """Compute in as many processes, for ever, and do not care for SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(most):
        if os.fork() == 0:
            while True:
                pass
    return {"taken": most}


def core(_: int) -> dict[str, Any]:
    """Crash, and look for the core file in the working directory, which the kernel's default names so."""
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        pattern = file.read().strip()
    # A core file of another crash would be written over, and not be seen.
    folder = Path(tempfile.mkdtemp(dir=".")).resolve()
    os.chdir(folder)
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSEGV)
    _, status = os.waitpid(pid, 0)
    left = sorted(os.listdir("."))
    shutil.rmtree(folder)
    limit = resource.getrlimit(resource.RLIMIT_CORE)
    return {"left": left, "dumped": os.WCOREDUMP(status), "limit": limit, "pattern": pattern}


def _tried(function: Callable[[], object]) -> str:
    """Return `refused: …` or `reached`; root that has not got the capability itself is told apart."""
    try:
        function()
    except (OSError, ValueError) as error:
        if os.geteuid() == 0 and not _holds(CAP_SYS_RESOURCE):
            return f"absent: root has no CAP_SYS_RESOURCE here ({error})"
        return f"refused: {error}"
    return "reached"


CAP_SYS_RESOURCE = 24


def _holds(capability: int) -> bool:
    with open("/proc/self/status", encoding="utf-8") as file:
        held = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    return bool(held >> capability & 1)


def _raise_limit(kind: int) -> None:
    soft, hard = resource.getrlimit(kind)
    higher = hard + 1 if hard != resource.RLIM_INFINITY else hard
    resource.setrlimit(kind, (soft, higher))
    if resource.getrlimit(kind)[1] == hard:
        raise ValueError("there is no limit to raise")


def _lock(size: int) -> None:
    anonymous = mmap.mmap(-1, size)
    address = ctypes.addressof(ctypes.c_char.from_buffer(anonymous))
    if LIBC.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _disk_priority() -> None:
    """Ask for the real-time class: ioprio_set(2)."""
    number = {"x86_64": 251, "aarch64": 30}[platform.machine()]
    if LIBC.syscall(ctypes.c_long(number), ctypes.c_long(1), ctypes.c_long(0), ctypes.c_long(1 << 13)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def rights(_: int) -> dict[str, Any]:
    """Ask for more than the others have."""
    asked: dict[str, Callable[[], object]] = {
        "a higher priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
        "the real-time scheduler": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        "a higher priority on the disk": _disk_priority,
        "memory that is never swapped": lambda: _lock(64 * MEGABYTE),
        "a higher limit of files": lambda: _raise_limit(resource.RLIMIT_NOFILE),
        "a higher limit of locked memory": lambda: _raise_limit(resource.RLIMIT_MEMLOCK),
        "a higher limit of core files": lambda: _raise_limit(resource.RLIMIT_CORE),
        "a higher limit of priority": lambda: _raise_limit(resource.RLIMIT_NICE),
        "a higher limit of real-time priority": lambda: _raise_limit(resource.RLIMIT_RTPRIO),
    }
    return {name: _tried(function) for name, function in asked.items()}


# In one container, one after the other, each in a process of its own.
TOGETHER = {"descriptors": 5000, "zombies": 300, "core": 0, "rights": 0, "disk": 128}


def together(_: int) -> dict[str, Any]:
    """Run what leaves nothing behind."""
    found = {}
    for name, most in TOGETHER.items():
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                text = json.dumps(ATTACKS[name](most))
            except Exception as error:  # the outcome, whatever it is
                text = json.dumps({"broken": repr(error)})
            os.write(writer, text.encode())
            os._exit(0)
        os.close(writer)
        with open(reader, encoding="utf-8") as pipe:
            text = pipe.read()
        _, status = os.waitpid(pid, 0)
        found[name] = json.loads(text) if text else {"broken": f"wait status {status}"}
    return found


ATTACKS: dict[str, Callable[[int], dict[str, Any]]] = {
    function.__name__: function
    for function in (
        processes, memory, descriptors, disk, inodes, output, zombies, processor, spin, core, rights,
        together,
    )
}  # fmt: skip


def main() -> None:
    """Run one attack."""
    name, most, *hold = sys.argv[1:]
    tell(ATTACKS[name](int(most)))
    if hold:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
