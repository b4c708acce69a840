"""Checkouts of a test's own, with folders and a project that nobody has named."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from host.containers import by_hand, project
from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import ENVIRON
from tests.harness.waiting import PATIENCE

Make = Callable[[str], "Checkout"]


class Checkout:
    """A checkout of its own, of which nobody has named the project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("config", "host", ".opencode"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("start.sh", "compose.yml", "compose.open.yml", "VERSION", "Dockerfile"):
            shutil.copy(ROOT / name, root)
        for name in ("workspace", "data", "keys"):
            (root / name).mkdir()
        self.environ = {name: value for name, value in ENVIRON.items() if not name.startswith("COMPOSE_")}
        self.environ |= {"SANDBOX_IMAGE": IMAGE, "SANDBOX_GUARD": "off"}
        self._projects = {self.project}

    def begin(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "start.sh"), *words], env={**self.environ, **environ}, cwd=self.root, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def start(self, *words: str, **environ: str) -> "Outcome":
        return Outcome(self.begin(*words, **environ))

    def compose(self, *words: str) -> "Outcome":
        # After the folder, as long as nobody says otherwise: two tests' folders must not have one name.
        self._projects.add(self.environ.get("COMPOSE_PROJECT_NAME") or by_hand(self.root))
        return Outcome(subprocess.Popen(
            ["docker", "compose", *words], env={**self.environ, "SANDBOX_SHELL": "plain"}, cwd=self.root,
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ))  # fmt: skip

    def containers(self) -> list[str]:
        folder = f"label=com.docker.compose.project.working_dir={self.root}"
        return docker("ps", "--all", "--quiet", "--filter", folder).split()

    def networks(self) -> list[str]:
        listed = docker("network", "ls", "--format", '{{.ID}} {{.Label "com.docker.compose.project"}}')
        return [words[0] for words in map(str.split, listed.splitlines()) if {*words[1:]} & self._projects]

    def volumes(self) -> list[str]:
        named = (f"label=com.docker.compose.project={one}" for one in self._projects)
        return [
            volume for one in named for volume in docker("volume", "ls", "--quiet", "--filter", one).split()
        ]

    @property
    def project(self) -> str:
        return project(self.root)


class Outcome:
    """What a program ended with; a failed assertion shows what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.out, self.err = process.communicate(timeout=PATIENCE * 4)
        self.code = process.returncode

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"
