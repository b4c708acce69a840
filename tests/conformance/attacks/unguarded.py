"""Look for a process of our own that has fewer system call filters than we do, whose memory we could write.

unguarded.py FILE

Prints `ready`, then, once the file is there, a JSON object: how many processes were seen to begin, and those
found.
"""

import json
import os
import sys
from pathlib import Path


def processes() -> set[int]:
    """List them."""
    return {int(path.name) for path in Path("/proc").glob("[0-9]*")}


def status(pid: int | str) -> dict[str, str]:
    """Read proc_pid_status(5); empty for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def writable(pid: int) -> bool:
    """Tell whether its memory is: then it can be made to do anything, with the filters it lacks."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
    except OSError:
        return False
    return True


def main() -> None:
    """Look until the file is there."""
    ours = int(status("self")["Seccomp_filters"])
    before = processes()
    began: set[int] = set()
    found: dict[int, str] = {}
    print("ready", flush=True)
    while not Path(sys.argv[1]).exists():
        for pid in processes() - before:
            seen = status(pid)
            if not seen or seen["Uid"].split()[0] != str(os.getuid()):
                continue
            began.add(pid)
            if int(seen["Seccomp_filters"]) < ours and writable(pid):
                found[pid] = seen["Name"]
    print(json.dumps({"began": len(began), "found": found}), flush=True)


if __name__ == "__main__":
    main()
