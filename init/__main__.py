"""PID 1: the root phase prepares the container and gives root up; the session phase runs one tool."""

from __future__ import annotations

import os
import sys

from init import signals

# Before anything else: until a signal is blocked, PID 1 loses it.
signals.block()

from init import accounts, log, mounts, paths, program  # noqa: E402
from init.errors import SandboxError  # noqa: E402
from init.root import claims, ownership, privileges, user_namespace  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from init import settings
    from init.session import supervise
    from init.tools import Tool


def main(arguments: list[str]) -> int:
    """Start the sandbox; return the exit code."""
    return program.run(start, arguments)


def start(wanted: settings.Settings, arguments: list[str]) -> int:
    """Run the phase that this process is in."""
    if os.geteuid() == 0:
        root_phase(wanted, arguments)
    return session_phase(wanted, arguments)


def root_phase(wanted: settings.Settings, arguments: list[str]) -> NoReturn:
    """Do what needs root, then become the agent."""
    privileges.require_pid_one()
    privileges.require_capabilities()
    table = mounts.read_table()
    owner = mounts.owner(table, paths.WORKSPACE)
    user_namespace.require_own_files(wanted, owner and owner[0], user_namespace.read_map())
    agent = accounts.choose(wanted, owner)
    accounts.apply(agent)
    asked = wanted.puid is not None or wanted.pgid is not None
    ownership.claim_all(claims.targets(table, agent, asked=asked), table, agent)
    privileges.lock_down()
    privileges.become(agent, paths.ENTRYPOINT, arguments)


def session_phase(wanted: settings.Settings, arguments: list[str]) -> int:
    """Choose a tool and run it to its end."""
    from init import tools
    from init.guard import session
    from init.session import config_files, environment, menu, model_step, places, seal, supervise

    seal.session(wanted.seccomp)
    seal.adopt_orphans()
    home = places.home()
    table = mounts.read_table()
    if wanted.doctor:
        # It lets the tools try the model, so it is watched as any session.
        doctor = environment.doctor(arguments, home, os.environ)
        return session.run(lambda: supervise.run(doctor, wanted.grace, lambda: "resume"), wanted, table)
    places.require(table)
    definitions = tools.load(paths.DEFINITIONS)
    if wanted.shell:
        stopped = model_step.connect(wanted, home)
        if stopped:
            return stopped
        config_files.install(definitions.values(), home, table)
        bash = environment.shell(arguments, home, os.environ)
        return session.run(lambda: supervise.run(bash, wanted.grace, lambda: "resume"), wanted, table)
    installed = tools.available(definitions, wanted.tools, paths.PATH)
    tool = choose(wanted, installed)
    if tool is None:
        log.info("no tool chosen")
        return 0
    config_files.check(tool)
    failed = model_step.connect(wanted, home, tool)
    if failed:
        return failed
    config_files.install(definitions.values(), home, table)

    def ask() -> supervise.Answer:
        with signals.interruptible():
            answer = menu.ask_stopped(tool.name, 0, sys.stderr)
        try:
            return environment.shell((), home, os.environ) if answer == "shell" else answer
        except SandboxError as error:
            log.error(error.what, fix=error.fix)
            return "resume"

    command = environment.command(tool, arguments, home, os.environ)
    return session.run(lambda: supervise.run(command, wanted.grace, ask), wanted, table)


def choose(wanted: settings.Settings, installed: tuple[Tool, ...]) -> Tool | None:
    """Take the tool that was named, the only one, or the answer of whoever is at the terminal."""
    from init import tools
    from init.session import menu

    if wanted.default_tool:
        return tools.named(wanted.default_tool, installed)
    if len(installed) == 1:
        return installed[0]
    if not menu.terminal():
        log.info(f"no terminal to ask at: starting {installed[0].name}, the first in TOOLS")
        return installed[0]
    with signals.interruptible():
        return menu.ask(installed, 0, sys.stderr, wanted.menu_timeout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
