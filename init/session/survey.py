"""Which tools are of no use with the model server at hand: asked while somebody looks at the menu.

By a program of its own, as all that is asked of a server. The menu does not wait for it, and who has chosen
before it answers learns it from sandbox-connect.
"""

from __future__ import annotations

import os

from init import paths, signals
from init.errors import EX_NOT_EXECUTABLE
from init.session import environment, model_step, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from init.session.supervise import Command
    from init.settings import Settings
    from init.tools import Tool

# Bytes of all reasons.
_MOST = 4096


def begin(tools: Iterable[Tool], settings: Settings) -> Survey | None:
    """Start asking, if there is a server, and any tool needs more than every server has."""
    picky = any(tool.api != "chat" or tool.context for tool in tools)
    if not (picky and (settings.asks_for_model or model_step.described())):
        return None
    return Survey(environment.program(paths.CONNECT, ("--survey",), places.home(), os.environ))


class Survey:
    """The program, and what it says: the name of a tool and a reason in each line."""

    def __init__(self, command: Command) -> None:
        self._answer, inlet = os.pipe2(os.O_CLOEXEC)
        self._pid = os.fork()
        if self._pid == 0:
            _become(command, inlet)
        os.close(inlet)

    def fileno(self) -> int:
        """Return what can be read when it has answered."""
        return self._answer

    def read(self) -> dict[str, str]:
        """Return the reasons, by name; none where there is no answer."""
        lines = os.read(self._answer, _MOST).decode(errors="replace").splitlines()
        return {name: reason for name, _, reason in (line.partition(" ") for line in lines) if reason}

    def end(self) -> None:
        """Stop it: somebody has chosen."""
        os.close(self._answer)
        signals.send(self._pid, signals.SIGKILL)
        os.waitpid(self._pid, 0)


def _become(command: Command, inlet: int) -> NoReturn:
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for source, descriptor in ((null, 0), (inlet, 1), (null, 2)):
            os.dup2(source, descriptor)
        signals.reset()
        os.execve(command.argv[0], list(command.argv), command.environ)  # noqa: S606 - exec without a shell is the point
    finally:
        os._exit(EX_NOT_EXECUTABLE)
