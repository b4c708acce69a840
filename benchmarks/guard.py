"""Time to search a large workspace for what would run, against `git status` and a full walk.

    python benchmarks/guard.py [--rounds 7]

The workspace has 100,000 tracked files in 10,000 folders, and 50,000 in node_modules, which git ignores. It
is read once before; every round then does each in turn, so that all share the machine's moods. A start
imports the guard, too: the last line is an interpreter that imports it and searches an empty folder.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from init.guard import changes, search  # noqa: E402

GIT = ["git", "-c", "user.name=b", "-c", "user.email=b", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"]
ENVIRON = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
EMPTY = (
    "import sys; sys.path.insert(0, sys.argv[1]); from init.guard import search; search.search(sys.argv[2])"
)


def fill(folder: Path, folders: int, files: int) -> None:
    """Make folders, ten in each, with their share of the files."""
    for number in range(folders):
        inner = folder.joinpath(*f"{number:04}"[:-1], f"folder{number}")
        inner.mkdir(parents=True)
        for name in range(files // folders):
            (inner / f"file{name}.py").write_text(f"{number} {name}\n")


def build(folder: Path) -> None:
    """Make the workspace, and have git know its files."""
    fill(folder / "src", 9000, 90_000)
    for number in range(100):
        fill(folder / f"package{number}", 8, 80)
        (folder / f"package{number}" / "package.json").write_text('{"scripts": {"test": "true"}}\n')
        (folder / f"package{number}" / "Makefile").write_text("all:\n\ttrue\n")
    fill(folder / "node_modules", 5000, 50_000)
    (folder / ".gitignore").write_text("node_modules\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"], ["status"]):
        run([*GIT, "-C", str(folder), *command])


def run(command: list[str]) -> None:
    """Run a program that says nothing."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRON)


def walk(folder: Path) -> None:
    """Visit every folder there is."""
    for _ in os.walk(folder):
        pass


def milliseconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare the guard with git status.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as empty:
        folder = Path(name)
        build(folder)
        before = search.search(name)
        start = [sys.executable, "-I", "-S", "-c", EMPTY, str(ROOT), empty]
        kinds: dict[str, Callable[[], object]] = {
            "git status": lambda: run([*GIT, "-C", name, "status", "--porcelain"]),
            "os.walk": lambda: walk(folder),
            "search()": lambda: search.search(name),
            "compare()": lambda: changes.compare(before, before),
            "interpreter": lambda: run([sys.executable, "-I", "-S", "-c", "pass"]),
            "interpreter, guard": lambda: run(start),
        }
        figures: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind, act in kinds.items():
                figures[kind].append(milliseconds(act))
        print(f"{len(before.items)} risky files; not searched: {', '.join(before.unseen) or 'nothing'}")
    floor = statistics.median(figures["git status"])
    print(f"{'':20} {'ms (median)':>12} {'min to max':>20} {'ratio to git status':>20}")
    for kind, times in figures.items():
        middle = statistics.median(times)
        spread = f"{min(times):.1f} to {max(times):.1f}"
        print(f"{kind:20} {middle:12.1f} {spread:>20} {middle / floor:20.2f}")


if __name__ == "__main__":
    main()
