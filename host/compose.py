"""Every command line of `docker compose`, and what Compose makes of compose.yml, .env and the environment.

Nothing else reads those: what start.sh wants to know is in Compose's own answer, variables under `x-start`.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host import answers, containers
from host.errors import HostError
from host.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from host.checkout import Checkout
    from host.supervisor import Supervisor

FILE = "compose.yml"
# Gives the project its name.
PROJECT_FILE = Path(__file__).parent / "project.yml"
OVERRIDES = tuple(
    f"{name}.override.{ending}" for name in ("compose", "docker-compose") for ending in ("yml", "yaml")
)
SERVICE, GATEWAY = "sandbox", "gateway"
# What is added where a network takes the place of the gateway, the value of EGRESS that asks for it, and the
# version of Compose that can read it.
OPEN_FILE, OPEN, READS_OPEN = "compose.open.yml", "open", "2.24"
WORKSPACE = "/home/agent/workspace"
# Where the gateway finds the list, and the keys.
CONFIG, KEYS = "/etc/sandbox/config", "/etc/sandbox/keys"
# Where the own folders of sandbox and gateway are mounted.
PLACES = (WORKSPACE, "/home/agent/data", CONFIG, KEYS)
# The extension field of compose.yml that shows variables, which Compose tells nowhere else.
SHOWN = "x-start"


@dataclass(frozen=True)
class Compose:
    """How Compose is called for this checkout.

    Attributes:
        root: the checkout's folder, where .env is.
        files: the compose files, the checkout's own first.
        environ: the environment that Compose is given.
    """

    root: Path
    files: tuple[Path, ...]
    environ: Mapping[str, str]

    def command(self, *words: str) -> list[str]:
        """Return a command line of `docker compose`."""
        named = [word for file in (PROJECT_FILE, *self.files) for word in ("--file", str(file))]
        return ["docker", "compose", "--project-directory", str(self.root), *named, *words]

    def run(
        self,
        options: Iterable[str],
        variables: Mapping[str, str],
        arguments: Iterable[str],
        service: str = SERVICE,
    ) -> list[str]:
        """Return the command line that runs the sandbox, or another service.

        Args:
            options: of `docker compose run`.
            variables: set in the container, over what compose.yml says.
            arguments: of the sandbox.
            service: which one it is.
        """
        settings = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        return self.command("run", "--rm", *options, *settings, service, *arguments)

    @contextlib.contextmanager
    def extended(self, more: Mapping[str, object]) -> Iterator[Compose]:
        """Have it with one more file, of this content, for a while."""
        with tempfile.NamedTemporaryFile(
            "w", prefix="agentic-sandbox-", suffix=".yml", encoding="utf-8"
        ) as file:
            json.dump(more, file)
            file.flush()
            yield replace(self, files=(*self.files, Path(file.name)))

    def with_file(self, name: str) -> Compose:
        """Return it with one more of the checkout's files, after the others."""
        file = self.root / name
        return self if file in self.files else replace(self, files=(*self.files, file))

    def given(self, **variables: str) -> Compose:
        """Return it with more in the environment."""
        return replace(self, environ={**self.environ, **variables})


@dataclass(frozen=True)
class Configuration:
    """What Compose understood.

    Attributes:
        project: the project's name.
        projects: names under which a sandbox of this folder may run, Compose's own among them.
        image: the name of the sandbox's image.
        environment: what the sandbox is given; empty and unset are the same.
        folders: what is mounted as its own folders: workspace, data, configuration.
        others: what else is mounted from this machine, and has to be there.
        workspace: the one of these that is its workspace, None where nothing is mounted there.
        networks: the names of its networks that Compose makes.
        variables: what is set in the environment or .env, of what compose.yml shows.
        has_gateway: whether the sandbox has a gateway in place of a network.
        keys: the folder of files with keys, which the gateway gets; None without one.
        config: the folder config/, None where nothing is mounted there.
        of_gateway: what the gateway is given, or would be.
        runtime: the sandbox's OCI runtime, "" for the engine's default.
        by_network: whether its gateway is reached by a network: host/inside.py decides that.
    """

    project: str
    projects: tuple[str, ...]
    image: str
    environment: Mapping[str, str]
    folders: tuple[Path, ...]
    others: tuple[Path, ...]
    workspace: Path | None
    networks: tuple[str, ...]
    variables: Mapping[str, str]
    has_gateway: bool = False
    keys: Path | None = None
    config: Path | None = None
    of_gateway: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""
    by_network: bool = False

    @property
    def egress(self) -> str:
        """What a session may reach: open, model or list."""
        return self.of_gateway.get("EGRESS") or ("model" if self.has_gateway else "open")

    def provide_folders(self) -> None:
        """Make what is missing of the sandbox's own folders; other mounts have to be there.

        Raises:
            HostError: one cannot be made, or is not there.
        """
        for source in self.others:
            if not source.exists():
                raise HostError(
                    f"{source} is to be mounted, and is not there.",
                    "SESSION_CA, EXTRA_CA_FILE or a compose file of your own names it.",
                )
        try:
            for folder in self.folders:
                if not folder.exists():
                    # Another start may make it meanwhile.
                    folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(
                f"the folder {error.filename} cannot be made: {error.strerror}.",
                "It is mounted into the sandbox: see WORKSPACE_DIR, DATA_DIR and CONFIG_DIR in .env.",
            ) from error


