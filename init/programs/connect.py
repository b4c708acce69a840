"""Asks the model servers, and writes for each tool the files and variables that name them.

PID 1 runs it before the tool: sandbox-connect [--for TOOL | --lenient]. A server that cannot be used, or not
by this tool, is an error; with --lenient it is only warned of, for a shell is of use without one. While the
menu is shown, it runs it with --survey: it writes nothing, and says on stdout which tools the server does not
suit, with the reason, each in a line.
"""

from __future__ import annotations

import os
import sys

from init import log, paths, program, tools
from init.errors import SandboxError
from init.model import apis, configuration, handover
from init.model.catalogue import MOST_SHOWN, ambiguous, resolve
from init.model.servers import Places
from init.record import Record
from init.session import link, menu, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from init.model.catalogue import Catalogue
    from init.model.servers import Server
    from init.settings import Settings
    from init.tools import Tool


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
        if "--survey" in arguments:
            survey(settings)
            return 0
        handover.clear(home)
        via = settings.gateway
        # PID 1 has waited for the gateway, and told why it is not there.
        if not (is_lenient and via and not link.is_there(via)):
            provide(home, settings, via, arguments[1] if "--for" in arguments else "")
    except SandboxError as error:
        if not is_lenient:
            raise
        log.warning(error.what, fix=error.fix)
    return 0


def survey(settings: Settings) -> None:
    """Say which tools the server does not suit; nothing where that is not known.

    Raises:
        SandboxError: a setting or a server cannot be used, or several models are served.
    """

    def ask(server: Server, ids: Sequence[str]) -> NoReturn:
        raise ambiguous(server, ids)

    configured = configuration.read(settings.model, _unheard, Places(via=settings.gateway))
    if configured.servers:
        catalogue = resolve(configured, ask, _unheard)
        for name, reason in apis.unfit(tools.load(paths.DEFINITIONS).values(), catalogue).items():
            print(name, reason)  # noqa: T201 - what was asked for


def provide(home: str, settings: Settings, via: str, tool: str) -> None:
    """Ask the servers and write the tools' files.

    Args:
        home: the agent's.
        settings: the session's.
        via: the gateway's place, "" where there is no gateway.
        tool: which is started, "" for none.

    Raises:
        SandboxError: a setting or a server cannot be used, or not by this tool.
    """
    configured = configuration.read(settings.model, warn, Places(via=via))
    if not configured.servers:
        return

    def ask(server: Server, ids: Sequence[str]) -> str:
        if not menu.is_interactive() or len(ids) > MOST_SHOWN:
            raise ambiguous(server, ids)
        entries = [Entry(model, "") for model in ids]
        answer = menu.ask(entries, 0, sys.stderr, settings.menu_timeout, what="model")
        if answer is None:
            raise ambiguous(server, ids)
        return answer.name

    catalogue = resolve(configured, ask, warn)
    definitions = tools.load(paths.DEFINITIONS)
    started = definitions.get(tool)
    if started is None:
        every = tools.installed(definitions, paths.PATH)
        handover.write(home, catalogue, every, os.environ, warned=True)
    else:
        suit(started, catalogue)
        handover.write(home, catalogue, (started,), os.environ)
    handover.tell(catalogue)


def suit(tool: Tool, catalogue: Catalogue) -> None:
    """Look whether the main model and its server are of use to a tool; a small context is warned of.

    Raises:
        SandboxError: the server does not speak what the tool does.
    """
    provider, model = catalogue.main()
    if apis.lacks(provider, tool.api):
        raise SandboxError(*apis.missing(provider, tool.api, (tool.name,)))
    if reason := apis.too_small(tool, model):
        warn(reason, "Start the server with more, or take another tool.")


def _unheard(_what: str, _fix: str) -> None:
    """Nobody listens: what is told is told when a tool is started."""


def warn(what: str, fix: str) -> None:
    """Tell what works, but not as the user may think."""
    log.warning(what, **({"fix": fix} if fix else {}))
