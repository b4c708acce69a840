"""The options of `task`: one prompt, or a list of them. Only host/cli.py uses it to read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host import names
from host.errors import UsageError
from host.options import cluster as cluster_options
from host.options.cluster import Cluster

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

HINT = "./start.sh task --help tells what there is"
VERBS = {
    "task": (
        "[OPTION]... PROMPT | --file FILE [--jobs N] [--results DIR] [--on kubernetes] [OPTION]...",
        "have a tool do one prompt, or a list of them, with nobody there",
    )
}
# Bytes of a prompt: it is one argument of the tool's, and the kernel takes no longer one, execve(2).
LONGEST = 128 * 1024 - 64
STDIN = "-"
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
# As SANDBOX_LIMIT has it.
DAY = 86400
# More at once is a slip: each takes a container's memory.
MOST_JOBS = 64


@dataclass(frozen=True)
class Task:
    """Have a tool do one prompt, or a list of them.

    Attributes:
        prompt: what is to be done; STDIN has it read there.
        tool: which one does it, "" for the user's own.
        copy: whether it works on a copy of the workspace.
        workspace: the folder that is worked on, "" for workspace/.
        name: of the session; one is made up.
        limit: seconds that the tool may take, 0 for any.
        json: whether the result is told as JSON.
        build: whether the image is brought up to date.
        file: the list, "" where there is one prompt.
        jobs: how many of a list run at a time.
        results: the folder of a list's results, "" for one beside it.
    """

    prompt: str = ""
    tool: str = ""
    copy: bool = False
    workspace: str = ""
    name: str = ""
    limit: int = 0
    json: bool = False
    build: bool = True
    file: str = ""
    jobs: int = 1
    results: str = ""


@dataclass(frozen=True)
class ClusterTask(Task):
    """Have a cluster do a list of them.

    Attributes:
        cluster: which one, and with what.
    """

    cluster: Cluster = field(default_factory=Cluster)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to the verb's parser."""
    parser.add_argument(
        "words", nargs="*", metavar="PROMPT", help="what is to be done; - reads it from stdin"
    )
    parser.add_argument("--tool", metavar="NAME", help="which one does it; by default DEFAULT_TOOL")
    parser.add_argument("--copy", action="store_true", help=(
        "work on a copy of the folder, which itself is not touched: ./start.sh diff and apply"))  # fmt: skip
    parser.add_argument("--workspace", metavar="DIR", help="work on this folder in the place of workspace/")
    parser.add_argument("--name", metavar="NAME", help="what it is called; without it a name is made up")
    parser.add_argument("--timeout", metavar="TIME", help=(
        "such as 90s, 30m or 2h: then the tool is ended, and the exit code is 124"))  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="the result as JSON on stdout, all else on stderr"
    )
    parser.add_argument("--file", metavar="FILE", help=(
        "a list of tasks in YAML (- {name: ..., prompt: ..., tool: ..., timeout: ...}); each works on a\n"
        "copy of its own. Called again, it goes on with what has not ended well"))  # fmt: skip
    parser.add_argument("--jobs", metavar="N", help="how many of the list run at a time; 1 by default")
    parser.add_argument("--results", metavar="DIR", help=(
        "where the results of the list are kept; by default beside it, FILE.results"))  # fmt: skip
    cluster_options.add(parser)


def read(options: argparse.Namespace, rest: Sequence[str]) -> Task:
    """Return what is to be done.

    Args:
        options: what the parser made of the words before a `--`.
        rest: the words after it, which are the prompt's.

    Raises:
        UsageError: options do not go together, or a value is none.
    """
    words = [*options.words, *rest]
    cluster = cluster_options.read(options)
    for name in ("tool", "workspace", "timeout", "file", "jobs", "results"):
        if getattr(options, name) == "":
            raise UsageError(f"--{name} needs a value", HINT)
    if options.file is None:
        _require_prompt(words)
        for name in ("jobs", "results"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} is for a list: it needs --file", HINT)
    elif words:
        raise UsageError("task takes a PROMPT or --file FILE, not both", HINT)
    elif options.name is not None:
        raise UsageError("--name is for one task: those of a list have names there", HINT)
    most = MOST_JOBS if cluster is None else cluster_options.MOST_JOBS
    asked = Task(
        prompt="".join(words), tool=options.tool or "", copy=options.copy, workspace=options.workspace or "",
        name="" if options.name is None else names.checked(options.name),
        limit=seconds(options.timeout) if options.timeout else 0, json=options.json, build=options.build,
        file=options.file or "", jobs=_number(options.jobs or "1", most), results=options.results or "",
    )  # fmt: skip
    return asked if cluster is None else ClusterTask(**vars(asked), cluster=cluster)


def require_usable(prompt: str) -> None:
    """Refuse a prompt that says nothing, or that no program takes.

    Raises:
        UsageError: it is such a one.
    """
    if not prompt.strip():
        raise UsageError("the prompt is empty", HINT)
    if "\0" in prompt or len(prompt.encode(errors="surrogateescape")) > LONGEST:
        raise UsageError(
            f"the prompt is too long, or holds a NUL: {LONGEST} bytes are the most",
            "Put it into a file of the project, and have the tool read that.",
        )


def seconds(written: str) -> int:
    """Return the seconds of a time such as 30m.

    Raises:
        UsageError: it is no such time.
    """
    parts = re.fullmatch("([0-9]{1,6})([smh]?)", written)
    found = int(parts[1]) * SECONDS[parts[2]] if parts else 0
    if not 0 < found <= DAY:
        raise UsageError(f"--timeout {written} is no time", "Write such as 90s, 30m or 2h; 24h is the most.")
    return found


def _require_prompt(words: Sequence[str]) -> None:
    if not words:
        raise UsageError("task needs a PROMPT, or --file FILE", HINT)
    if len(words) > 1:
        raise UsageError(f"a task is one prompt; {words[1]!r} is another word", 'Put it into quotes: "..."')
    require_usable(words[0])


def _number(written: str, most: int) -> int:
    if not re.fullmatch("[0-9]{1,4}", written) or not 0 < int(written) <= most:
        raise UsageError(f"--jobs {written} is no number from 1 to {most}", HINT)
    return int(written)
