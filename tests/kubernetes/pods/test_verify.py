"""The attacks of the conformance suite, on a pod: those that need nothing of Docker's.

Left out is what takes options of `docker run`, has a gateway of its own, or looks at a node's limits.
"""

import subprocess
import sys
from pathlib import Path

from tests.harness.podman import Cluster
from tests.harness.repository import ROOT

CHAPTERS = ("files", "host", "kernel", "processes")
# Each with its reason.
NOT_OF_A_POD = (
    "without_the_profile_of_the_engine",  # an option of docker run
    "seen_from_the_engine",  # test_session.py looks from the node
    "pid_1_holds_no_descriptor",  # likewise from the engine
    "pid_1_is_not_dumpable",  # likewise
    "past_the_door",  # docker exec
    "who_enters",  # docker exec
    "host_is_mounted_but_what_is_declared",  # compares with compose.yml
    "planted_file_gives",  # as root of the engine
)
FAULTS_OF_PODMAN = (
    # A tmpfs on /run and /var/tmp: test_session.py knows them.
    "tests/conformance/test_files.py::test_the_agent_can_write_nothing_but_the_listed_paths",
    # With cgroup v1 the engine's default is the host's namespace.
    "tests/conformance/test_host.py::test_the_host_shares_no_namespace[cgroup]",
)


def test_the_attacks_fail_on_a_pod_as_well(cluster: Cluster, tmp_path: Path) -> None:
    files = [f"tests/conformance/test_{name}.py" for name in CHAPTERS]
    attacks = subprocess.run(
        [sys.executable, "-m", "pytest", *files, "--verify", "-p", "no:cacheprovider",
         f"--pod={cluster.name}", f"--basetemp={tmp_path / 'base'}",
         *(f"--deselect={one}" for one in FAULTS_OF_PODMAN),
         "-k", " and ".join(f"not {one}" for one in NOT_OF_A_POD)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert attacks.returncode == 0, attacks.stdout + attacks.stderr
    count = attacks.stdout.strip().splitlines()[-1]
    assert int(count.split()[0]) > 100, count
    assert " 0 broken" in count
