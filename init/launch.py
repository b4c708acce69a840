"""What a tool is started with: argv, environment, working directory, and its files in their places."""

from __future__ import annotations

import errno
import os
import stat

from init import log, names
from init.errors import SandboxError
from init.identity import HOME, NAME, SHELL
from init.mounts import DATA, WORKSPACE, find
from init.supervise import Command
from init.tools import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from init.mounts import Mount
    from init.tools import Tool

# config/ and .opencode/ are mounted here as folders: a file mounted by itself goes stale when an editor
# replaces it, becomes a folder when it is missing, and breaks on Docker Desktop inside another mount.
CONFIG = "/etc/sandbox/config"
DEFINITIONS = f"{CONFIG}/tools.yml"

# Below home: what sandbox-connect wrote for the tools, and the variables that go with it.
RENDERED = ".sandbox/models"
VARIABLES = "variables"

CONNECT, DOCTOR = "/usr/local/bin/sandbox-connect", "/usr/local/bin/sandbox-doctor"

# Of folders that hold nothing but links to files that anyone in the container may read.
OPEN, CLOSED = 0o755, 0o555

# What the agent can write comes last, so that nothing planted there shadows a program of the image.
PATH = ":".join((
    "/opt/tools/bin", "/opt/python/bin", "/opt/rust/bin",
    "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    f"{HOME}/.local/bin", f"{DATA}/npm/bin", f"{DATA}/cargo/bin",
))  # fmt: skip


def home() -> str:
    """Return the agent's home directory, or one under /tmp for a UID that may not write there.

    Raises:
        SandboxError: neither can be used.
    """
    if os.access(HOME, os.W_OK):
        return HOME
    own = f"/tmp/home-{os.getuid()}"  # noqa: S108 - made by us alone, or refused
    try:
        os.makedirs(own, 0o700, exist_ok=True)
        usable = os.stat(own, follow_symlinks=False).st_uid == os.getuid()
    except OSError:
        usable = False
    if not usable:
        raise SandboxError(f"UID {os.getuid()} can write neither {HOME} nor {own}", "Leave --user out.")
    return own


def check_places(table: Iterable[Mount]) -> None:
    """Warn or stop where what the agent works on is not there, or cannot be written.

    Raises:
        SandboxError: data/ cannot be written, or workspace/ is writable in the mount table but not for us.
    """
    table = tuple(table)
    for directory, name, what in (
        (WORKSPACE, "workspace", "what the tool writes"),
        (DATA, "data", "its sessions"),
    ):
        if find(table, directory) is None:
            log.warning(
                f"no {name} is mounted: {what} will be lost with this container",
                fix=f"Mount a folder: -v ./{name}:{directory}",
            )
    workspace = find(table, WORKSPACE)
    if workspace is not None and workspace.read_only:
        log.warning("the workspace is mounted read-only: the tool can read it and change nothing")
    else:
        require_writable(WORKSPACE, "workspace/")
    require_writable(DATA, "data/")


