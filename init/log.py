"""Structured log lines on stderr, so that a tool's stdout stays its own.

structlog takes five times as long to import as the interpreter takes to start, so only lines of JSON are its
business: those for a person, of which most starts write one, are made here.
"""

from __future__ import annotations

from init import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_as_json = False
_threshold = LEVELS["info"]
_logger: Any = None
# Warnings and errors that nobody was told, since they could not be written.
_untold: list[str] = []


def configure(*, as_json: bool, level: str = "info") -> None:
    """Choose the form of the lines and the lowest level that is written (a key of LEVELS)."""
    global _as_json, _threshold, _logger
    _as_json, _threshold, _logger = as_json, LEVELS[level], None


def debug(event: str, **fields: object) -> None:
    """Write what only someone looking for a fault wants to see."""
    _write("debug", event, fields)


def info(event: str, **fields: object) -> None:
    """Write what a user should know although nothing is wrong."""
    _write("info", event, fields)


def warning(event: str, **fields: object) -> None:
    """Write what works, but not as the user may think."""
    _write("warning", event, fields)


def error(event: str, **fields: object) -> None:
    """Write why the start cannot go on."""
    _write("error", event, fields)


def human(event: MutableMapping[str, Any]) -> str:
    """Render one event: ``sandbox: level: event (key=value, ...)``, its details, and what to do about it."""
    level, text = event.pop("level"), event.pop("event")
    fix, details = event.pop("fix", None), event.pop("details", "")
    fields = ", ".join(f"{key}={value}" for key, value in event.items())
    line = f"sandbox: {level}: {text}" + (f" ({fields})" if fields else "")
    lines = [printable(line), *(printable(detail) for detail in str(details).splitlines())]
    return "\n".join(lines) + (f"\n  {printable(str(fix))}" if fix else "")


def printable(text: str) -> str:
    """Escape what is not printable: settings and file names are quoted, and none may steer the terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def redact(secret: str, text: str) -> str:
    """Return text without a secret, as it is and as JSON writes it; some servers echo the key."""
    # PID 1 loads this module, and has no secret to hide: it is spared json.
    import json

    for form in (secret, json.dumps(secret)[1:-1]):
        text = text.replace(form, "***") if form else text
    return text


def untold() -> tuple[str, ...]:
    """Return the warnings and errors that could not be written, as they would have been."""
    return tuple(_untold)


def _write(level: str, event: str, fields: dict[str, object]) -> None:
    if LEVELS[level] < _threshold:
        return
    if _as_json:
        getattr(_configured(), level)(event, **fields)
    else:
        getattr(_Stderr(), level)(human({"level": level, "event": event, **fields}))


class _Stderr:
    """Where the lines go."""

    def tell(self, line: str) -> None:
        """Write what the user may miss."""
        output.tell(f"{line}\n")

    def insist(self, line: str) -> None:
        """Write what the user must not miss."""
        if not output.tell(f"{line}\n"):
            _untold.append(line)

    debug = info = tell
    warning = error = insist


def _configured() -> Any:
    global _logger  # noqa: PLW0603 - built once, with the first line
    if _logger is None:
        import structlog

        _logger = structlog.wrap_logger(
            _Stderr(),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(_threshold),
        )
    return _logger
