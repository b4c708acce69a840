"""A pod under attack: the session of deploy/kubernetes, in a Podman that the tests of pods have started."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.harness.engine import Result
from tests.harness.podman import Cluster
from tests.harness.subject import Subject
from tests.harness.waiting import PATIENCE

CONTAINER = "sandbox-sandbox"


@dataclass(frozen=True)
class PodSubject(Subject):
    """The session's pod, attacked by the scripts that attack a container.

    What takes options of the engine, or looks at the engine, cannot be asked of it.

    Attributes:
        podman: the name of the container that Podman is in.
    """

    podman: str = ""

    def run(
        self, script: str, *options: str, env: Mapping[str, str] | None = None,
        mounts: tuple[str, ...] = (), patience: float = PATIENCE * 2,
    ) -> Result:  # fmt: skip
        """Run a bash script to its end in a new pod, whose volumes are new, too."""
        assert (options, self.options, mounts) == ((), (), ()), "a pod has no options of docker run"
        cluster = Cluster(self.podman)
        given = {**self.environ, **(env or {})}
        started = cluster.session(*self.prefix, script, env=given, mounts=ATTACKS)
        assert started.returncode == 0, started.stderr
        code = int(cluster.run("podman", "wait", CONTAINER, patience=patience).stdout)
        told = cluster.run("podman", "logs", CONTAINER)
        return Result([script], code, told.stdout, told.stderr)

    def beside(self, container: str, *command: str) -> str:
        raise NotImplementedError(f"nobody is beside a pod: {container}, {json.dumps(command)}")

    def remove(self) -> None:
        """Nothing was made for it: who started Podman ends it."""


ATTACKS = {"/attacks": "/checkout/tests/conformance/attacks"}
