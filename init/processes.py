"""The processes there are, as the kernel tells of them: proc(5).

A process chooses its name, up to line ends and control characters. So facts are read only from what stands
behind the name, in /proc/PID/stat, and a name is shown through log.printable().
"""

from __future__ import annotations

import os

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes: all that stat and comm can be, and as much of a command line as names its program.
_MOST = 4096


class Process(Record):
    """One process.

    Attributes:
        pid: its number.
        state: the kernel's letter for it: Z for one that ended and was not waited for.
        parent: whose child it is.
        began: when, in ticks since the machine did.
    """

    pid: int
    state: str
    parent: int
    began: int


def every() -> Iterator[Process]:
    """Yield all that run; those that ended and were not waited for do not."""
    for name in os.listdir("/proc"):
        if name.isdecimal():
            stat = _read(name, "stat")
            # The name stands in parentheses, and may have some.
            fields = stat.rpartition(b")")[2].split()
            if fields and fields[0] not in (b"Z", b"X"):
                yield Process(int(name), fields[0].decode(), int(fields[1]), int(fields[19]))


def name(pid: int) -> str:
    """Return what a process calls itself, which is anything."""
    return _read(str(pid), "comm").decode(errors="replace").removesuffix("\n")


def arguments(pid: int) -> list[str]:
    """Return the first words of a process's command line."""
    return _read(str(pid), "cmdline").decode(errors="replace").split("\0")


def _read(pid: str, what: str) -> bytes:
    try:
        file = os.open(f"/proc/{pid}/{what}", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, _MOST)
    except OSError:
        return b""
    finally:
        os.close(file)
