"""Which of the engine's containers are of this checkout.

Compose labels each with its project and the folder it was started from. Names alone do not tell: every user's
checkout has the repository's, and `docker compose up` by hand takes it for the project's.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from host.supervisor import Supervisor

LABEL = "com.docker.compose"
FORMAT = "\t".join(
    (
        "{{.ID}}",
        *(f'{{{{.Label "{LABEL}.{name}"}}}}' for name in ("project", "service", "project.working_dir")),
    )
)
# Characters of the folder's name in the project's; its path is of any length.
SHOWN = 40
# Hex digits of the digest.
DIGITS = 8


class Container(NamedTuple):
    """A container that runs, and what Compose noted on it."""

    id: str
    project: str
    service: str
    folder: str


def project(root: Path) -> str:
    """Return the project's name of a checkout, as Compose takes it: a-z, digits and dashes.

    Args:
        root: the checkout's folder, no link among its parts.
    """
    shown = re.sub(r"[^a-z0-9]+", "-", root.name.lower())[:SHOWN].strip("-") or "sandbox"
    return f"{shown}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:DIGITS]}"


def by_hand(root: Path) -> str:
    """Return the name that Compose alone gives: the folder's, without what it does not take."""
    return re.sub(r"[^-_a-z0-9]", "", root.name.lower()).lstrip("-_")


def running(
    supervisor: Supervisor, environ: Mapping[str, str], root: Path, limit: float | None = None
) -> list[Container] | None:
    """Return the containers that were started from a checkout and run, the newest first.

    Args:
        supervisor: what asks.
        environ: the environment of the Docker client.
        root: the checkout's folder.
        limit: seconds for the answer.

    Returns:
        None if the engine does not tell.
    """
    listed = [
        "docker",
        "ps",
        "--no-trunc",
        "--filter",
        f"label={LABEL}.project.working_dir",
        "--format",
        FORMAT,
    ]
    answer = supervisor.ask(listed, environ, limit)
    return [one for one in parse(answer.output) if same(one.folder, root)] if answer.code == 0 else None


def parse(output: str) -> list[Container]:
    """Return what `docker ps` lists."""
    lines = (line.split("\t") for line in output.splitlines())
    return [Container(*fields) for fields in lines if len(fields) == len(Container._fields)]


def of(found: Iterable[Container], service: str, projects: Collection[str]) -> list[str]:
    """Return the numbers of those of a service in some projects."""
    return [one.id for one in found if one.service == service and one.project in projects]


def same(folder: str, root: Path) -> bool:
    """Tell whether a folder that the engine names is the checkout's."""
    try:
        return Path(folder).samefile(root)
    except OSError:
        return False
