"""PID 1: the root phase prepares the container and gives root up; the session phase runs one tool."""

import os
import sys

from init import signals

# Before anything else: until a signal is blocked, PID 1 loses it.
signals.block()

from init import identity, log, mounts, ownership, privileges, settings  # noqa: E402
from init.errors import Interrupted, SandboxError  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from init.tools import Tool

UMASK = 0o027
EX_SOFTWARE = 70  # sysexits.h: an internal software error was found
# What a session is: the same interpreter and package, run as the agent. -I and -S: no environment variable,
# no .pth file and no sitecustomize has a say.
SESSION = (sys.executable, "-I", "-S", "/opt/sandbox/__main__.py")


def main(arguments: list[str]) -> int:
    """Run the phase that this process is in; return the exit code."""
    os.umask(UMASK)
    log.configure(as_json=os.environ.get("SANDBOX_LOG") == "json")
    try:
        wanted = settings.read(os.environ)
        log.configure(as_json=wanted.log_json, level=wanted.log_level)
        if os.geteuid() == 0:
            root_phase(wanted, arguments)
        return session_phase(wanted, arguments)
    except SandboxError as error:
        log.error(error.what, fix=error.fix)
        return error.exit_code
    except Interrupted as stop:
        return 128 + stop.signum
    except Exception as error:
        if os.environ.get("SANDBOX_LOG_LEVEL") == "debug":
            raise
        log.error(f"internal error: {error!r}", fix="SANDBOX_LOG_LEVEL=debug shows where. Please report it.")
        return EX_SOFTWARE


def root_phase(wanted: settings.Settings, arguments: list[str]) -> "NoReturn":
    """Do what needs root, then become the agent."""
    capabilities = privileges.require_capabilities()
    privileges.require_pid_one()
    table = mounts.read_table()
    agent = identity.choose(wanted, mounts.owner(table, mounts.WORKSPACE))
    identity.apply(agent)
    asked = wanted.puid is not None or wanted.pgid is not None
    ownership.claim_all(mounts.to_claim(table, agent, asked=asked), table, agent)
    privileges.lock_down(capabilities)
    privileges.become(identity.NAME, [*SESSION, *arguments])


def session_phase(wanted: settings.Settings, arguments: list[str]) -> int:
    """Choose a tool and run it to its end."""
    from init import config, launch, menu, supervise, tools

    privileges.seal_session()
    table = mounts.read_table()
    launch.check_places(table)
    home = launch.home()
    if wanted.shell:
        return supervise.run(launch.shell(arguments, home, os.environ), wanted.grace, lambda: "resume")
    installed = tools.available(tools.load(launch.DEFINITIONS), wanted.tools, launch.PATH)
    tool = choose(wanted, installed)
    if tool is None:
        log.info("no tool chosen")
        return 0
    config.check(tool)
    launch.install_files(tool, home, table)

    def ask() -> "supervise.Answer":
        with signals.interruptible():
            answer = menu.ask_stopped(tool.name, 0, sys.stderr)
        return launch.shell((), home, os.environ) if answer == "shell" else answer

    return supervise.run(launch.command(tool, arguments, home, os.environ), wanted.grace, ask)


def choose(wanted: settings.Settings, installed: "tuple[Tool, ...]") -> "Tool | None":
    """Take the tool that was named, the only one, or the answer of whoever is at the terminal."""
    from init import menu, tools

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
