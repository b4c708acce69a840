"""Containers started as a user starts them: through the compose file, with folders of the test's own."""

import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
IMAGE = os.environ.get("SANDBOX_IMAGE", "agentic-sandbox:latest")
PROJECT = f"sandbox-test-{uuid.uuid4().hex[:8]}"
# What somebody has in .env or the environment for their own sandbox; empty means the default. How the image
# is built stays, for that is what they test.
RUNTIME = (ROOT / ".env.example").read_text().partition("How the image is built")[0]
ENVIRON = {**os.environ, **dict.fromkeys(re.findall(r"^#?([A-Z_]+)=", RUNTIME, re.MULTILINE), "")}
PATIENCE = 60.0  # seconds, for what takes one or two on an idle machine

Result = subprocess.CompletedProcess[str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("image")


def docker(*arguments: str, check: bool = True) -> str:
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert not check or result.returncode == 0, (
        f"docker {' '.join(arguments)}\n{result.stdout}{result.stderr}"
    )
    return result.stdout.strip()


def logs(container: str) -> str:
    """Return what a container wrote to stdout and stderr."""
    result = subprocess.run(
        ["docker", "logs", container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.stdout.strip()


def wait_for(condition: Callable[[], object], what: str | Callable[[], str]) -> None:
    """Wait until it is so; what is told where it never is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE:g} s in vain for {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


def flags(env: Mapping[str, str] | None) -> list[str]:
    """Return the options of `docker run` and `docker compose run` that set these variables."""
    return [word for key, value in (env or {}).items() for word in ("-e", f"{key}={value}")]


@dataclass
class Sandbox:
    """One user's checkout: workspace/, data/ and config/ of its own, the compose file of the repository."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    # For the one container of a test that is looked for by name.
    name: str = field(default_factory=lambda: f"{PROJECT}-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        for name in ("workspace", "data", "config"):
            (self.folder / name).mkdir(parents=True)
        for source in (ROOT / "config").iterdir():
            (self.config / source.name).write_text(source.read_text())
        with (self.config / "tools.yml").open("a") as tools:
            tools.write((Path(__file__).parent / "tools.yml").read_text())
        self.own("1000:1000")

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def own(self, owner: str, *names: str) -> None:
        """Give workspace and data, or what is named below the folder, to UID:GID, as root would."""
        paths = [f"/folder/{name}" for name in names or ("workspace", "data")]
        self.as_root("chown", "-hR", owner, *paths)

    def as_root(self, *command: str) -> str:
        """Run a command as root over the folder, which the host's user may not be allowed to."""
        mount = ["-v", f"{self.folder}:/folder", "-w", "/folder"]
        return docker("run", "--rm", *mount, "--entrypoint", command[0], IMAGE, *command[1:])

    @property
    def variables(self) -> dict[str, str]:
        """What Compose reads: the folders, the test's project, and the probes beside the compose file."""
        return {
            **ENVIRON,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_FILE": "compose.yml:tests/compose.test.yml",
            "WORKSPACE_DIR": str(self.workspace),
            "DATA_DIR": str(self.data),
            "CONFIG_DIR": str(self.config),
            "SANDBOX_IMAGE": IMAGE,
            **self.environ,
        }

    def compose(self, *arguments: str) -> list[str]:
        return ["docker", "compose", "--project-directory", str(ROOT), *arguments]

    def command(
        self, *arguments: str, env: Mapping[str, str] | None = None, options: tuple[str, ...] = ("-T",)
    ) -> list[str]:
        """Return the command line that runs a tool with these arguments."""
        return self.compose("run", "--rm", *options, *flags(env), "sandbox", *arguments)

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = ("-T",),
        stdin: str = "",
    ) -> Result:
        command = self.command(*arguments, env=env, options=options)
        return subprocess.run(
            command, cwd=ROOT, env=self.variables, input=stdin, capture_output=True, text=True,
            timeout=PATIENCE * 2, check=False,
        )  # fmt: skip

    def shell(self, script: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """Run a shell script as the tool."""
        return self.run("-c", script, env={"TOOLS": "shell", **(env or {})}, stdin=stdin)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Start a tool in the background; return the container's ID."""
        command = self.compose("run", "--detach", "-T", *flags(env), "sandbox", *arguments)
        result = subprocess.run(
            command, cwd=ROOT, env=self.variables, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout.strip().splitlines()[-1]

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
        """Run the image with nothing but these options of `docker run`, and the folders mounted."""
        places = self.mounts(f"{ROOT}/tests/probes:/probes:ro") if mounts is None else mounts
        words = [*(word for place in places for word in ("-v", place)), *flags(env)]
        return subprocess.run(
            ["docker", "run", "--rm", *words, *options, IMAGE, *arguments], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=PATIENCE * 2, check=False,
        )  # fmt: skip

    def owner(self, path: str) -> str:
        """Return UID:GID of a path below the folder, without following a link."""
        status = (self.folder / path).lstat()
        return f"{status.st_uid}:{status.st_gid}"


def start(sandbox: Sandbox, *arguments: str, stdin: str = "", **environ: str) -> Result:
    """Run start.sh as a user does."""
    return subprocess.run(
        [str(ROOT / "start.sh"), *arguments], env={**sandbox.variables, **environ}, input=stdin,
        capture_output=True, text=True, timeout=PATIENCE * 4, check=False,
    )  # fmt: skip


COMPOSE_OPTIONS = (
    "--security-opt=no-new-privileges", "--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE",
    "--cap-add=SETUID", "--cap-add=SETGID",
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _project() -> Iterator[None]:
    docker("image", "inspect", IMAGE)
    yield
    subprocess.run(
        ["docker", "compose", "-p", PROJECT, "-f", "compose.yml", "-f", "tests/compose.test.yml", "down",
         "--timeout", "0", "--remove-orphans", "--volumes"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path / "checkout")
    yield made
    made.as_root("chown", "-hR", f"{os.getuid()}:{os.getgid()}", "/folder")
    made.as_root("chmod", "-R", "u+rwX", "/folder")


@dataclass
class Model:
    """A scripted model server in the sandbox's network."""

    name: str

    @property
    def url(self) -> str:
        return f"http://{self.name}:8000/v1"

    def requests(self) -> list[dict[str, Any]]:
        """Return what it logged, one entry for each request; tracebacks of clients that hung up are none."""
        return [json.loads(line) for line in logs(self.name).splitlines() if line.startswith("{")]

    def completions(self) -> list[dict[str, Any]]:
        return [request for request in self.requests() if request["path"] == "/v1/chat/completions"]

    def listens(self) -> bool:
        # 0A is LISTEN and 1F40 is port 8000 in proc_net(5).
        table = docker("exec", self.name, "cat", "/proc/net/tcp", check=False)
        return ":1F40 00000000:0000 0A" in table


@pytest.fixture
def serve(sandbox: Sandbox) -> Iterator[Callable[..., Model]]:
    """Start scripted servers with these flags; the first is the one that MODEL_URL names."""
    started: list[Model] = []

    def run(*flags: str, name: str | None = None, mounts: tuple[str, ...] = ()) -> Model:
        model = Model(name or f"model-{uuid.uuid4().hex[:12]}")
        options = ["--detach", "--name", model.name, *(word for mount in mounts for word in ("-v", mount))]
        command = sandbox.compose("run", *options, "scripted", *flags)
        result = subprocess.run(
            command, cwd=ROOT, env=sandbox.variables, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        started.append(model)
        wait_for(model.listens, lambda: f"the model server to listen: {logs(model.name)}")
        sandbox.environ.setdefault("MODEL_URL", model.url)
        return model

    yield run
    if started:
        docker("rm", "--force", *(model.name for model in started), check=False)


@pytest.fixture
def model(serve: Callable[..., Model]) -> Model:
    """Start a scripted server in the shape of vLLM, which MODEL_URL names."""
    return serve()


@pytest.fixture
def container(sandbox: Sandbox) -> Iterator[Callable[..., str]]:
    """Start containers that are removed after the test."""
    started: list[str] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> str:
        started.append(sandbox.start(*arguments, env=env))
        return started[-1]

    yield start
    if started:
        docker("rm", "--force", *started, check=False)
