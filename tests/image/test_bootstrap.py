"""scripts/bootstrap.sh, as somebody who may not use the engine."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.repository import ROOT

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may enter: those above pytest's own are closed."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_who_may_not_use_the_engine_is_not_taken_for_one_without_a_registry(folder: Path) -> None:
    """As after usermod, where there is no sg: the group is in the files, and not yet in this login."""
    sudo = folder / "sudo"
    sudo.write_text("#!/bin/sh\n")
    sudo.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(folder / "engine"))
        engine.listen()
        (folder / "engine").chmod(0)
        environ = {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "DOCKER_HOST": f"unix://{folder}/engine",
        }
        command = [*(NOBODY if os.geteuid() == 0 else ()), str(ROOT / "scripts" / "bootstrap.sh")]
        result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1, result.stderr
    assert "may not use the Docker engine yet" in result.stderr
    assert "Log in again" in result.stderr
    assert "cannot be pulled" not in result.stderr