def environment(tool: Tool, home_directory: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables the tool gets: those of the container, the agent's own, and the definition's."""
    defined = {key: place(value, home_directory) for key, value in tool.environment.items()}
    return {**environ, **agent_variables(home_directory), **defined}


def agent_variables(home_directory: str) -> dict[str, str]:
    """Return the variables that tell a program who and where the agent is.

    Raises:
        SandboxError: home cannot be written.
    """
    own = {"HOME": home_directory, "PATH": PATH, "SHELL": SHELL, "USER": NAME, "LOGNAME": NAME}
    try:
        return {**own, **model_variables(home_directory), **names.variables(home_directory)}
    except OSError as error:
        raise SandboxError(
            f"cannot write {error.filename}: {error.strerror}", f"{home_directory} needs to be writable."
        ) from error


def rendered(home_directory: str) -> str:
    """Return the folder of what sandbox-connect writes."""
    return f"{home_directory}/{RENDERED}"


def model_variables(home_directory: str) -> dict[str, str]:
    """Return the variables that name the models, none where no model server is configured."""
    path = f"{rendered(home_directory)}/{VARIABLES}"
    try:
        # The agent owns it, and may have made a pipe of it, or anything else.
        if not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
            return {}
        with open(path, encoding="utf-8", errors="surrogateescape", opener=_open_at_once) as file:
            entries = file.read(1 << 20).split("\0")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in entries if "=" in entry[1:])


def command(tool: Tool, arguments: Sequence[str], home_directory: str, environ: Mapping[str, str]) -> Command:
    """Return what to run for this tool with these arguments."""
    program = find_program(tool.command[0]) or tool.command[0]
    return Command(
        argv=(program, *tool.command[1:], *arguments),
        environ=environment(tool, home_directory, environ),
        directory=WORKSPACE,
    )


def find_program(name: str) -> str | None:
    """Return the absolute path of a program on the agent's PATH, None where there is none."""
    return locate(name, PATH)


def shell(arguments: Sequence[str], home_directory: str, environ: Mapping[str, str]) -> Command:
    """Return what to run for a shell in the tool's place: the same agent, folder and variables."""
    own = {**environ, **agent_variables(home_directory)}
    return Command(argv=(SHELL, *arguments), environ=own, directory=WORKSPACE)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def connection(home_directory: str, environ: Mapping[str, str], *, lenient: bool) -> Command:
    """Return what to run to have the models ready for the tools; see connect.py."""
    own = {**environ, "HOME": home_directory}
    return Command(argv=(CONNECT, *(("--lenient",) if lenient else ())), environ=own, directory=WORKSPACE)


def doctor(arguments: Sequence[str], home_directory: str, environ: Mapping[str, str]) -> Command:
    """Return what to run for the sandbox to examine itself."""
    return Command(
        argv=(DOCTOR, *arguments), environ={**environ, "HOME": home_directory}, directory=WORKSPACE
    )


def install_files(tools: Iterable[Tool], home_directory: str, table: Iterable[Mount]) -> None:
    """Make the tools' state directories and link their configuration to where they read it.

    All of them, since one tool or a shell may start another. A mount of the user's own at such a place is
    left alone. The folders in home that hold the links are closed afterwards: a tool that finds its own
    writable installs packages there from the network (opencode does).

    Raises:
        SandboxError: data/ or the home directory cannot be written.
    """
    own = {mount.path for mount in table if mount.path.startswith(f"{HOME}/")} - {WORKSPACE, DATA}
    for tool in tools:
        try:
            _install(tool, home_directory, own)
        except OSError as error:
            raise SandboxError(
                f"cannot prepare {tool.name}: {error.filename}: {error.strerror}",
                "Check that data/ belongs to you and has room, and that home is not mounted read-only.",
            ) from error


def _install(tool: Tool, home_directory: str, own: Iterable[str]) -> None:
    for directory in tool.state:
        os.makedirs(f"{DATA}/{directory}", 0o750, exist_ok=True)
    for file in tool.config:
        target = place(file.target, home_directory)
        if any(target == path or target.startswith(f"{path}/") for path in own):
            continue
        folder = os.path.dirname(target)
        closable = file.target.startswith("~/") and folder != home_directory
        ours = f"{rendered(home_directory)}/{file.source}"
        link(ours if os.path.exists(ours) else f"{CONFIG}/{file.source}", target, closable=closable)


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
            log.warning(f"{target} is not the sandbox's: it is moved to {target}.replaced")
            os.replace(target, f"{target}.replaced")
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


def place(template: str, home_directory: str) -> str:
    """Replace a leading ``~`` by the home directory and a leading ``{data}`` by data/."""
    if template == "~" or template.startswith("~/"):
        return home_directory + template[1:]
    return DATA + template.removeprefix("{data}") if template.startswith("{data}") else template


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
            f"{name} ({directory}) cannot be written by {_who()}: {error.strerror}", _fix(error, name)
        ) from error


def _fix(error: OSError, name: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Make room on the disk that holds {name}."
    if error.errno == errno.EROFS:
        return f"Mount {name} writable (no :ro)."
    return f"Let it own the folder: on the host, sudo chown -R {os.getuid()}:{os.getgid()} {name}"


def _who() -> str:
    return f"UID {os.getuid()} GID {os.getgid()}"
