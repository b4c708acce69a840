"""What each program of this package does first and last: umask, settings, log, an exit code for errors."""

from __future__ import annotations

import os
import sys

from init import log, signals
from init.errors import EX_SIGNALLED, EX_SOFTWARE, EX_UNTOLD, Finished, Interrupted, SandboxError
from init.settings import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from init.settings import Settings

UMASK = 0o027


def run(body: Callable[[Settings, list[str]], int], arguments: list[str]) -> int:
    """Call the body with the settings and these arguments; return the exit code, its own or an error's."""
    code = _run(body, arguments)
    return code if _flush() else code or EX_UNTOLD


def _run(body: Callable[[Settings, list[str]], int], arguments: list[str]) -> int:
    os.umask(UMASK)
    log.configure(as_json=os.environ.get("SANDBOX_LOG") == "json")
    try:
        settings = read(os.environ)
        log.configure(as_json=settings.log_json, level=settings.log_level)
        return body(settings, arguments)
    except SandboxError as error:
        log.error(error.what, fix=error.fix)
        return error.exit_code
    except Finished as end:
        return end.code
    except Interrupted as stop:
        return EX_SIGNALLED + stop.signum
    except KeyboardInterrupt:
        return EX_SIGNALLED + signals.SIGINT
    except Exception as error:
        if os.environ.get("SANDBOX_LOG_LEVEL") == "debug":
            raise
        log.error(f"internal error: {error!r}", fix="SANDBOX_LOG_LEVEL=debug shows where. Please report it.")
        return EX_SOFTWARE


def _flush() -> bool:
    """Write out what is buffered; return whether it went out. Left to Python, a failure is exit code 120."""
    flushed = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            flushed = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return flushed
