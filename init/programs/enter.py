"""A command, or a shell, as the agent in a sandbox that runs: what `docker exec` alone would do as root.

docker exec -it CONTAINER sandbox-enter [COMMAND [ARGUMENT...]]
"""

from __future__ import annotations

import os

from init import paths, processes, program, signals
from init.accounts import Identity
from init.cluster import without_services
from init.errors import SandboxError
from init.root import privileges
from init.session import environment, places, seal, supervise, term

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.settings import Settings


def main(arguments: list[str]) -> int:
    """Run the command in place of this process; return an exit code only where that fails."""
    return program.run(enter, arguments)


def enter(settings: Settings, arguments: list[str]) -> int:
    """Become the agent, lose what the session lost, and run the command.

    Raises:
        SandboxError: it cannot be run.
    """
    first = init()
    # Before the agent can write into our memory, proc(5): what it starts there would be level with PID 1.
    os.nice(max(0, supervise.NICE - os.getpriority(os.PRIO_PROCESS, 0)))
    if os.geteuid() == 0:
        privileges.require_capabilities()
        privileges.lock_down()
        # While we are root: as the agent we are open to it until seal.session(), which comes too late.
        seal.calls(settings.seccomp, first)
        privileges.become(agent(), paths.ENTER, arguments)
    seal.session(settings.seccomp, first)
    command, *rest = arguments or [paths.SHELL]
    home = places.home()
    term.settle(os.environ, home)
    path = command if "/" in command else environment.find_program(command)
    if path is None:
        raise SandboxError(f"there is no program {command}", "Name one that the agent's PATH finds.")
    # The doctor tries what each pod is told of.
    told = dict(os.environ) if path == paths.DOCTOR else without_services(os.environ)
    variables = {**told, **environment.agent_variables(home, os.environ)}
    if os.getcwd() == "/":  # the image's own: nobody chose another
        os.chdir(paths.WORKSPACE)
    # Python ignores some, become() blocked all, and both stay so.
    signals.reset()
    try:
        os.execve(path, [command, *rest], variables)  # noqa: S606 - exec without a shell is the point
    except OSError as error:
        raise SandboxError(f"cannot run {command}: {error.strerror}", "Check its name and mode.") from error


def agent() -> Identity:
    """Return the IDs of PID 1, which is the session."""
    with open("/proc/1/status", encoding="ascii", errors="replace") as status:
        fields = dict(line.split(":", 1) for line in status)
    return Identity(int(fields["Uid"].split()[0]), int(fields["Gid"].split()[0]))


def init() -> int:
    """Return who the init of the session is.

    PID 1, mostly; below `docker run --init`, or where pods share their processes, who began first of those
    that run its program: nothing in a session can have begun before.
    """
    # First, and alone: the agent chooses what all others say of themselves.
    if paths.ENTRYPOINT in processes.arguments(1):
        return 1
    found = [
        (process.began, process.pid)
        for process in processes.every()
        if paths.ENTRYPOINT in processes.arguments(process.pid)
    ]
    return min(found)[1] if found else 1
