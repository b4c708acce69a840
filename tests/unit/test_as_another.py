"""What whoever runs the tests cannot try: root's tests in a user namespace, a user's without capabilities."""

import os
import subprocess
import sys
import tempfile

from tests.harness import namespace
from tests.harness.repository import ROOT

# Root's, who without them may do with files what any owner may.
NO_CAPABILITY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


def test_what_another_user_has_to_try() -> None:
    root = namespace.overrides_modes()
    marker, become = ("as_user", NO_CAPABILITY) if root else ("as_root", namespace.ROOT_OF_MANY)
    if not root:
        namespace.require(*become)
    # A short path, for a socket's may not be long, on the disk, as the files of the machine's root are.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        result = tried(*become, sys.executable, "-m", "pytest", "-m", marker, "--basetemp", f"{folder}/t")
        # Others own it.
        subprocess.run([*become, "rm", "-rf", f"{folder}/t"], check=not root)
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    assert " passed" in result.stdout
    assert " skipped" not in result.stdout, result.stdout


def tried(*command: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "tests/unit"], cwd=ROOT, env=environ, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
