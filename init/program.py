"""What each program of this package does first and last: umask, settings, log, an exit code for errors."""

from __future__ import annotations

import os

from init import log, settings, signals
from init.errors import EX_SIGNALLED, EX_SOFTWARE, Interrupted, SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

UMASK = 0o027


def run(body: Callable[[settings.Settings, list[str]], int], arguments: list[str]) -> int:
    """Call the body with the settings and these arguments; return the exit code, its own or an error's."""
    os.umask(UMASK)
    log.configure(as_json=os.environ.get("SANDBOX_LOG") == "json")
    try:
        wanted = settings.read(os.environ)
        log.configure(as_json=wanted.log_json, level=wanted.log_level)
        return body(wanted, arguments)
    except SandboxError as error:
        log.error(error.what, fix=error.fix)
        return error.exit_code
    except Interrupted as stop:
        return EX_SIGNALLED + stop.signum
    except KeyboardInterrupt:
        return EX_SIGNALLED + signals.signal.SIGINT
    except Exception as error:
        if os.environ.get("SANDBOX_LOG_LEVEL") == "debug":
            raise
        log.error(f"internal error: {error!r}", fix="SANDBOX_LOG_LEVEL=debug shows where. Please report it.")
        return EX_SOFTWARE
