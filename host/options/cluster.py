"""The options of `task --on kubernetes`: a list of tasks on a cluster. Only host/options/task.py uses it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.errors import UsageError

if TYPE_CHECKING:
    import argparse

KUBERNETES = "kubernetes"
OPTIONS = ("overlay", "context", "repository", "commit")
# A list has no more tasks.
MOST_JOBS = 1000
COMMIT = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
HINT = "./start.sh task --help tells what there is"


@dataclass(frozen=True)
class Cluster:
    """Which cluster does a list, and with what.

    Attributes:
        overlay: the kustomization of the Job, "" for the checkout's own.
        context: kubectl's, "" for the current one.
        repository: where each task fetches the project, "" for the workspace's remote `origin`.
        commit: what it fetches of it, "" for the workspace's HEAD.
    """

    overlay: str = ""
    context: str = ""
    repository: str = ""
    commit: str = ""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to the verb's parser."""
    parser.add_argument("--on", metavar=KUBERNETES, help=(
        "do the list on a cluster, by kubectl: one Job, each task a pod of its own. Called again, it\n"
        "goes on with that Job. See docs/kubernetes.md"))  # fmt: skip
    parser.add_argument("--overlay", metavar="DIR", help=(
        "the kustomization of that Job, on top of deploy/kubernetes/job, the default"))  # fmt: skip
    parser.add_argument("--context", metavar="NAME", help="kubectl's; by default its current one")
    parser.add_argument("--repository", metavar="URL", help=(
        "what each pod fetches; by default origin of the workspace's repository, by https"))  # fmt: skip
    parser.add_argument("--commit", metavar="ID", help="of that repository; by default HEAD of the workspace")


def read(options: argparse.Namespace) -> Cluster | None:
    """Return what is asked of a cluster; None where nothing is.

    Raises:
        UsageError: options do not go together, or a value is none.
    """
    given = {name: getattr(options, name) for name in OPTIONS}
    for name in ("on", *OPTIONS):
        if getattr(options, name) == "":
            raise UsageError(f"--{name} needs a value", HINT)
    if options.on is None:
        for name, value in given.items():
            if value is not None:
                raise UsageError(f"--{name} is for a cluster: it needs --on {KUBERNETES}", HINT)
        return None
    if options.on != KUBERNETES:
        raise UsageError(f"--on {options.on} is not known: {KUBERNETES} is", HINT)
    if options.file is None:
        raise UsageError("--on is for a list: it needs --file", HINT)
    if options.copy:
        raise UsageError("--copy: on a cluster each task has a copy anyhow", "Leave it out.")
    if options.commit and not COMMIT.fullmatch(options.commit):
        raise UsageError(
            f"--commit {options.commit} is no whole name of a commit: 40 or 64 of 0-9 and a-f",
            f"This tells it: git rev-parse {options.commit if options.commit.isalnum() else 'NAME'}",
        )
    return Cluster(**{name: value or "" for name, value in given.items()})
