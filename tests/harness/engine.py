"""The Docker engine, asked through its command line, and the image under test."""

import os
import subprocess
from collections.abc import Mapping

IMAGE = os.environ.get("SANDBOX_IMAGE", "agentic-sandbox:latest")

Result = subprocess.CompletedProcess[str]


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


def flags(env: Mapping[str, str] | None) -> list[str]:
    """Return the options of `docker run` and `docker compose run` that set these variables."""
    return [word for key, value in (env or {}).items() for word in ("-e", f"{key}={value}")]
