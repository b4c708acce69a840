"""What is attacked, and from where: a script that runs as the agent, in the place of the tool."""

import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from tests.image.conftest import IMAGE, PATIENCE, ROOT, Result, docker, flags, logs, wait_for

ATTACKS = Path(__file__).parent / "attacks"
PLAIN = Path(__file__).parent / "plain"

# The rest of what somebody set for their sandbox is part of what is attacked, but for the model, which nobody
# asks. The agent is the owner of the folders here, the log is read, and what the attacks leave is no finding.
NOT_ATTACKED = dict.fromkeys(("PUID", "PGID", "SANDBOX_LOG", "SANDBOX_LOG_LEVEL", "SANDBOX_GUARD"), "")

Found = TypeVar("Found")


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
            **NOT_ATTACKED,
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
        made = result.stdout.split()[-1:]
        if result.returncode and made:
            docker("rm", "--force", *made, check=False)
        assert result.returncode == 0, result.stderr
        return made[0]

    def as_root(self, *command: str) -> str:
        """Run a command as root over the folder, which the host's user may not be allowed to."""
        mount = ["-v", f"{self.folder}:/folder", "-v", f"{ATTACKS}:/attacks:ro", "-w", "/folder", "--user=0"]
        return docker("run", "--rm", *mount, "--entrypoint", command[0], self.image, *command[1:])

    def beside(self, container: str, *command: str) -> str:
        """Run a command as root among the processes of a container, whose files are below /proc/1/root.

        Not `docker exec`, which has no more capabilities than the container.
        """
        options = (
            f"--pid=container:{container}", "--user=0", "--network=none", "--cap-add=SYS_PTRACE",
            "--security-opt=apparmor=unconfined", "-v", f"{ATTACKS}:/attacks:ro",
        )  # fmt: skip
        return docker("run", "--rm", *options, "--entrypoint", command[0], self.image, *command[1:])


class Once(Generic[Found]):
    """What is found when first asked for. Where it cannot be, it is a test that fails, and not its set-up."""

    def __init__(self, find: Callable[[], Found]) -> None:
        self._find = find
        self._found: list[Found] = []
        self._error: BaseException | None = None

    def __call__(self) -> Found:
        if self._error is None and not self._found:
            try:
                self._found.append(self._find())
            except (Exception, pytest.fail.Exception) as error:  # raised again below
                self._error = error
        if self._error is not None:
            raise self._error
        return self._found[0]


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
        environ={"SANDBOX_SHELL": "plain"} if own else {},
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
        options=(
            *_privileges(_shared.image), "--user=0", "--security-opt=seccomp=unconfined",
            "--entrypoint=/bin/bash",
        ),
    )  # fmt: skip


def _privileges(image: str) -> tuple[str, ...]:
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


own_folders = contextmanager(_at)  # for a fixture of a wider scope than own_subject's


@pytest.fixture(scope="session")
def plain_image(chosen: Subject) -> str:
    """The image under test with the usual entry point in the place of its own: see plain/."""
    name = "agentic-sandbox-plain:test"
    docker("build", "--quiet", "--tag", name, "--build-arg", f"IMAGE={chosen.image}", str(PLAIN))
    return name


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


# All that a container can share with the host.
HOST = ("--pid=host", "--network=host", "--ipc=host", "--uts=host", "--cgroupns=host")


@dataclass(frozen=True)
class Outside:
    """A process in all of the host's namespaces, that can be found by its marker."""

    marker: str
    port: int
    namespaces: dict[str, str]
    hostname: str


@contextmanager
def running_outside(weakened: Subject) -> Iterator[Outside]:
    """Run attacks/outside.py in a container that shares all with the host, wherever the engine is."""
    marker = f"conformance-{uuid.uuid4().hex}"
    there = replace(weakened, options=(*weakened.options, *HOST))
    container = there.start(f"exec /usr/bin/python3 -I /attacks/outside.py marker={marker}")
    try:
        wait_for(lambda: logs(container)[:1] == "{", lambda: f"what is outside: {logs(container)}")
        told = json.loads(logs(container))
        yield Outside(marker, told["port"], told["namespaces"], told["hostname"])
    finally:
        docker("rm", "--force", container, check=False)


@contextmanager
def once(context: AbstractContextManager[Found]) -> Iterator[Once[Found]]:
    """Give what a context yields; it is entered when first asked for, and left at the end."""
    with ExitStack() as stack:
        yield Once(lambda: stack.enter_context(context))


@pytest.fixture(scope="session")
def outside(weakened: Subject) -> Iterator[Once[Outside]]:
    with once(running_outside(weakened)) as found:
        yield found


__all__ = ["HOST", "Once", "Outside", "Subject", "docker", "once", "own_folders", "wait_for"]
