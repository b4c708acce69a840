"""What agents cost that work at once, each on a copy of one folder: time, and memory of session and gateway.

    python benchmarks/agents.py [--at-once 1 2 4] [--rounds 3] [--tools opencode omp]

Each is a `start.sh task` that has the scripted model server of the tests write a file: a server that
answers at once, so what is measured is the agent and the sandbox. Times are from the call of start.sh to
its end, the patch included. Memory is what programs have for themselves (anonymous pages), at its
highest, read from the control groups; it needs root. tmpfs and the kernel's own come on top.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
AGENT = 1000
PROJECT = f"agents-{os.getpid()}"
MIB = 1 << 20
# Where the engine's control groups are, of version 1 and 2, with either driver.
GROUPS = (
    "memory/docker/{}",
    "memory/system.slice/docker-{}.scope",
    "docker/{}",
    "system.slice/docker-{}.scope",
)


def docker(*words: str) -> str:
    """Return what the engine prints."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def place() -> Iterator[dict[str, str]]:
    """Have a folder to work on, and a model server; yield the variables of a start."""
    with tempfile.TemporaryDirectory() as name:
        for part in ("workspace", "data", "state"):
            (Path(name) / part).mkdir()
            if os.geteuid() == 0:
                os.chown(Path(name) / part, AGENT, AGENT)
        environ = {
            **os.environ, "WORKSPACE_DIR": f"{name}/workspace", "DATA_DIR": f"{name}/data",
            "XDG_STATE_HOME": f"{name}/state", "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_FILE": "compose.yml:tests/compose.test.yml",
        }  # fmt: skip
        compose = ["docker", "compose", "--project-directory", str(ROOT)]
        served = [*compose, "run", "--detach", "--name", f"{PROJECT}-model", "scripted"]
        subprocess.run(served, cwd=ROOT, env=environ, check=True, capture_output=True)
        try:
            yield {**environ, "MODEL_URL": f"http://{PROJECT}-model:8000/v1"}
        finally:
            docker("rm", "--force", f"{PROJECT}-model")
            down = [*compose, "down", "--timeout", "0", "--volumes"]
            subprocess.run(down, cwd=ROOT, env=environ, check=True, capture_output=True)


def start(tool: str, name: str, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start an agent."""
    words = ["task", "--no-build", "--copy", "--json", "--tool", tool, "--name", name, "Write hello.txt"]
    return subprocess.Popen(
        [str(ROOT / "start.sh"), *words], env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def anonymous(container: str) -> int:
    """Return the bytes that a container's programs have for themselves."""
    for form in GROUPS:
        file = Path("/sys/fs/cgroup") / form.format(container) / "memory.stat"
        try:
            found = re.search(r"^(?:total_rss|anon) (\d+)$", file.read_text(), re.MULTILINE)
        except OSError:
            continue
        return int(found[1]) if found else 0
    return 0


def measure(tools: list[str], environ: Mapping[str, str]) -> tuple[list[float], dict[str, list[float]]]:
    """Have agents work at once; return the seconds of each, and the MiB of each container, by its service."""
    began = time.monotonic()
    agents = {f"agent{number}": start(tool, f"agent{number}", environ) for number, tool in enumerate(tools)}
    took: dict[str, float] = {}
    highest: dict[tuple[str, str], int] = defaultdict(int)
    listed = ["ps", "--no-trunc", "--format", '{{.ID}} {{.Label "com.docker.compose.service"}}']
    while len(took) < len(agents):
        for line in docker(*listed, "--filter", f"label=com.docker.compose.project={PROJECT}").splitlines():
            container, service = line.split()
            highest[container, service] = max(highest[container, service], anonymous(container))
        for name, agent in agents.items():
            if name not in took and agent.poll() is not None:
                took[name] = time.monotonic() - began
        time.sleep(0.05)
    for name, agent in agents.items():
        told, errors = agent.communicate()
        assert agent.returncode == 0 and json.loads(told)["files"] == 1, errors  # noqa: S101, PT018 - or it is no figure
        subprocess.run(
            [str(ROOT / "start.sh"), "discard", "--destroy", name],
            env=environ,
            check=True,
            capture_output=True,
        )
    memory = defaultdict(list)
    for (_, service), value in highest.items():
        memory[service].append(value / MIB)
    return list(took.values()), memory


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What agents cost that work at once.")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tools", nargs="+", default=["opencode", "omp"])
    asked = parser.parse_args()
    head = ("agents at once", "s each (median)", "s, the last", "session, MiB", "gateway, MiB")
    print("{:>14} {:>16} {:>12} {:>13} {:>13}".format(*head))
    with place() as environ:
        for number in asked.at_once:
            each: list[float] = []
            last: list[float] = []
            memory: dict[str, list[float]] = defaultdict(list)
            for turn in range(asked.rounds):
                tools = [asked.tools[(turn + index) % len(asked.tools)] for index in range(number)]
                took, used = measure(tools, environ)
                each += took
                last.append(max(took))
                for service, values in used.items():
                    # The smaller ones show a patch.
                    memory[service] += sorted(values)[-number:]
            print(
                f"{number:14} {statistics.median(each):16.1f} {statistics.median(last):12.1f}"
                f" {statistics.median(memory['sandbox']):13.0f} {statistics.median(memory['gateway']):13.0f}"
            )


if __name__ == "__main__":
    main()
