"""What a program of the session is started with: argv, environment, working directory."""

from __future__ import annotations

import os
import stat

from init import handed_over, paths
from init.accounts import NAME
from init.cluster import without_services
from init.errors import SandboxError
from init.session import authorities, link, nss_wrapper
from init.session.supervise import Command
from init.tools import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from init.tools import Tool


def command(
    tool: Tool, arguments: Sequence[str], home: str, environ: Mapping[str, str], data: str = ""
) -> Command:
    """Return what to run for this tool with these arguments; its state is in data/, or another folder."""
    path = find_program(tool.command[0]) or tool.command[0]
    return Command(
        argv=(path, *tool.command[1:], *arguments),
        environ=environment(tool, home, environ, data),
        directory=paths.WORKSPACE,
    )


def shell(arguments: Sequence[str], home: str, environ: Mapping[str, str]) -> Command:
    """Return what to run for a shell in the tool's place: the same agent, folder and variables."""
    own = {**without_services(environ), **agent_variables(home, environ)}
    return Command(argv=(paths.SHELL, *arguments), environ=own, directory=paths.WORKSPACE)


def program(path: str, arguments: Sequence[str], home: str, environ: Mapping[str, str]) -> Command:
    """Return what to run of the sandbox's own programs."""
    return Command(
        argv=(path, *arguments),
        environ={**environ, "HOME": home},
        directory=paths.WORKSPACE,
    )


def find_program(name: str) -> str | None:
    """Return the absolute path of a program on the agent's PATH, None where there is none."""
    return locate(name, paths.PATH)


def environment(tool: Tool, home: str, environ: Mapping[str, str], data: str = "") -> dict[str, str]:
    """Return the variables the tool gets: those of the container, the agent's own, and the definition's."""
    defined = {key: paths.place(value, home, data) for key, value in tool.environment.items()}
    return {**without_services(environ), **agent_variables(home, environ), **defined}


def agent_variables(home: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tell a program who and where the agent is.

    Raises:
        SandboxError: home cannot be written.
    """
    own = {"HOME": home, "PATH": paths.PATH, "SHELL": paths.SHELL, "USER": NAME, "LOGNAME": NAME}
    try:
        added = {**link.variables(environ), **model_variables(home), **authorities.variables(home, environ)}
        return {**own, **added, **nss_wrapper.variables(home, environ)}
    except OSError as error:
        raise SandboxError(
            f"cannot write {error.filename}: {error.strerror}", f"{home} needs to be writable."
        ) from error


def model_variables(home: str) -> dict[str, str]:
    """Return the variables that name the models, and no others; none where no model server is configured."""
    path = f"{paths.rendered_folder(home)}/{paths.VARIABLES}"
    try:
        # The agent owns it, and may have made a pipe of it, or anything else.
        if not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
            return {}
        with open(path, encoding="utf-8", errors="surrogateescape", opener=_open_at_once) as file:
            entries = file.read(1 << 20).split("\0")
    except OSError:
        return {}
    variables = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return {name: value for name, value in variables.items() if handed_over.is_one(name)}


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
