"""Asks the model servers, and writes for each tool the files and variables that name them.

PID 1 runs it before the tool: sandbox-connect [--lenient]. With --lenient a server that cannot be used is
only warned of, for a shell is of use without one.
"""

from __future__ import annotations

import os
import sys

from init import log, paths, program, tools
from init.errors import SandboxError
from init.model import configuration, handover
from init.model.catalogue import MOST_SHOWN, ambiguous, resolve
from init.model.servers import Places
from init.record import Record
from init.session import link, menu, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from init.model.servers import Server
    from init.settings import Settings


class Entry(Record):
    """A line of the menu."""

    name: str
    title: str


def main(arguments: list[str]) -> int:
    """Connect the tools with their models; return the exit code."""
    return program.run(connect, arguments)


def connect(settings: Settings, arguments: list[str]) -> int:
    """Write what the tools need, or nothing where no server is named.

    Raises:
        SandboxError: a setting or a server cannot be used.
    """
    home, is_lenient = places.home(), "--lenient" in arguments
    try:
        handover.clear(home)
        via = settings.gateway
        # PID 1 has waited for the gateway, and told why it is not there.
        if not (is_lenient and via and not link.is_there(via)):
            provide(home, settings, via)
    except SandboxError as error:
        if not is_lenient:
            raise
        log.warning(error.what, fix=error.fix)
    return 0


def provide(home: str, settings: Settings, via: str) -> None:
    """Ask the servers and write the tools' files.

    Args:
        home: the agent's.
        settings: the session's.
        via: the gateway's place, "" where there is no gateway.

    Raises:
        SandboxError: a setting or a server cannot be used.
    """
    configured = configuration.read(settings.model, warn, Places(via=via))
    if not configured.servers:
        return

    def ask(server: Server, ids: Sequence[str]) -> str:
        if not menu.is_interactive() or len(ids) > MOST_SHOWN:
            raise ambiguous(server, ids)
        entries = [Entry(model, "") for model in ids]
        answer = menu.ask(entries, 0, sys.stderr, settings.menu_timeout, "model")
        if answer is None:
            raise ambiguous(server, ids)
        return answer.name

    catalogue = resolve(configured, ask, warn)
    handover.write(home, catalogue, tools.load(paths.DEFINITIONS).values(), os.environ)
    handover.tell(catalogue)


def warn(what: str, fix: str) -> None:
    """Tell what works, but not as the user may think."""
    log.warning(what, **({"fix": fix} if fix else {}))
