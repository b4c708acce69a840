"""What is attacked, and from where: a script that runs as the agent, in the place of the tool."""

import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.harness.checkout import Checkout
from tests.harness.engine import Result, docker, flags
from tests.harness.repository import ROOT
from tests.harness.superuser import Superuser
from tests.harness.waiting import PATIENCE

ATTACKS = ROOT / "tests" / "conformance" / "attacks"
PLAIN = ROOT / "tests" / "conformance" / "plain"

# The rest of what somebody set for their sandbox is part of what is attacked, but for the model, which nobody
# asks, and EGRESS=open, which leaves no gateway to attack. The agent is the owner of the folders here, the
# log is read, and what the attacks leave is no finding.
NOT_ATTACKED = dict.fromkeys(("PUID", "PGID", "SANDBOX_LOG", "SANDBOX_LOG_LEVEL", "SANDBOX_GUARD"), "")


@dataclass(frozen=True)
class Subject(Checkout):
    """An image, how it is started, and a workspace/ and data/ of its own.

    Attributes:
        image: the image's name.
        compose: the compose file that starts it, or None for a bare `docker run`.
        service: the service of the compose file.
        prefix: arguments after which a script is run in the place of the tool.
        environ: variables of the container that make it do so.
        folder: holds workspace/ and data/.
        superuser: root over the folder.
        options: more options for `docker run` or `docker compose run`.
    """

    image: str
    compose: Path | None
    service: str
    prefix: tuple[str, ...]
    environ: Mapping[str, str]
    folder: Path
    superuser: Superuser
    options: tuple[str, ...] = ()
    project: str = field(default_factory=lambda: f"conformance-{uuid.uuid4().hex[:8]}")

    def with_options(self, *options: str) -> "Subject":
        return replace(self, options=(*self.options, *options))

    def command(
        self, script: str, *options: str, env: Mapping[str, str] | None = None, mounts: tuple[str, ...] = ()
    ) -> list[str]:
        """Return the command line that runs a bash script as the agent, in the place of the tool."""
        places = [f"{ATTACKS}:/attacks:ro", *mounts]
        if self.compose is None:
            places += [f"{self.folder}/{name}:/home/agent/{name}" for name in ("workspace", "data")]
            start = ["docker", "run"]
        else:
            start = ["docker", "compose", "--project-directory", str(self.compose.parent), "run"]
        volumes = [word for place in places for word in ("-v", place)]
        what = self.image if self.compose is None else self.service
        words = [*volumes, *flags({**self.environ, **(env or {})}), *self.options, *options]
        return [*start, *words, what, *self.prefix, script]

    @property
    def variables(self) -> dict[str, str]:
        """What Compose reads."""
        return {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            **({} if self.compose is None else {"COMPOSE_FILE": str(self.compose)}),
            "SANDBOX_IMAGE": self.image,
            **NOT_ATTACKED,
            "EGRESS": os.environ.get("EGRESS", "").replace("open", ""),
            "WORKSPACE_DIR": f"{self.folder}/workspace",
            "DATA_DIR": f"{self.folder}/data",
        }

    def run(
        self, script: str, *options: str, env: Mapping[str, str] | None = None,
        mounts: tuple[str, ...] = (), patience: float = PATIENCE * 2,
    ) -> Result:  # fmt: skip
        """Run a bash script to its end in a new container."""
        terminal = () if self.compose is None else ("-T",)
        command = self.command(script, "--rm", *terminal, *options, env=env, mounts=mounts)
        return self.ended(command, patience=patience)

    def python(self, program: str, *arguments: str, **how: Any) -> Any:
        """Run a program of attacks/ with the image's Python; return the JSON that it prints."""
        result = self.run(
            f"exec /usr/bin/python3 -I {shlex.join([f'/attacks/{program}', *arguments])}", **how
        )
        assert result.returncode == 0, f"{program}: {result.returncode}\n{result.stdout}{result.stderr}"
        return json.loads(result.stdout)

    def remove(self) -> None:
        """Remove what Compose made for it: the gateway, its network and volume."""
        if self.compose is not None:
            self.ended(["docker", "compose", "down", "--timeout", "0", "--remove-orphans", "--volumes"])

    def start(self, script: str, *options: str, env: Mapping[str, str] | None = None) -> str:
        """Start a bash script in the background; return the container's ID. The test removes it."""
        terminal = () if self.compose is None else ("-T",)
        return self.detached(self.command(script, "--detach", *terminal, *options, env=env))

    def beside(self, container: str, *command: str) -> str:
        """Run a command as root among the processes of a container, whose files are below /proc/1/root.

        Not `docker exec`, which has no more capabilities than the container.
        """
        options = (
            f"--pid=container:{container}", "--user=0", "--network=none", "--cap-add=SYS_PTRACE",
            "--security-opt=apparmor=unconfined", "-v", f"{ATTACKS}:/attacks:ro",
        )  # fmt: skip
        return docker("run", "--rm", *options, "--entrypoint", command[0], self.image, *command[1:])


@contextmanager
def own_folders(chosen: Subject, folder: Path) -> Iterator[Subject]:
    """Give the subject a workspace/ and data/ below a folder, which the host's user owns again at the end."""
    made = replace(chosen, folder=folder)
    made.make_folders()
    yield made
    made.superuser.give_back(folder)


def privileges(image: str) -> tuple[str, ...]:
    """Return --privileged; what comes nearest, where the engine itself has not got every capability."""
    tried = subprocess.run(
        ["docker", "run", "--rm", "--privileged", "--user=0", "--entrypoint=/bin/sh", image, "-c", ":"],
        capture_output=True, check=False,
    )  # fmt: skip
    if tried.returncode == 0:
        return ("--privileged",)
    return (
        "--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=systempaths=unconfined",
        "--security-opt=apparmor=unconfined", "--device-cgroup-rule=a *:* rwm", "-v=/sys:/sys",
        "-v=/dev:/dev",
    )  # fmt: skip
