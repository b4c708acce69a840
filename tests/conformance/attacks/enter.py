"""Try to open the program of whoever enters (CVE-2019-5736); tell each outcome once, and go on."""

# Paths are arguments of system calls here.
# ruff: noqa: PTH116, PTH208

import os
import time


def main() -> None:
    """Look at each process that is not ours."""
    print("watching", flush=True)
    told = set()
    while True:
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{pid}").st_uid == os.geteuid():
                    continue
            except OSError:
                continue
            for how, flags in (("reading", os.O_RDONLY), ("writing", os.O_WRONLY)):
                try:
                    os.close(os.open(f"/proc/{pid}/exe", flags))
                    found = "reached"
                except (FileNotFoundError, ProcessLookupError):
                    continue
                except OSError as error:
                    found = f"refused: {error.strerror}"
                if (how, found) not in told:
                    told.add((how, found))
                    print(f"{how} {found}", flush=True)
        time.sleep(0.001)


if __name__ == "__main__":
    main()
