"""A user's checkout as far as a container sees it: workspace/ and data/, and what Compose reads."""

import os
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from tests.harness.engine import Result, docker
from tests.harness.repository import ROOT
from tests.harness.superuser import Superuser
from tests.harness.waiting import PATIENCE


class Checkout(ABC):
    """Folders of a test's own, and containers that get them.

    Attributes:
        folder: holds workspace/ and data/.
        superuser: root over the folder.
    """

    folder: Path
    superuser: Superuser

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    @abstractmethod
    def variables(self) -> dict[str, str]:
        """What Compose reads."""

    def make_folders(self) -> None:
        """Make workspace/ and data/, the agent's, in which whoever runs the tests puts files too."""
        for made in (self.workspace, self.data):
            made.mkdir(parents=True)
            if os.getuid() not in (0, 1000):
                made.chmod(0o777)
        self.own("1000:1000")

    def own(self, owner: str, *names: str) -> None:
        """Give workspace and data, or what is named below the folder, to UID:GID, as root would."""
        self.superuser.own(owner, self.folder, *(names or ("workspace", "data")))

    def as_root(self, *command: str) -> str:
        """Run a command as root over the folder, which the host's user may not be allowed to."""
        return self.superuser.run(self.folder, *command)

    def owner(self, path: str) -> str:
        """Return UID:GID of a path below the folder, without following a link."""
        return self.superuser.owner(self.folder / path)

    def ended(self, command: list[str], stdin: str = "", patience: float = PATIENCE * 2) -> Result:
        """Run a command line of Docker's to its end."""
        return subprocess.run(
            command, cwd=ROOT, env=self.variables, input=stdin, capture_output=True, text=True,
            errors="surrogateescape", timeout=patience, check=False,
        )  # fmt: skip

    def detached(self, command: list[str]) -> str:
        """Run a command line that starts a container in the background; return the container's ID."""
        result = self.ended(command)
        made = result.stdout.split()[-1:]
        if result.returncode and made:
            docker("rm", "--force", *made, check=False)
        assert result.returncode == 0, result.stderr
        return made[0]
