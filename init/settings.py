"""Environment variables to one frozen, validated object."""

from __future__ import annotations

from init import listeners
from init.errors import SandboxError
from init.log import LEVELS
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# gosu takes no larger one.
MAX_ID = 2**31 - 1
DEFAULT_GRACE = 5.0
# What runs in the container: the tool; the same with one prompt and nobody there; bash in its place, with the
# models or without; the examination of everything; what puts a quarantine back; what looks at a copy of the
# workspace; what a task in a cluster needs before and after it, init/pod/.
SESSIONS = (
    "tool", "task", "shell", "plain", "doctor", "accept", "diff", "apply", "fetch", "result", "unpack",
)  # fmt: skip
# Those that look at a copy of the workspace: no agent runs in them.
REVIEWS = ("diff", "apply")
# Nothing that an agent writes meanwhile is in the workspace of these.
UNGUARDED = (*REVIEWS, "fetch", "result", "unpack")
# What names the model server; init/model/configuration.py reads it.
MODEL = (
    "MODEL_URL", "MODEL_ID", "MODEL_CONTEXT", "MODEL_OUTPUT", "MODEL_TOOLS", "MODEL_API_KEY",
    "MODEL_API_KEY_FILE", "MODEL_CA",
)  # fmt: skip
# What a session may reach: by its gateway the model servers, or what is on the list, too; or everything.
EGRESS = ("model", "list", "open")
# What a container may be given that leads out of it: it stops the start, unless it is allowed by its name.
UNSAFE = (
    "engine-socket", "host-root", "host-network", "host-processes", "devices", "kernel-files",
    "cluster-token",
)  # fmt: skip
# How it reaches its gateway: by sockets on a volume, without a network; by a network that has nothing else.
VIA = ("sockets", "network")
# Any of these asks for a model server.
ASKING = ("MODEL_URL", "MODEL_ID", "MODEL_CONTEXT", "MODEL_OUTPUT")


class Settings(Record):
    """What the user asked for. A variable that is unset or empty takes its default.

    Attributes:
        puid: UID the agent shall have, or None for the owner of the workspace.
        pgid: GID the agent shall have, or None for the group of the workspace.
        tools: names in the menu's order, or None for all that are defined.
        default_tool: the tool to start without asking, or None.
        session: what runs, one of SESSIONS.
        model: the variables of MODEL that are set, by name.
        gateway: the place of the gateway, see init/listeners.py; "" where there is none.
        egress_via: how it is reached, one of VIA.
        egress: what the session may reach, one of EGRESS; where nobody says, what is there: a gateway or not.
        host: what start.sh tells of the machine, as JSON, "" where nothing does.
        seccomp: whether the session's own filter is on, leaves room for a debugger, or is off.
        allow_unsafe: what of UNSAFE the container may be given.
        guard: whether what the session wrote is left alone, reported or quarantined.
        keeps_hangups: whether a hang-up ends nothing, since the session outlives its terminal.
        copy: whether the workspace is a copy, which is this session's alone.
        changes: whether what changed in the workspace's repositories is told: `stat`, or `off`.
        repositories: folders of git's outside of the workspace, mounted at the paths that it names.
        menu_timeout: seconds the menu waits for a first answer; 0 waits for ever.
        grace: seconds between SIGTERM and SIGKILL.
        limit: seconds that what runs may take; 0 lets it run.
        tasks: the folder of a list's tasks in a cluster, one of which is this session's; "" for none.
        log_json: whether log lines are JSON.
        log_level: the lowest level that is written.
    """

    puid: int | None
    pgid: int | None
    tools: tuple[str, ...] | None
    default_tool: str | None
    session: str
    model: Mapping[str, str]
    gateway: str
    egress_via: str
    egress: str
    host: str
    seccomp: str
    allow_unsafe: tuple[str, ...]
    guard: str
    keeps_hangups: bool
    copy: bool
    changes: str
    repositories: tuple[str, ...]
    menu_timeout: float
    grace: float
    limit: float
    tasks: str
    log_json: bool
    log_level: str

    @property
    def asks_for_ids(self) -> bool:
        """Whether the user says who the agent is."""
        return self.puid is not None or self.pgid is not None

    @property
    def asks_for_model(self) -> bool:
        """Whether variables name a model server."""
        return any(name in self.model for name in ASKING)


