"""Containers started as a user starts them: through the compose file, with folders of the test's own."""

import functools
import os
import re
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness import gateways
from tests.harness.checkout import Checkout
from tests.harness.engine import IMAGE, Result, docker, flags
from tests.harness.gateways import Gateway
from tests.harness.repository import ROOT
from tests.harness.superuser import Superuser
from tests.harness.waiting import PATIENCE

PROJECT = f"sandbox-test-{uuid.uuid4().hex[:8]}"
# What somebody has in .env or the environment for their own sandbox; empty means the default. How the image
# is built stays, for that is what they test.
RUNTIME = (ROOT / ".env.example").read_text().partition("How the image is built")[0]
TESTS = "tests/compose.test.yml"
ENVIRON = {**os.environ, **dict.fromkeys(re.findall(r"^#?([A-Z_]+)=", RUNTIME, re.MULTILINE), "")}

COMPOSE_OPTIONS = (
    "--security-opt=no-new-privileges", "--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE",
    "--cap-add=SETUID", "--cap-add=SETGID",
)  # fmt: skip


@dataclass
class Sandbox(Checkout):
    """One user's checkout: workspace/, data/ and config/ of its own, the compose file of the repository."""

    folder: Path
    superuser: Superuser
    environ: dict[str, str] = field(default_factory=dict)
    # For the one container of a test that is looked for by name.
    name: str = field(default_factory=lambda: f"{PROJECT}-{uuid.uuid4().hex[:8]}")
    # Containers of its own gateways.
    gateways: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.make_folders()
        self.config.mkdir()
        self.keys.mkdir()
        for source in (ROOT / "config").iterdir():
            (self.config / source.name).write_text(source.read_text())
        with (self.config / "tools.yml").open("a") as tools:
            tools.write((Path(__file__).parent / "tools.yml").read_text())

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def variables(self) -> dict[str, str]:
        """What Compose reads: the folders, the test's project, and the probes beside the compose file."""
        return {
            **ENVIRON,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_FILE": ":".join(("compose.yml", *(["compose.open.yml"] if self.is_open else []), TESTS)),
            "WORKSPACE_DIR": str(self.workspace),
            "DATA_DIR": str(self.data),
            "CONFIG_DIR": str(self.config),
            "KEYS_DIR": str(self.keys),
            "SANDBOX_IMAGE": IMAGE,
            # What gateways refused is kept here.
            "XDG_STATE_HOME": str(self.folder / "state"),
            **self.environ,
        }

    def compose(self, *arguments: str) -> list[str]:
        return ["docker", "compose", "--project-directory", str(ROOT), *arguments]

    def command(
        self, *arguments: str, env: Mapping[str, str] | None = None, options: tuple[str, ...] = ("-T",)
    ) -> list[str]:
        """Return the command line that runs a tool with these arguments, beside a gateway that is there."""
        return self.compose("run", "--rm", *options, *self.beside_a_gateway(env or {}), "sandbox", *arguments)

    def beside_a_gateway(self, env: Mapping[str, str]) -> list[str]:
        """Start the gateway of a session that is given these variables; return the session's options.

        Who asks a model has one of his own. All others share one: they start in half the time.
        """
        if self.is_open:
            return flags(env)
        models = {name: value for name, value in env.items() if name.startswith("MODEL_")}
        if models or self.describes_models:
            gateway = gateways.start(self.variables, models)
            self.gateways.append(gateway.container)
        else:
            gateway = _shared_gateway()
        given = {name: value for name, value in env.items() if name not in gateways.OWN}
        return ["--no-deps", *flags({**given, "SANDBOX_GATEWAY": gateway.name})]

    @property
    def is_open(self) -> bool:
        """Whether the sessions have a network in the place of a gateway."""
        return self.environ.get("EGRESS") == "open"

    @property
    def describes_models(self) -> bool:
        """Whether what all sessions are given names a model server."""
        text = (self.config / "models.yml").read_text(errors="replace")
        described = any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
        return described or any(name.startswith("MODEL_") for name in self.environ)

    def remove_gateways(self) -> None:
        if self.gateways:
            docker("rm", "--force", *self.gateways, check=False)

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = ("-T",),
        stdin: str = "",
    ) -> Result:
        return self.ended(self.command(*arguments, env=env, options=options), stdin)

    def shell(self, script: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """Run a shell script as the tool."""
        return self.run("-c", script, env={"TOOLS": "shell", **(env or {})}, stdin=stdin)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Start a tool in the background; return the container's ID."""
        given = self.beside_a_gateway(env or {})
        return self.detached(self.compose("run", "--detach", "-T", *given, "sandbox", *arguments))

    def mounts(self, *more: str, workspace: str | None = None, data: str | None = None) -> tuple[str, ...]:
        """Return what compose.yml mounts and more, as `docker run -v` has it, with other places for two."""
        return (
            workspace or f"{self.workspace}:/home/agent/workspace",
            data or f"{self.data}:/home/agent/data",
            f"{self.config}:/etc/sandbox/config:ro",
            *more,
        )

    def plain(
        self,
        *options: str,
        arguments: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        mounts: tuple[str, ...] | None = None,
    ) -> Result:
        """Run the image with nothing but these options of `docker run`, and the folders mounted.

        Who names no network has none, and is warned of none.
        """
        places = self.mounts(f"{ROOT}/tests/probes:/probes:ro") if mounts is None else mounts
        words = [*(word for place in places for word in ("-v", place)), *flags(env)]
        if "--network" not in options:
            words.append("--network=none")
        image = self.variables["SANDBOX_IMAGE"]
        return self.ended(["docker", "run", "--rm", *words, *options, image, *arguments])


@functools.cache
def _shared_gateway() -> Gateway:
    """Start the gateway of all sessions that ask no model; it goes with the project."""
    places = {"CONFIG_DIR": str(ROOT / "config"), "KEYS_DIR": str(ROOT / "keys")}
    which = {"COMPOSE_PROJECT_NAME": PROJECT, "COMPOSE_FILE": "compose.yml", "SANDBOX_IMAGE": IMAGE}
    return gateways.start({**ENVIRON, **places, **which}, {})


def start(sandbox: Sandbox, *arguments: str, stdin: str = "", **environ: str) -> Result:
    """Run start.sh as a user does."""
    return subprocess.run(
        [str(ROOT / "start.sh"), *arguments], env={**sandbox.variables, **environ}, input=stdin,
        capture_output=True, text=True, timeout=PATIENCE * 4, check=False,
    )  # fmt: skip
