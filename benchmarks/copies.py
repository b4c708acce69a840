"""What a session on a copy costs: time to the first command, and disk; one alone, and many at once.

    python benchmarks/copies.py [--files 100000] [--at-once 20] [--rounds 5]

All work on one folder. From the call of start.sh to the first command that the session runs; each then writes
two files, one of them over an old one. Kinds take turns, round by round; compare the ratios. The last line is
a copy file by file, as it is made where the engine cannot mount an overlay: here for a comma in the path.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from host import containers  # noqa: E402

AGENT = 1000
NEEDED = ("config", "host", ".opencode", "start.sh", "compose.yml", "VERSION", "Dockerfile")
SCRIPT = "echo $EPOCHREALTIME; echo new >new-$$; echo more >>0/0/0"


class Kind(NamedTuple):
    """A way to start sessions."""

    name: str
    folder: str
    options: tuple[str, ...]
    at_once: int


def fill(folder: Path, files: int) -> None:
    """Make files, 100 in a folder, that are the agent's where root measures."""
    for number in range(files):
        file = folder / str(number // 10_000) / str(number // 100 % 100) / str(number % 100)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"line of file {number}\n" * 20)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, AGENT, AGENT)


def make_checkout(root: Path) -> dict[str, str]:
    """Make a checkout of its own; return its environment."""
    for name in NEEDED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, root / name)
    for name in ("workspace", "data/projects", "keys", "state"):
        (root / name).mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    return {**kept, "XDG_STATE_HOME": str(root / "state")}


def started(root: Path, environ: dict[str, str], kind: Kind) -> list[float]:
    """Start sessions at once; return the seconds of each until its first command."""
    # What others wrote is none of this one's time.
    os.sync()
    words = [str(root / "start.sh"), "--no-build", "--workspace", kind.folder, *kind.options, "--shell", "--"]
    began, processes = [], []
    for _ in range(kind.at_once):
        began.append(time.time())
        processes.append(subprocess.Popen(
            [*words, "-c", SCRIPT], env=environ, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ))  # fmt: skip
    told = [process.communicate() for process in processes]
    for process, (_, errors) in zip(processes, told, strict=True):
        if process.returncode:
            raise SystemExit(errors)
    return [float(out.split()[0]) - before for before, (out, _) in zip(began, told, strict=True)]


def disk(root: Path) -> list[int]:
    """Return the KiB of each copy's files on this machine, made or written."""
    found = sorted((root / "data" / "projects" / ".copies").glob("[a-z]*"))
    used = [subprocess.run(["du", "-sk", path], capture_output=True, text=True, check=True) for path in found]
    return [int(one.stdout.split()[0]) for one in used]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare sessions on a copy with others.")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root, folder = Path(name) / "copies-benchmark", Path(name) / "folder"
        environ = make_checkout(root)
        fill(folder, options.files)
        shutil.copytree(folder, Path(name) / "with,comma", symlinks=True)
        measure(root, environ, folder, Path(name) / "with,comma", options)


def measure(
    root: Path, environ: dict[str, str], folder: Path, comma: Path, options: argparse.Namespace
) -> None:
    """Start what is compared, round by round, and print it."""
    alone = Kind("alone, on the folder", str(folder), (), 1)
    kinds = (
        alone,
        Kind("alone, on a copy", str(folder), ("--copy",), 1),
        Kind(f"{options.at_once} at once, on the folder", str(folder), (), options.at_once),
        Kind(f"{options.at_once} at once, on copies", str(folder), ("--copy",), options.at_once),
        Kind("alone, on a copy file by file", str(comma), ("--copy",), 1),
    )
    took: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    used: list[int] = []
    try:
        # Network and volumes are made once.
        started(root, environ, alone)
        for _ in range(options.rounds):
            for kind in kinds:
                took[kind.name] += started(root, environ, kind)
            used += disk(root)
            subprocess.run(
                [str(root / "start.sh"), "reset", "--destroy"], env=environ, capture_output=True, check=True
            )
    finally:
        project = containers.project(root)
        for what in ("network", "volume"):
            named = subprocess.run(
                ["docker", what, "ls", "--quiet", "--filter", f"label=com.docker.compose.project={project}"],
                capture_output=True, text=True, check=True,
            ).stdout.split()  # fmt: skip
            subprocess.run(["docker", what, "rm", *named], capture_output=True, check=False)
    print("| sessions | s to the first command (median) | min to max | ratio to as many on the folder |")
    print("|---|---|---|---|")
    base: dict[int, float] = {}
    for kind in kinds:
        seconds = took[kind.name]
        middle = statistics.median(seconds)
        ratio = middle / base.setdefault(kind.at_once, middle)
        print(f"| {kind.name} | {middle:.2f} | {min(seconds):.2f} to {max(seconds):.2f} | {ratio:.2f} |")
    print(f"\ndisk of each overlay: {statistics.median(used)} KiB (median), {max(used)} KiB at most")


if __name__ == "__main__":
    main()
