"""Time from exec of the entry point to the tool's first instruction, and PID 1's memory, against others.

    python benchmarks/startup.py [--rounds 20]

Every round starts one container of each kind, in turn, so that all share the machine's moods; the figures
are read inside the container (benchmarks/stamp.c). tini does none of what the sandbox does: it is the floor.
bash-entrypoint.sh makes the same checks and steps, then becomes the tool; re-owning /opt, it does what an
image does that keeps its tools in the agent's home (three rounds, for each takes seconds). With MODEL_URL a
model server is asked first, by a program that loads TLS, JSON and YAML; as start.sh has it, a gateway loads
those, and is there. Where the workspace is a repository, it is looked at beside the start.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOW_ROUNDS = 3
# The image under test, and what is made of it here.
SUBJECT = os.environ.get("SANDBOX_IMAGE", "agentic-sandbox:latest")
IMAGE = f"{SUBJECT}-benchmark"
OPTIONS = [
    "--rm", "--security-opt=no-new-privileges", "--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE",
    "--cap-add=SETUID", "--cap-add=SETGID",
]  # fmt: skip
SANDBOX: list[str] = []  # the image's own entry point
BASH = ["/bench/bash-entrypoint.sh"]
ASKED = ["-e", "TOOLS=asked", "-e", "MODEL_URL=http://{server}:8000"]
BESIDE = ["-e", "EGRESS=model", "-e", "SANDBOX_GATEWAY=default"]
FILES = 1000  # of a repository
KINDS: dict[str, tuple[list[str], list[str]]] = {
    "tini": ([], ["/usr/bin/tini", "--", "/bench/arrived"]),
    "bash, PUID=1000": (["-e", "PUID=1000"], BASH),
    "bash, PUID=1001": (["-e", "PUID=1001"], BASH),
    "bash, re-owning /opt": (["-e", "PUID=1001", "-e", "REOWN=/opt"], BASH),
    "sandbox, PUID=1000": (["-e", "PUID=1000"], SANDBOX),
    "sandbox, PUID=1001": (["-e", "PUID=1001"], SANDBOX),
    "sandbox, repository": (["-e", "PUID=1000", "-v={repository}:/home/agent/workspace"], SANDBOX),
    "the same, not told": (
        ["-e", "PUID=1000", "-e", "SANDBOX_CHANGES=off", "-v={repository}:/home/agent/workspace"],
        SANDBOX,
    ),
    "sandbox, MODEL_URL": (ASKED, SANDBOX),
    "sandbox, gateway": ([*ASKED, "--network=none", "-v={volume}:/run/gateway:ro", *BESIDE], SANDBOX),
}


def build() -> None:
    """Build the image under test with tini and the stamp in it."""
    options = ["--quiet", f"--tag={IMAGE}", f"--build-arg=IMAGE={SUBJECT}", "--file=benchmarks/Dockerfile"]
    subprocess.run(["docker", "build", *options, "."], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@cache
def entry_point() -> list[str]:
    """Return what the image under test starts."""
    words: list[str] = json.loads(docker("image", "inspect", "--format={{json .Config.Entrypoint}}", SUBJECT))
    return words


def sandbox(*options: str) -> list[str]:
    """Return the words of `docker run` with which the image starts as the image under test does."""
    program, *arguments = entry_point()
    return [f"--entrypoint={program}", *options, IMAGE, *arguments]


@contextmanager
def model_server() -> Iterator[str]:
    """Run the tests' scripted model server; yield its address."""
    probe = ["/usr/bin/python3", "-I", "/probes/scripted_model.py", "--host", "0.0.0.0"]  # noqa: S104 - in a container
    options = ["--detach", "--init", "--volume", f"{ROOT}/tests/probes:/probes:ro", "--entrypoint", probe[0]]
    name = docker("run", *options, IMAGE, *probe[1:])
    try:
        while "0A 00000000" not in docker("exec", name, "cat", "/proc/net/tcp"):
            pass
        yield docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
    finally:
        docker("rm", "--force", name)


@contextmanager
def gateway(server: str) -> Iterator[str]:
    """Have a gateway that leads to the model server; yield the volume of its sockets."""
    volume = docker("volume", "create")
    options = ["--detach", f"--volume={volume}:/run/gateway", f"-e=MODEL_URL=http://{server}:8000", *BESIDE]
    name = docker("run", *options, "--entrypoint=sandbox-gateway", IMAGE)
    try:
        while "ready" not in docker("logs", name):
            pass
        yield volume
    finally:
        docker("rm", "--force", name)
        docker("volume", "rm", volume)


def docker(*words: str) -> str:
    """Return what the engine prints."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def measure(folder: Path, options: list[str], command: list[str]) -> tuple[int, int]:
    """Return microseconds to the tool's first instruction and PID 1's resident KiB then."""
    mounts = [f"-v={folder}/data:/home/agent/data"]
    if not any(option.endswith(":/home/agent/workspace") for option in options):
        mounts.append(f"-v={folder}/workspace:/home/agent/workspace")
    run = ["docker", "run", *OPTIONS, *mounts, *options, IMAGE, *(command or entry_point())]
    microseconds, resident = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    return int(microseconds), int(resident)


def fill(repository: Path) -> None:
    """Make a repository with a commit, the agent's own."""
    for number in range(FILES):
        (repository / f"{number % 20}").mkdir(exist_ok=True)
        (repository / f"{number % 20}" / f"{number}.c").write_text(f"int x = {number};\n")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
        subprocess.run([*git, *words], cwd=repository, check=True)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "1000:1000", repository], check=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare the start with tini's.")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    build()
    figures: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name, model_server() as server, gateway(server) as volume:
        for part in ("workspace", "data", "repository"):
            (Path(name) / part).mkdir()
        fill(Path(name) / "repository")
        for number in range(rounds):
            for kind, (options, command) in KINDS.items():
                if "re-owning" in kind and number >= SLOW_ROUNDS:
                    continue
                places = {"server": server, "volume": volume, "repository": f"{name}/repository"}
                given = [option.format(**places) for option in options]
                figures[kind].append(measure(Path(name), given, command))
    floor = statistics.median(time for time, _ in figures["tini"])
    print(f"{'':21} {'ms (median)':>12} {'min to max':>16} {'ratio to tini':>14} {'PID 1, KiB':>11}")
    for kind, samples in figures.items():
        times = [time / 1000 for time, _ in samples]
        middle = statistics.median(times)
        spread = f"{min(times):.1f} to {max(times):.1f}"
        resident = statistics.median(memory for _, memory in samples)
        print(f"{kind:21} {middle:12.1f} {spread:>16} {middle * 1000 / floor:14.1f} {resident:11.0f}")


if __name__ == "__main__":
    main()
