"""What is attacked, and from where: a script that runs as the agent, in the place of the tool."""

import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.image.conftest import IMAGE, PATIENCE, ROOT, Result, docker, flags, wait_for

ATTACKS = Path(__file__).parent / "attacks"


@dataclass(frozen=True)
class Subject:
    """An image, how it is started, and a workspace/ and data/ of its own.

    Attributes:
        image: the image's name.
        compose: the compose file that starts it, or None for a bare `docker run`.
        service: the service of the compose file.
        prefix: arguments after which a script is run in the place of the tool.
        environ: variables of the container that make it do so.
        folder: holds workspace/ and data/.
        options: more options for `docker run` or `docker compose run`.
    """

    image: str
    compose: Path | None
    service: str
    prefix: tuple[str, ...]
    environ: Mapping[str, str]
    folder: Path
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
            "WORKSPACE_DIR": f"{self.folder}/workspace",
            "DATA_DIR": f"{self.folder}/data",
        }

    def run(
        self, script: str, *options: str, env: Mapping[str, str] | None = None,
        mounts: tuple[str, ...] = (), patience: float = PATIENCE * 2,
    ) -> Result:  # fmt: skip
        """Run a bash script to its end in a new container."""
        terminal = () if self.compose is None else ("-T",)
        return subprocess.run(
            self.command(script, "--rm", *terminal, *options, env=env, mounts=mounts),
            cwd=ROOT, env=self.variables, capture_output=True, text=True, errors="surrogateescape",
            stdin=subprocess.DEVNULL, timeout=patience, check=False,
        )  # fmt: skip

    def python(self, program: str, *arguments: str, **how: Any) -> Any:
        """Run a program of attacks/ with the image's Python; return the JSON that it prints."""
        result = self.run(
            f"exec /usr/bin/python3 -I {shlex.join([f'/attacks/{program}', *arguments])}", **how
        )
        assert result.returncode == 0, f"{program}: {result.returncode}\n{result.stdout}{result.stderr}"
        return json.loads(result.stdout)

    def start(self, script: str, *options: str, env: Mapping[str, str] | None = None) -> str:
        """Start a bash script in the background; return the container's ID. The test removes it."""
        terminal = () if self.compose is None else ("-T",)
        result = subprocess.run(
            self.command(script, "--detach", *terminal, *options, env=env),
            cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout.strip().splitlines()[-1]

    def as_root(self, *command: str) -> str:
        """Run a command as root over the folder, which the host's user may not be allowed to."""
        mount = ["-v", f"{self.folder}:/folder", "-w", "/folder"]
        return docker("run", "--rm", *mount, "--entrypoint", command[0], self.image, *command[1:])


@pytest.fixture(scope="session")
def chosen(request: pytest.FixtureRequest) -> Subject:
    """What the command line says, without a folder."""
    option = request.config.getoption
    compose = None if option("--bare") else Path(option("--compose") or ROOT / "compose.yml").resolve()
    own = option("--run-with") is None
    return Subject(
        image=option("--image") or IMAGE,
        compose=compose,
        service=option("--service"),
        prefix=("-c",) if own else tuple(shlex.split(option("--run-with"))),
        environ={"SANDBOX_SHELL": "1"} if own else {},
        folder=Path(os.devnull),
    )


@pytest.fixture(scope="session")
def _shared(chosen: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    yield from _at(chosen, tmp_path_factory.mktemp("subject"))


@pytest.fixture
def own_subject(chosen: Subject, tmp_path: Path) -> Iterator[Subject]:
    """A subject whose folders no other test shares."""
    yield from _at(chosen, tmp_path / "own")


@pytest.fixture(scope="session")
def subject(_shared: Subject) -> Subject:
    """A subject whose folders the tests share: leave them as they were."""
    return _shared


@pytest.fixture(scope="session")
def weakened(_shared: Subject) -> Subject:
    """The same image with nothing in the way: the attacks must succeed here, or they prove nothing."""
    return replace(
        _shared, compose=None, prefix=("-c",), environ={},
        options=("--privileged", "--user=0", "--security-opt=seccomp=unconfined", "--entrypoint=/bin/bash"),
    )  # fmt: skip


def _at(chosen: Subject, folder: Path) -> Iterator[Subject]:
    for name in ("workspace", "data"):
        (folder / name).mkdir(parents=True)
    made = replace(chosen, folder=folder)
    made.as_root("chown", "-R", "1000:1000", "/folder/workspace", "/folder/data")
    yield made
    if made.compose is not None:
        subprocess.run(
            ["docker", "compose", "down", "--timeout", "0", "--remove-orphans"],
            cwd=ROOT, env=made.variables, capture_output=True, check=False,
        )  # fmt: skip
    made.as_root("chown", "-hR", f"{os.getuid()}:{os.getgid()}", "/folder")
    made.as_root("chmod", "-R", "u+rwX", "/folder")


@pytest.fixture
def running(own_subject: Subject) -> Iterator[Any]:
    """Start scripts in containers that are removed after the test."""
    started: list[str] = []

    def start(script: str, *options: str, env: Mapping[str, str] | None = None) -> str:
        started.append(own_subject.start(script, *options, env=env))
        return started[-1]

    yield start
    if started:
        docker("rm", "--force", *started, check=False)


__all__ = ["Subject", "docker", "wait_for"]
