"""Print what /proc tells of every process that can be seen, and what this one was left with.

As root in the PID namespace of a container, from outside, it also sees whose each process is and what its
descriptors lead to.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

PR_GET_DUMPABLE = 3


def describe(folder: Path) -> dict[str, Any]:
    """Return the fields of /proc/PID/status, the owner of /proc/PID, and the descriptors, if they show."""
    text = (folder / "status").read_text()
    fields: dict[str, Any] = {k: v.strip() for k, v in (line.split(":", 1) for line in text.splitlines())}
    # The folder itself stays its process's; a file in it is root's where the process is not dumpable.
    fields["environ owner"] = (folder / "environ").stat().st_uid
    fields["command"] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    fields["descriptors"] = {}
    with suppress(PermissionError):
        for descriptor in (folder / "fd").iterdir():
            # One of our own is what lists them.
            with suppress(FileNotFoundError):
                fields["descriptors"][descriptor.name] = str(descriptor.readlink())
    return fields


def processes() -> list[dict[str, Any]]:
    """Describe every process but this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name != str(os.getpid()):
            with suppress(FileNotFoundError, ProcessLookupError):
                found.append(describe(folder))
    return found


def open_descriptors() -> list[int]:
    """Return the descriptors of this process; to list a folder would open another."""
    found = []
    for descriptor in range(4096):
        with suppress(OSError):
            os.fstat(descriptor)
            found.append(descriptor)
    return found


def dumpable() -> int:
    """Return whether this process may be traced."""
    import ctypes  # noqa: PLC0415 - once the descriptors are listed: libffi may keep one open for itself

    answer: int = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
    return answer


def main() -> None:
    """Print an object."""
    found = {
        "own": describe(Path("/proc/self")),
        "open": open_descriptors(),
        "dumpable": dumpable(),
        "others": processes(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
