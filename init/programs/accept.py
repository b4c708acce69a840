"""Takes a quarantine of the workspace guard back into the workspace: sandbox-accept [NAME]."""

from __future__ import annotations

import sys

from init import log, paths, program
from init.errors import SandboxError
from init.guard import acceptance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.settings import Settings


def main(arguments: list[str]) -> int:
    """Put a quarantine's files into their places, or list the quarantines; return the exit code."""
    return program.run(accept, arguments)


def accept(_settings: Settings, arguments: list[str]) -> int:
    """Take one quarantine back; without a name, list what there is.

    Raises:
        SandboxError: there is none of this name, or it cannot be read.
    """
    present = acceptance.present(paths.QUARANTINE)
    if not arguments:
        sys.stdout.write("".join(f"{log.printable(name)}\n" for name in present))
        return 0
    if len(arguments) > 1 or not acceptance.exists(paths.QUARANTINE, arguments[0]):
        raise SandboxError(
            f"there is no quarantine {' '.join(arguments)!r}", f"There are: {', '.join(present) or 'none'}."
        )
    try:
        outcomes = acceptance.accept(paths.WORKSPACE, f"{paths.QUARANTINE}/{arguments[0]}")
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"the quarantine {arguments[0]} cannot be read: {error}", "Look at it in data/quarantine."
        ) from error
    for outcome in outcomes:
        log.info(f"{outcome.path}: {outcome.what}{outcome.why and ': '}{outcome.why}")
    return int(any(outcome.what == "failed" for outcome in outcomes))
