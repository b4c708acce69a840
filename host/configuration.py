"""What Compose understood of compose.yml, .env and the environment, as far as start.sh wants to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from host import containers
from host.errors import HostError
from host.interpolation import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE, GATEWAY = "sandbox", "gateway"
WORKSPACE, DATA = "/home/agent/workspace", "/home/agent/data"
# Where the gateway finds the list, and the keys.
CONFIG, KEYS = "/etc/sandbox/config", "/etc/sandbox/keys"
# Where the own folders of sandbox and gateway are mounted.
PLACES = (WORKSPACE, DATA, CONFIG, KEYS)
# The extension field of compose.yml that shows variables, which Compose tells nowhere else.
SHOWN = "x-start"


class Build(NamedTuple):
    """An image that this checkout builds: its name, and what Compose tells of the build."""

    image: str
    section: Mapping[str, Any]


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
        builds: what is built, by the service.
        has_gateway: whether the sandbox has a gateway in place of a network.
        keys: the folder of files with keys, which the gateway gets; None without one.
        config: the folder config/, None where nothing is mounted there.
        of_gateway: what the gateway is given, or would be.
        runtime: the sandbox's OCI runtime, "" for the engine's default.
        by_network: whether its gateway is reached by a network: host/inside.py decides that.
        data: the one of the folders that is its data/, None where nothing is mounted there.
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
    builds: Mapping[str, Build] = field(default_factory=dict)
    has_gateway: bool = False
    keys: Path | None = None
    config: Path | None = None
    of_gateway: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""
    by_network: bool = False
    data: Path | None = None

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


def understand(told: Mapping[str, Any], root: Path) -> Configuration:
    """Return what matters of the output of `docker compose config --format json`, of a checkout's folder."""
    service: dict[str, Any] = told["services"][SERVICE]
    gateway: dict[str, Any] = told["services"].get(GATEWAY) or {}
    project, ours = plain(told["name"]), containers.project(root)
    networks = [
        (told.get("networks") or {}).get(name) or {} for name in (gateway or service).get("networks") or ()
    ]
    mounted = {
        # The short form of a mount has it made.
        volume["target"]: (
            Path(plain(volume["source"])),
            (volume.get("bind") or {}).get("create_host_path", False),
        )
        for volume in (*(service.get("volumes") or ()), *(gateway.get("volumes") or ()))
        if volume["type"] == "bind"
    }
    return Configuration(
        project=project,
        # Who chose a name means that one.
        projects=(project, containers.by_hand(root)) if project == ours else (project,),
        image=plain(service["image"]),
        environment=_values(service.get("environment")),
        folders=tuple(source for target, (source, make) in mounted.items() if make or target in PLACES),
        others=tuple(
            source for target, (source, make) in mounted.items() if not make and target not in PLACES
        ),
        workspace=mounted[WORKSPACE][0] if WORKSPACE in mounted else None,
        networks=tuple(plain(one["name"]) for one in networks if "name" in one and not one.get("external")),
        variables=_values(told.get(SHOWN)),
        builds={
            name: Build(plain(one["image"]), one["build"])
            for name, one in told["services"].items()
            if one.get("build") and one.get("image")
        },
        has_gateway=bool(gateway),
        keys=mounted[KEYS][0] if KEYS in mounted else None,
        config=mounted[CONFIG][0] if CONFIG in mounted else None,
        of_gateway=_values((gateway or service).get("environment")),
        runtime=plain(service.get("runtime") or ""),
        data=mounted[DATA][0] if DATA in mounted else None,
    )


def _values(told: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: plain(str(value)) for name, value in (told or {}).items() if value not in (None, "")}
