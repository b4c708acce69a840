"""The tools' configuration files: checked, and linked from config/ to where each tool reads them."""

from __future__ import annotations

import contextlib
import errno
import os

from init import log, paths
from init.errors import SandboxError
from init.formats import prebuilt, small_file
from init.formats.entries import correct, is_missing, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.mounts import Mount
    from init.tools import Tool

# What symlink(2) says where there are none.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
# Of folders that hold nothing but links to files that anyone in the container may read.
OPEN, CLOSED = 0o755, 0o555


def check(tool: Tool | None) -> None:
    """Parse each configuration file of the tool that is started, if one is.

    A missing file is warned of: the tool starts with its own defaults.

    Raises:
        SandboxError: a file is not valid, or a link that leads nowhere; says where.
    """
    if tool is None:
        return
    good = prebuilt.read()
    for file in tool.config:
        path = os.path.normpath(f"{paths.CONFIG}/{file.source}")
        name = paths.on_host(path)
        try:
            text = small_file.text(path)
            problem = None if text in good else _fault(file.source, text)
        except IsADirectoryError:
            continue
        except (OSError, UnicodeError) as error:
            if is_missing(error):
                log.warning(f"{name} is missing: {tool.name} starts without it")
                continue
            raise unreadable(name, error) from error
        if problem:
            raise SandboxError(f"{name}, which {tool.name} reads, is not valid: {problem}", correct(name))


def _fault(name: str, text: str) -> str | None:
    # Loaded where a file is not as shipped: json and re take as long as the interpreter's start.
    from init.formats import syntax

    return syntax.fault(name, text)


def install(tools: Iterable[Tool], home_directory: str, table: Iterable[Mount]) -> None:
    """Make the tools' state directories, and link or copy their configuration to where they read it.

    All of them, since one tool or a shell may start another. A mount of the user's own at such a place is
    left alone. The folders in home that hold the links are closed afterwards: a tool that finds its own
    writable installs packages there from the network (opencode does).

    Raises:
        SandboxError: data/ or the home directory cannot be written.
    """
    own = {mount.path for mount in table if mount.path.startswith(f"{paths.HOME}/")} - {
        paths.WORKSPACE,
        paths.DATA,
    }
    for tool in tools:
        try:
            provide(tool, home_directory, paths.DATA, own)
        except OSError as error:
            # Of a link, the first name is what it leads to.
            place = error.filename2 or error.filename
            fix = "Check that data/ belongs to you and has room, and that home is not mounted read-only."
            if error.filename2 and error.errno in _NO_LINKS:
                fix = "The file system knows no symbolic links (exFAT, CIFS). Put data/ elsewhere: DATA_DIR."
            raise SandboxError(f"cannot prepare {tool.name}: {place}: {error.strerror}", fix) from error


def provide(tool: Tool, home_directory: str, data: str, own: Iterable[str] = ()) -> None:
    """Make a tool's state directories below data/, or a folder like it, and put its files in place.

    Args:
        tool: whose they are.
        home_directory: the agent's.
        data: the folder.
        own: mounts of the user's own, which are left alone.

    Raises:
        OSError: that cannot be.
    """
    for directory in tool.state:
        _provide(directory, data)
    for file in tool.config:
        target = paths.place(file.target, home_directory, data)
        if any(target == path or target.startswith(f"{path}/") for path in own):
            continue
        folder = os.path.dirname(target)
        closable = file.target.startswith("~/") and folder != home_directory
        ours = f"{paths.rendered_folder(home_directory)}/{file.source}"
        link(ours if os.path.exists(ours) else f"{paths.CONFIG}/{file.source}", target, closable=closable)
    for file in tool.seed:
        _seed(f"{paths.CONFIG}/{file.source}", paths.place(file.target, home_directory, data))


def _seed(source: str, target: str) -> None:
    """Copy a file that the tool changes itself to its place, unless anything is there, be it a link.

    Raises:
        OSError: its place cannot be written.
        SandboxError: it cannot be read, and is there.
    """
    if os.path.lexists(target):
        return
    try:
        content = small_file.read(source, small_file.MOST)
    except OSError as error:
        if not is_missing(error):
            raise unreadable(paths.on_host(source), error) from error
        log.debug(f"{paths.on_host(source)} is missing: {target} is not made of it")
        return
    os.makedirs(os.path.dirname(target), OPEN, exist_ok=True)
    # It follows no link that somebody has made in the meantime, and takes no other file's place.
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)


def _provide(directory: str, data: str) -> None:
    """Make a folder below data/, and move aside what is in its way: an agent could forbid every start."""
    path = data
    for name in directory.split("/"):
        path = f"{path}/{name}"
        if os.path.lexists(path) and not os.path.isdir(path):
            _move_aside(path)
    os.makedirs(path, 0o750, exist_ok=True)


def _move_aside(path: str) -> None:
    log.warning(f"{path} is not the sandbox's: it is moved to {path}.replaced")
    os.replace(path, f"{path}.replaced")


def link(source: str, target: str, *, closable: bool = False) -> None:
    """Make target a symbolic link to source, and move aside whatever else is there.

    Args:
        source: a path below the read-only configuration.
        target: where the tool reads it.
        closable: whether the folder holds nothing but such links, and is left unwritable.
    """
    source, folder = os.path.normpath(source), os.path.dirname(target)
    present = _points_to(target)
    if present != source:
        os.makedirs(folder, OPEN, exist_ok=True)
        if closable:
            os.chmod(folder, OPEN)
        if present is None and os.path.lexists(target):
            # An earlier session's, then: the configuration that counts is the one in config/.
            _move_aside(target)
        elif present is not None:
            os.unlink(target)
        os.symlink(source, target)
    if closable:
        os.chmod(folder, CLOSED)


def _points_to(path: str) -> str | None:
    """Return where a symbolic link points, None for anything else."""
    try:
        return os.readlink(path)
    except OSError:
        return None
