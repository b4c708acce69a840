"""Which folders shall become the agent's."""

from __future__ import annotations

import os

from init import paths
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.accounts import Identity
    from init.mounts import Mount

# The kernel's own: whose files they are counts for the whole machine.
_KERNELS = (
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "devtmpfs",
    "devpts",
    "debugfs",
    "tracefs",
    "securityfs",
    "bpf",
)


class Target(Record):
    """A folder to claim: all of it, or only what root owns, where other owners' folders are not entered.

    The number is that of the mount that must be found there, None where no mount is expected.
    """

    path: str
    only_roots: bool = False
    number: int | None = None


def targets(
    table: Iterable[Mount], agent: Identity, *, asked: bool, workspace: bool = True
) -> tuple[Target, ...]:
    """Name what shall become the agent's: home, and the writable mounts at and below data/ and workspace/.

    Args:
        table: the mount table.
        agent: who the files shall belong to.
        asked: whether the user set PUID or PGID. If not, the workspace told the identity, and its files
            stay as they are, but for what root put there and the agent could not change.
        workspace: whether anything in the workspace is changed at all.
    """
    table = tuple(table)
    mounted = (
        Target(mount.path, only_roots=not asked and top == paths.WORKSPACE, number=mount.number)
        for top in (paths.DATA, *((paths.WORKSPACE,) if workspace else ()))
        for mount in table
        if not mount.read_only
        and mount.kind not in _KERNELS
        and (mount.path == top or mount.path.startswith(f"{top}/"))
    )
    # Home is part of the image, so its owner tells whether this container has been here before.
    home = os.stat(paths.HOME)
    return (*(() if (home.st_uid, home.st_gid) == agent else (Target(paths.HOME),)), *mounted)