def read(
    supervisor: Supervisor, checkout: Checkout, environ: Mapping[str, str], limit: float | None = None
) -> tuple[Compose, Configuration]:
    """Ask Compose what it makes of the files and settings; limit is the most seconds for an answer.

    Raises:
        HostError: it refuses them; its own words are on stderr.
    """
    compose = by_environment(checkout, environ)
    configuration = _configuration(supervisor, compose, limit)
    # .env may name more files, and ask for a network.
    named, between = configuration.variables.get("COMPOSE_FILE", ""), separator(configuration.variables)
    chosen = compose.files if "COMPOSE_FILE" in compose.environ else files(checkout.root, named, between)
    chosen = with_network(checkout.root, chosen, configuration.variables.get("EGRESS", ""))
    if chosen == compose.files:
        return compose, configuration
    compose = replace(compose, files=chosen)
    return compose, _configuration(supervisor, compose, limit)


def with_network(root: Path, chosen: tuple[Path, ...], egress: str) -> tuple[Path, ...]:
    """Return the compose files with the one that gives a network, where EGRESS asks for it."""
    own = root / OPEN_FILE
    return (*chosen, own) if egress == OPEN and own not in chosen else chosen


def by_environment(checkout: Checkout, environ: Mapping[str, str]) -> Compose:
    """Return how Compose is called by what the environment says, .env not asked."""
    named = environ.get("COMPOSE_FILE", "")
    listed = listed_files(checkout.root, named, separator(environ))
    if named and not listed:
        # Another project's hides not what .env names.
        foreign = ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR")
        environ = {name: value for name, value in environ.items() if name not in foreign}
    environ = {**environ, "SANDBOX_PROJECT": containers.project(checkout.root)}
    chosen = with_network(checkout.root, listed or own_files(checkout.root), environ.get("EGRESS", ""))
    return Compose(checkout.root, chosen, environ)


def separator(variables: Mapping[str, str]) -> str:
    """Return what stands between the names in COMPOSE_FILE."""
    return variables.get("COMPOSE_PATH_SEPARATOR") or ":"


def files(root: Path, named: str, between: str = ":") -> tuple[Path, ...]:
    """Return the compose files that count: those that are named, or the checkout's own."""
    return listed_files(root, named, between) or own_files(root)


def own_files(root: Path) -> tuple[Path, ...]:
    """Return the checkout's own compose files."""
    return (root / FILE, *[root / name for name in OVERRIDES if (root / name).is_file()][:1])


def listed_files(root: Path, named: str, between: str) -> tuple[Path, ...]:
    """Return the files that COMPOSE_FILE names; none where it has no say.

    COMPOSE_FILE may be of another project, in a shell that works on both: it counts where it begins with this
    checkout's own file, and all it names is there.

    Args:
        root: the checkout's folder, from which names count.
        named: COMPOSE_FILE.
        between: what stands between its names.
    """
    listed = tuple(root / name for name in named.split(between) if name)
    if listed and _same(listed[0], root / FILE) and all(file.is_file() for file in listed):
        return listed
    if listed:
        say(f"warning: COMPOSE_FILE={named} is ignored: it does not begin with this checkout's {FILE}"
            ", or not all of it is there")  # fmt: skip
    return ()


def understand(told: Mapping[str, Any], root: Path) -> Configuration:
    """Return what matters of the output of `docker compose config --format json`, of a checkout's folder."""
    service: dict[str, Any] = told["services"][SERVICE]
    gateway: dict[str, Any] = told["services"].get(GATEWAY) or {}
    project, ours = _plain(told["name"]), containers.project(root)
    networks = [
        (told.get("networks") or {}).get(name) or {} for name in (gateway or service).get("networks") or ()
    ]
    mounted = {
        # The short form of a mount has it made.
        volume["target"]: (
            Path(_plain(volume["source"])),
            (volume.get("bind") or {}).get("create_host_path", False),
        )
        for volume in (*(service.get("volumes") or ()), *(gateway.get("volumes") or ()))
        if volume["type"] == "bind"
    }
    return Configuration(
        project=project,
        # Who chose a name means that one.
        projects=(project, containers.by_hand(root)) if project == ours else (project,),
        image=_plain(service["image"]),
        environment=_values(service.get("environment")),
        folders=tuple(source for target, (source, make) in mounted.items() if make or target in PLACES),
        others=tuple(
            source for target, (source, make) in mounted.items() if not make and target not in PLACES
        ),
        workspace=mounted[WORKSPACE][0] if WORKSPACE in mounted else None,
        networks=tuple(_plain(one["name"]) for one in networks if "name" in one and not one.get("external")),
        variables=_values(told.get(SHOWN)),
        has_gateway=bool(gateway),
        keys=mounted[KEYS][0] if KEYS in mounted else None,
        config=mounted[CONFIG][0] if CONFIG in mounted else None,
        of_gateway=_values((gateway or service).get("environment")),
        runtime=_plain(service.get("runtime") or ""),
    )


def _configuration(supervisor: Supervisor, compose: Compose, limit: float | None) -> Configuration:
    answer = supervisor.ask(compose.command("config", "--format", "json"), compose.environ, limit)
    try:
        if answer.code == 0:
            return understand(answers.parse(answer.output), compose.root)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        answer = answer._replace(errors=f"{answer.errors}\nits answer has another form: {error!r}")
    opened = any(file.name == OPEN_FILE for file in compose.files)
    raise HostError(
        "Compose refuses these settings:", *filter(str.strip, answer.errors.splitlines()),
        "Mend .env, the environment, or the compose file that it names.",
        *([f"EGRESS={OPEN} needs Compose {READS_OPEN} or newer."] if opened else []),
    )  # fmt: skip


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _values(told: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: _plain(str(value)) for name, value in (told or {}).items() if value not in (None, "")}


def _plain(text: str) -> str:
    """Compose doubles each $, so that its output can be its input again."""
    return text.replace("$$", "$")
