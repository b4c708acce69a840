"""Time from Enter to the prompt's return: start.sh against a plain `docker run` of the same tool.

    python benchmarks/from_enter.py [--rounds 9]

The tool is `opencode --version`. The kinds take turns, round by round. `docker run --rm` has the mounts
and options of compose.yml that a user would give by hand, a network of Docker's, and no gateway. With
EGRESS=model a second container, the gateway, is started and removed as well. "Other" is start.sh of
another checkout, such as an older one: SANDBOX_OTHER names its folder, and SANDBOX_OTHER_IMAGE the image
that is built for it.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGE = os.environ.get("SANDBOX_IMAGE", "agentic-sandbox:latest")
ARGUMENTS = ["--version"]
SIZE = "exec,mode=1777,size=2g"
OPTIONS = [
    "--rm", "--interactive", "--security-opt=no-new-privileges", "--cap-drop=ALL", "--cap-add=CHOWN",
    "--cap-add=DAC_OVERRIDE", "--cap-add=SETUID", "--cap-add=SETGID", "--read-only", f"--tmpfs=/tmp:{SIZE}",
    f"--tmpfs=/home/agent:{SIZE}", "--memory=8g", "--memory-swap=8g", "--cpu-shares=512", "--pids-limit=2048",
    "--ulimit=nofile=16384", "--ulimit=core=1", "--log-driver=local", "--cgroupns=private",
    f"--volume={ROOT}/workspace:/home/agent/workspace", f"--volume={ROOT}/data:/home/agent/data",
    f"--volume={ROOT}/config:/etc/sandbox/config:ro", f"--volume={ROOT}/.opencode:/etc/sandbox/opencode:ro",
    "--env=DEFAULT_TOOL=opencode", "--env=EGRESS=open",
]  # fmt: skip


def start(root: Path) -> list[str]:
    """Return the command line of a checkout's start.sh."""
    return [str(root / "start.sh"), "--tool", "opencode", "--", *ARGUMENTS]


def kinds() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return command line and variables of each kind."""
    found = {
        "docker run --rm": (["docker", "run", *OPTIONS, IMAGE, *ARGUMENTS], {}),
        "start.sh": (start(ROOT), {}),
        "start.sh, EGRESS=open": (start(ROOT), {"EGRESS": "open"}),
    }
    if "SANDBOX_OTHER" in os.environ:
        other = {"SANDBOX_IMAGE": os.environ.get("SANDBOX_OTHER_IMAGE", IMAGE)}
        found["other"] = (start(Path(os.environ["SANDBOX_OTHER"])), other)
    return found


def measure(command: list[str], variables: Mapping[str, str]) -> float:
    """Return the seconds that a command takes."""
    began = time.monotonic()
    subprocess.run(
        command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    return time.monotonic() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare start.sh with a plain docker run.")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    figures: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for kind, (command, variables) in kinds().items():
            seconds = measure(command, variables)
            # The first builds, and fills caches.
            if number:
                figures.setdefault(kind, []).append(seconds)
    floor = statistics.median(figures["docker run --rm"])
    print(f"{'':22} {'s (median)':>10} {'min to max':>14} {'ratio':>6}")
    for kind, samples in figures.items():
        middle = statistics.median(samples)
        spread = f"{min(samples):.2f} to {max(samples):.2f}"
        print(f"{kind:22} {middle:10.2f} {spread:>14} {middle / floor:6.2f}")


if __name__ == "__main__":
    main()
