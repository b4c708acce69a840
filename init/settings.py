"""Environment variables to one frozen, validated object."""

from __future__ import annotations

from init.errors import SandboxError
from init.log import LEVELS
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# gosu takes no larger one.
MAX_ID = 2**31 - 1
DEFAULT_GRACE = 5.0
# Any of these asks for a model server.
MODEL = ("MODEL_URL", "MODEL_ID", "MODEL_CONTEXT", "MODEL_OUTPUT")


class Settings(Record):
    """What the user asked for. A variable that is unset or empty takes its default.

    Attributes:
        puid: UID the agent shall have, or None for the owner of the workspace.
        pgid: GID the agent shall have, or None for the group of the workspace.
        tools: names in the menu's order, or None for all that are defined.
        default_tool: the tool to start without asking, or None.
        shell: whether a shell is started in the tool's place.
        doctor: whether the sandbox examines itself in the tool's place.
        model: whether variables name a model server, see servers.py; None where none is wanted.
        seccomp: whether the session's own filter is on, leaves room for a debugger, or is off.
        guard: whether what the session wrote is left alone, reported or quarantined.
        menu_timeout: seconds the menu waits for a first answer; 0 waits for ever.
        grace: seconds between SIGTERM and SIGKILL.
        log_json: whether log lines are JSON.
        log_level: the lowest level that is written.
    """

    puid: int | None
    pgid: int | None
    tools: tuple[str, ...] | None
    default_tool: str | None
    shell: bool
    doctor: bool
    model: bool | None
    seccomp: str
    guard: str
    menu_timeout: float
    grace: float
    log_json: bool
    log_level: str


def read(environ: Mapping[str, str]) -> Settings:
    """Validate every variable.

    Raises:
        SandboxError: names every bad variable at once.
    """
    reader = _Reader(environ)
    shell = reader.choice("SANDBOX_SHELL", ("0", "1", "plain"))
    settings = Settings(
        puid=reader.account_id("PUID", "id -u"),
        pgid=reader.account_id("PGID", "id -g"),
        tools=reader.names("TOOLS"),
        default_tool=environ.get("DEFAULT_TOOL") or None,
        shell=shell != "0",
        doctor=reader.choice("SANDBOX_DOCTOR", ("0", "1")) == "1",
        model=None if shell == "plain" else any(environ.get(name) for name in MODEL),
        seccomp=reader.choice("SANDBOX_SECCOMP", ("on", "debug", "off")),
        guard=reader.choice("SANDBOX_GUARD", ("report", "block", "off")),
        menu_timeout=reader.seconds("MENU_TIMEOUT", 10.0),
        grace=reader.seconds("SANDBOX_GRACE", DEFAULT_GRACE),
        log_json=reader.choice("SANDBOX_LOG", ("human", "json")) == "json",
        log_level=reader.choice("SANDBOX_LOG_LEVEL", tuple(LEVELS), "info"),
    )
    if reader.problems:
        raise SandboxError("; ".join(reader.problems), " ".join(dict.fromkeys(reader.fixes)))
    return settings


class _Reader:
    """Collects what is wrong instead of stopping at the first fault."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.fixes: list[str] = []

    def _bad(self, name: str, why: str, fix: str) -> None:
        value = self.environ[name]
        shown = value if len(value) <= 40 else value[:40] + "…"
        self.problems.append(f"{name}={shown!r} {why}")
        self.fixes.append(fix)

    def account_id(self, name: str, command: str) -> int | None:
        value = self.environ.get(name, "")
        if not value:
            return None
        digits = value.isascii() and value.isdigit() and len(value) <= len(str(MAX_ID))
        if digits and value[0] != "0" and int(value) <= MAX_ID:
            return int(value)
        why = "would be root" if digits and int(value) == 0 else f"is not a whole number from 1 to {MAX_ID}"
        self._bad(
            name, why, f"Set {name} in .env or the environment to what `{command}` prints, or leave it out."
        )
        return None

    def names(self, name: str) -> tuple[str, ...] | None:
        value = self.environ.get(name, "")
        if not value:
            return None
        parts = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
        if not parts:
            self._bad(
                name, "names no tool", f"Set {name} to names separated by commas, such as opencode,omp."
            )
        return parts

    def seconds(self, name: str, default: float) -> float:
        value = self.environ.get(name, "")
        if not value:
            return default
        whole, _, part = value.partition(".")
        if value.isascii() and whole.isdigit() and (part.isdigit() or part == "") and float(value) <= 86400:
            return float(value)
        self._bad(
            name, "is not a number of seconds from 0 to 86400", f"Set {name} to one, such as {default:g}."
        )
        return default

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.environ.get(name) or default or allowed[0]
        if value not in allowed:
            self._bad(name, "is not known", f"{name} is one of {', '.join(allowed)}.")
        return value
