"""The model that --demo brings along: service `model` of compose.yml, and what the sandbox is told of it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from host import containers
from host.configuration import SERVICE as SANDBOX
from host.errors import HostError
from host.messages import say
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.compose import Compose
    from host.configuration import Configuration
    from host.supervisor import Child, Supervisor

SERVICE = "model"
PROFILE = "demo"
MAGIC = b"GGUF"
GIGABYTE = 1 << 30
# Gigabytes for what llama.cpp computes with besides the model: the context above all.
WORKING_MEMORY = 8
# Seconds until the model's container must be there, before a signal is passed on all the same.
CREATING = 20.0
# Seconds to remove it.
REMOVING = 60.0
# The server that is configured otherwise has no say: what is empty is asked of the demo's own.
SERVER = {
    "MODEL_URL": "http://model:8080/v1", "MODEL_ID": "", "MODEL_CONTEXT": "", "MODEL_OUTPUT": "",
    "MODEL_API_KEY": "", "MODEL_API_KEY_FILE": "", "MODEL_CA": "", "MODEL_TOOLS": "",
}  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """What the demo adds to a start.

    Attributes:
        settings: what Compose is told.
        variables: what the sandbox is told.
    """

    settings: Mapping[str, str]
    variables: Mapping[str, str]


def plan(checkout: Checkout, configuration: Configuration, environ: Mapping[str, str]) -> Demo:
    """Look at what was asked for, before anything is started.

    Raises:
        HostError: MODEL_GGUF names no model.
    """
    # Compose knows the service only with it.
    profiles = ",".join(filter(None, (environ.get("COMPOSE_PROFILES"), PROFILE)))
    named = configuration.variables.get("MODEL_GGUF")
    if not named:
        # The toy would take a description of tools for something to go on with.
        return Demo({"COMPOSE_PROFILES": profiles}, {**SERVER, "MODEL_TOOLS": "off"})
    # From the environment it is relative to where start.sh was called from, from .env to the folder of .env.
    file = locate(named, checkout.caller if environ.get("MODEL_GGUF") else checkout.root)
    require_model(file)
    memory = configuration.variables.get("DEMO_MEMORY") or memory_for(file.stat().st_size)
    return Demo({"COMPOSE_PROFILES": profiles, "MODEL_GGUF": str(file), "DEMO_MEMORY": memory}, SERVER)


def locate(named: str, folder: Path) -> Path:
    """Return the file that a user names, where no shell has replaced the ~.

    Raises:
        HostError: nobody knows what ~ is.
    """
    if not named.startswith("~/"):
        return folder / named
    try:
        return Path.home() / named[2:]
    except RuntimeError as error:
        raise HostError(
            f"MODEL_GGUF={named}: there is no home folder, for HOME is not set and you have no account.",
            "Name the file from the root, /.",
        ) from error


def require_model(file: Path) -> None:
    """Refuse what llama.cpp would not load.

    Raises:
        HostError: it is not there, may not be read, or is something else.
    """
    if not file.exists():
        raise HostError(f"MODEL_GGUF: there is no {file}.")
    if not file.is_file():
        raise HostError(f"MODEL_GGUF: {file} is not a file.", "Name the .gguf file itself.")
    if not os.access(file, os.R_OK):
        raise HostError(f"MODEL_GGUF: you may not read {file}.")
    with file.open("rb") as opened:
        if opened.read(len(MAGIC)) != MAGIC:
            raise HostError(
                f"MODEL_GGUF: {file} is not a GGUF file: it does not begin with GGUF.",
                "llama.cpp's own format is the only one it loads.",
            )


def memory_for(size: int) -> str:
    """Return the memory of a server whose model has this size in bytes, as Compose reads it."""
    return f"{-(-size // GIGABYTE) + WORKING_MEMORY}g"


def start(supervisor: Supervisor, compose: Compose, configuration: Configuration) -> None:
    """Start the model server and wait until it has loaded its model.

    Raises:
        HostError: it did not start.
    """

    def pass_on(child: Child, number: int) -> None:
        """Wait until the container is there: the engine goes on making one that nobody waits for any more."""
        deadline = time.monotonic() + CREATING
        while (
            not child.ended()
            and time.monotonic() < deadline
            and not _runs(supervisor, compose, configuration, SERVICE)
        ):
            supervisor.pause(0.1)
        child.signal(number)

    say("demo: waiting for the model server to load its model")
    words = ("up", "--detach", "--wait", "--no-build", "--pull", "never", SERVICE)
    if supervisor.run(compose.command(*words), compose.environ, Streams(stdout=2), end=pass_on) != 0:
        log = compose.command("--ansi", "never", "logs", "--no-log-prefix", "--tail", "20", SERVICE)
        supervisor.run(log, compose.environ, Streams(stdout=2))
        raise HostError(
            "the model server did not start; its lines above say why.",
            "If the image is missing, leave out --no-build. If memory is short, set DEMO_MEMORY or a smaller "
            "DEMO_CONTEXT.",
        )
    if "MODEL_GGUF" not in configuration.variables:
        say(
            "demo: this model is tiny (135 million parameters): it shows that everything is connected, and "
            "cannot code"
        )


def end(supervisor: Supervisor, compose: Compose, configuration: Configuration) -> None:
    """Remove the model server, unless another sandbox of this folder runs: the last one takes it along."""
    with supervisor.undisturbed():
        if not _runs(supervisor, compose, configuration, SANDBOX):
            remove = compose.command("rm", "--stop", "--force", SERVICE)
            supervisor.ask(remove, compose.environ, limit=REMOVING)


def _runs(supervisor: Supervisor, compose: Compose, configuration: Configuration, service: str) -> bool:
    found = containers.running(supervisor, compose.environ, compose.root, REMOVING)
    return bool(containers.of(found or (), service, (configuration.project,)))
