"""The user namespace: whose files the container sees under which number, user_namespaces(7)."""

from __future__ import annotations

from init.errors import SandboxError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.settings import Settings

# What a file's owner looks like whom the namespace has no number for: proc_sys_kernel(5), overflowuid.
OVERFLOW = 65534


class Range(Record):
    """IDs from first on are the host's from host on, this many of them."""

    first: int
    host: int
    size: int


def parse(uid_map: str) -> tuple[Range, ...]:
    """Read the text of /proc/self/uid_map."""
    return tuple(Range(*map(int, line.split())) for line in uid_map.splitlines())


def read_map() -> tuple[Range, ...]:
    """Return the map of this process's user namespace."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return parse(file.read())


def on_host(ranges: tuple[Range, ...], uid: int) -> int | None:
    """Return which UID of the host this one is, None if it is none."""
    for part in ranges:
        if part.first <= uid < part.first + part.size:
            return part.host + uid - part.first
    return None


def require_own_files(settings: Settings, owner: int | None, ranges: tuple[Range, ...]) -> None:
    """Stop where the agent would take the user's files away from them, unless PUID says who it shall be.

    Args:
        settings: what the user asked for.
        owner: UID that owns the workspace as seen here, None where nothing is mounted.
        ranges: what read_map() returned.

    Raises:
        SandboxError: the engine is rootless, or maps users to others.
    """
    user = on_host(ranges, 0)
    if settings.puid is not None or owner is None or user == 0:
        return
    # An engine that is rootless has one UID of its own to give, and gives it to root.
    if owner == 0 and ranges[0].size == 1:
        raise SandboxError(
            f"this engine is rootless: the workspace, yours (UID {user}), is root's here, and the agent is "
            f"never root. As UID 1000 it would be the host's {on_host(ranges, 1000)}, and your files too",
            "Podman: add --userns=keep-id:uid=1000,gid=1000. Docker: use an engine that runs as root, or set "
            "PUID=1000 if the files may change their owner.",
        )
    if owner == OVERFLOW:
        raise SandboxError(
            f"this engine maps users (userns-remap): root here is the host's UID {user}, and the owner of "
            "the workspace has no number here, so that the agent cannot be that user",
            "Start with --userns=host (compose.yml: userns_mode: host), or set PUID=1000 and give the "
            f"folders to UID {on_host(ranges, 1000)} on the host.",
        )
