"""The places that a session works in: home, workspace/ and data/, and whether they can be written."""

from __future__ import annotations

import contextlib
import errno
import os

from init import folders, log, paths, selinux
from init.errors import SandboxError
from init.mounts import find
from init.session import foreign_modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.mounts import Mount
    from init.session.plan import Needs


def home() -> str:
    """Return the agent's home directory, or one under /tmp for a UID that may not write there.

    Raises:
        SandboxError: neither can be used.
    """
    if os.access(paths.HOME, os.W_OK):
        return paths.HOME
    own = f"/tmp/home-{os.getuid()}"  # noqa: S108 - made by us alone, or refused
    try:
        os.makedirs(own, 0o700, exist_ok=True)
        usable = os.stat(own, follow_symlinks=False).st_uid == os.getuid()
    except OSError:
        usable = False
    if not usable:
        raise SandboxError(f"UID {os.getuid()} can write neither {paths.HOME} nor {own}", "Leave --user out.")
    return own


def require(table: Iterable[Mount], needs: Needs) -> None:
    """Warn or stop where what the agent works on is not there, or cannot be written.

    Raises:
        SandboxError: data/ cannot be written, or workspace/ is writable in the mount table but not for us.
    """
    if not needs.places:
        return
    table = tuple(table)
    for directory, name, what in (
        (paths.WORKSPACE, "workspace", "what the tool writes"),
        (paths.DATA, "data", "its sessions"),
    ):
        if find(table, directory) is None:
            log.warning(
                f"no {name} is mounted: {what} will be lost with this container",
                fix=f"Mount a folder: -v ./{name}:{directory}",
            )
    workspace = find(table, paths.WORKSPACE)
    if workspace is not None and workspace.read_only:
        log.warning("the workspace is mounted read-only: the tool can read it and change nothing")
    else:
        require_writable(paths.WORKSPACE, "workspace/")
    # An earlier session may have locked it; in the workspace it would have been the user.
    folders.open_own(paths.DATA)
    require_writable(paths.DATA, "data/")
    if needs.files:
        foreign_modules.tell(paths.WORKSPACE)


def require_writable(directory: str, name: str) -> None:
    """Write a block to a file that has no name, which is gone when it is closed; open(2), O_TMPFILE.

    Raises:
        SandboxError: it cannot be written; says what to do.
    """
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, b"\0" * 4096)
        finally:
            os.close(descriptor)
    except OSError as error:
        # Network and desktop filesystems may not know O_TMPFILE; permission is all that is asked then.
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL) and os.access(directory, os.W_OK):
            return
        raise SandboxError(
            f"{name} ({directory}) cannot be written by {_who()}: {error.strerror}",
            _fix(error, directory, name),
        ) from error


def _fix(error: OSError, directory: str, name: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Make room on the disk that holds {name}."
    if error.errno == errno.EROFS:
        return f"Mount {name} writable (no :ro)."
    if error.errno == errno.EACCES and selinux.confines():
        return selinux.ADVICE
    with contextlib.suppress(OSError):
        if os.stat(directory).st_uid == os.getuid():
            return f"Let its owner write there: on the host, chmod u+rwx {name}"
    return f"Let it own the folder: on the host, sudo chown -R {os.getuid()}:{os.getgid()} {name}"


def _who() -> str:
    return f"UID {os.getuid()} GID {os.getgid()}"