def read(environ: Mapping[str, str]) -> Settings:
    """Validate every variable.

    Raises:
        SandboxError: names every bad variable at once.
    """
    reader = _Reader(environ)
    session = reader.session()
    settings = Settings(
        puid=reader.account_id("PUID", "id -u"),
        pgid=reader.account_id("PGID", "id -g"),
        tools=reader.names("TOOLS"),
        default_tool=environ.get("DEFAULT_TOOL") or None,
        session=session,
        model={name: environ[name] for name in MODEL if environ.get(name)},
        gateway=reader.gateway(),
        egress_via=reader.via(),
        egress=reader.choice("EGRESS", EGRESS, "model" if environ.get("SANDBOX_GATEWAY") else "open"),
        host=environ.get("SANDBOX_HOST", ""),
        seccomp=reader.choice("SANDBOX_SECCOMP", ("on", "debug", "off")),
        allow_unsafe=reader.some_of("SANDBOX_ALLOW_UNSAFE", UNSAFE),
        guard=reader.guard(session),
        keeps_hangups=reader.choice("SANDBOX_HANGUP", ("end", "keep")) == "keep",
        copy=reader.choice("SANDBOX_COPY", ("0", "1")) == "1",
        changes=reader.choice("SANDBOX_CHANGES", ("stat", "off")),
        repositories=reader.folders("SANDBOX_REPOSITORIES"),
        menu_timeout=reader.seconds("MENU_TIMEOUT", 10.0),
        grace=reader.seconds("SANDBOX_GRACE", DEFAULT_GRACE),
        limit=reader.seconds("SANDBOX_LIMIT", 0.0),
        tasks=reader.tasks(session),
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

    def session(self) -> str:
        """Return which session it is; SANDBOX_DOCTOR=1 and SANDBOX_SHELL=1 are short for two of them."""
        doctor = self.choice("SANDBOX_DOCTOR", ("0", "1"))
        shell = self.choice("SANDBOX_SHELL", ("0", "1", "plain"))
        short = "doctor" if doctor == "1" else {"1": "shell", "plain": "plain"}.get(shell, "tool")
        return self.choice("SANDBOX_SESSION", SESSIONS, short)

    def guard(self, session: str) -> str:
        guard = self.choice("SANDBOX_GUARD", ("report", "block", "off"))
        if session in UNGUARDED:
            # Who takes a copy asks the guard itself: what is taken is what is asked for.
            return "off"
        # What was accepted just now is told, and not taken away again.
        return "report" if (session, guard) == ("accept", "block") else guard

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

    def some_of(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        parts = (part.strip() for part in self.environ.get(name, "").split(","))
        chosen = tuple(dict.fromkeys(part for part in parts if part))
        unknown = [part for part in chosen if part not in known]
        if unknown:
            self._bad(
                name, f"has what is not known: {', '.join(unknown)}",
                f"{name} takes, separated by commas: {', '.join(known)}.",
            )  # fmt: skip
        return chosen

    def folders(self, name: str) -> tuple[str, ...]:
        parts = tuple(part for part in self.environ.get(name, "").split(":") if part)
        if not all(part.startswith("/") for part in parts):
            self._bad(
                name, "is not absolute", f"{name} is set by ./start.sh --with-repository: leave it out."
            )
        return parts

    def tasks(self, session: str) -> str:
        folder = self.environ.get("SANDBOX_TASKS", "")
        if folder and (session != "task" or not folder.startswith("/")):
            why = (
                "is not absolute"
                if session == "task"
                else f"is for a task, and this is SANDBOX_SESSION={session}"
            )
            self._bad("SANDBOX_TASKS", why, "deploy/kubernetes/job sets it: leave it out elsewhere.")
        return folder

    def via(self) -> str:
        """Return how the gateway is reached; who says its address has said so."""
        named = self.environ.get("SANDBOX_GATEWAY", "").startswith(listeners.TCP)
        return "network" if named else self.choice("EGRESS_VIA", VIA)

    def gateway(self) -> str:
        setting = self.environ.get("SANDBOX_GATEWAY", "")
        if not listeners.is_place(setting):
            self._bad(
                "SANDBOX_GATEWAY", "is neither the name of a folder nor tcp:ADDRESS",
                "start.sh and compose.yml set it; in Kubernetes it is tcp: and the address of the gateway.",
            )  # fmt: skip
        return listeners.place(setting)

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
