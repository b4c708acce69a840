"""PID 1: the root phase prepares the container and gives root up; the session phase runs one program."""

from __future__ import annotations

import os
import sys

from init import accounts, mounts, paths, program, signals
from init.root import claims, exposures, ownership, privileges, surroundings, user_namespace
from init.settings import REVIEWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from init.settings import Settings


def main(arguments: list[str]) -> int:
    """Start the sandbox; return the exit code."""
    # The image's entry point has done so before Python began, to lose none; another start has not.
    signals.block()
    return program.run(start, arguments)


def start(settings: Settings, arguments: list[str]) -> int:
    """Run the phase that this process is in."""
    if settings.keeps_hangups:
        signals.keep_hangups()
    if os.geteuid() == 0:
        root_phase(settings, arguments)
    return session_phase(settings, arguments)


def root_phase(settings: Settings, arguments: list[str]) -> NoReturn:
    """Do what needs root, then become the agent."""
    privileges.require_pid_one()
    privileges.require_capabilities()
    table = mounts.read_table()
    # Before anything is changed: what is mounted as the workspace may be the machine.
    around = surroundings.look(table)
    exposures.require_places(around)
    exposures.require(exposures.find(around), settings.allow_unsafe)
    owner = mounts.owner(table, paths.WORKSPACE)
    user_namespace.require_own_files(settings, owner and owner[0], user_namespace.read_map())
    agent = accounts.choose(settings, owner)
    accounts.apply(agent)
    # Who only looks at a copy changes no owner of the user's files, unless the agent could do nothing there.
    spared = settings.session in REVIEWS and owner is not None and owner[0] == agent.uid
    given = claims.targets(table, agent, asked=settings.asks_for_ids, workspace=not spared)
    ownership.claim_all(given, table, agent)
    privileges.lock_down()
    privileges.become(agent, paths.ENTRYPOINT, arguments)


def session_phase(settings: Settings, arguments: list[str]) -> int:
    """Choose the session, prepare what it needs, and run it under the workspace guard."""
    # Here, so that the root phase does not load it.
    from init.guard import elsewhere
    from init.guard import session as guarded
    from init.session import (
        authorities,
        changes,
        config_files,
        git_identity,
        link,
        model_step,
        places,
        plan,
        seal,
        supervise,
        term,
        terminal,
        untold,
    )

    if settings.tasks:
        from init.session import task_file, turn

        settings, arguments = task_file.taken(settings, arguments, os.environ)
        turn.hold()
    seal.session(settings.seccomp, os.getpid())
    seal.adopt_orphans()
    table = mounts.read_table()
    # Again, since there may have been no root phase, and it is the agent's own eyes that count.
    exposures.tell(exposures.require(exposures.find(surroundings.look(table)), settings.allow_unsafe))
    needs = plan.NEEDS[settings.session]
    changed = changes.begin(settings, needs, table)
    places.require(table, needs)
    link.require(settings, needs)
    link.wait(settings, needs)
    untold.tell()
    term.settle(os.environ, places.home())
    if needs.files:
        elsewhere.tell(paths.WORKSPACE, copy=settings.copy)
    chosen = plan.choose(settings)
    config_files.check(chosen.tool)
    model_step.connect(chosen, settings)
    config_files.install(chosen.tools, chosen.home, table)
    authorities.install(chosen.home, os.environ)
    git_identity.install(chosen.home, os.environ)
    command, when_stopped = plan.command(chosen, arguments, os.environ), plan.when_stopped(chosen, os.environ)
    terminal.give_size()
    way_out = link.Link() if settings.gateway and needs.gateway != "none" else None

    def run() -> int:
        changed.wait()
        code = supervise.run(command, settings.grace, when_stopped, way_out, settings.limit)
        changed.look_again(settings.grace)
        return code

    def before_telling() -> None:
        terminal.clear()
        changed.tell()

    code = guarded.run(run, settings, table, before_telling)
    return untold.settle(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
