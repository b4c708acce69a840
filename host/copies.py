"""Copies of a workspace: what a session with --copy writes on, and what is left of it for the user to take.

A copy is a volume of the engine's, and all that is known of it are the volume's labels. Mostly it is an
overlay, which costs nothing to make: the workspace below, never written, and above it a folder of this
checkout's with what is new. Where the engine cannot mount one it is a plain volume with a copy in it.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from host import answers, as_root, folder_lock, tree
from host.errors import HostError
from host.messages import printable, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.supervisor import Supervisor

# Labels of the volume: this, a dot, and one of these.
LABEL = "agentic-sandbox.copy"
TRIAL = f"{LABEL}.trial"  # of a container, with the volume's name
FACTS = ("name", "project", "checkout", "workspace", "kind", "since", "commit", "place", "image")
OVERLAY, PLAIN = "overlay", "plain"
# Below the checkout, where no session looks: compose.yml covers data/projects.
FOLDER = Path("data", "projects", ".copies")
# A volume's labels as JSON; the engine's own form of all of them has commas between, which paths may hold.
FORMAT = ",".join(["{{json .Name}}", *(f'{{{{json (.Label "{LABEL}.{fact}")}}}}' for fact in FACTS)])
# In the folder of a copy's files: what is new in an overlay, and what says that the copy is complete.
UPPER, READY = "upper", "ready"
# When a plain copy was whole, until it is complete.
MADE = "made"
# And what was taken of it.
TAKEN = "taken"
# What is to be removed is renamed first: nobody takes half of it for a copy.
GONE = ".gone-"
# Seconds for the engine to answer, and to remove a volume.
PATIENCE = 30.0


@dataclass(frozen=True)
class Copy:
    """A copy of a workspace.

    Attributes:
        name: of the session that made it.
        volume: the engine's.
        workspace: the folder on this machine that it is a copy of.
        kind: OVERLAY or PLAIN.
        since: when it was made, in seconds since 1970 by the clock of the workspace's file system.
        commit: HEAD of the workspace at that time; "" where it is no repository.
        upper: what is new in it, where it is an overlay.
        image: the sandbox's, by which what is not the user's is removed.
        place: the folder of its files on this machine.
    """

    name: str
    volume: str
    workspace: Path
    kind: str
    since: float
    commit: str
    upper: Path | None
    image: str = ""
    place: Path = Path()

    @property
    def is_ready(self) -> bool:
        """Whether it is complete: what is missing in half a copy would be taken for deleted."""
        return (self.place / READY).is_file()

    @property
    def made(self) -> float | None:
        """When a plain copy was complete, by the engine's clock; None where that is not known."""
        try:
            return float((self.place / READY).read_text())
        except (OSError, ValueError):
            return None

    @property
    def taken(self) -> Path:
        """The folder that remembers what was taken of it: no session sees it."""
        return self.place / TAKEN

    def labels(self, project: str, checkout: Path) -> dict[str, str]:
        """Return the labels of its volume.

        Args:
            project: Compose's name of it.
            checkout: the folder of this checkout.
        """
        facts = {
            "name": self.name, "project": project, "checkout": str(checkout), "kind": self.kind,
            "workspace": str(self.workspace), "since": repr(self.since), "commit": self.commit,
            "place": str(self.place), "image": self.image,
        }  # fmt: skip
        return {f"{LABEL}.{fact}": value for fact, value in facts.items()}


def volume(project: str, name: str) -> str:
    """Return the name of a copy's volume."""
    return f"{project}_copy-{name}"


def find(supervisor: Supervisor, environ: Mapping[str, str], project: str) -> list[Copy]:
    """Return the copies of a project of Compose's that are complete, the newest first.

    Raises:
        HostError: the engine does not tell.
    """
    return [copy for copy in listed(supervisor, environ, "project", project) if copy.is_ready]


def listed(supervisor: Supervisor, environ: Mapping[str, str], fact: str, value: str) -> list[Copy]:
    """Return all copies with a label of this value, also those that nobody completed, the newest first.

    Args:
        supervisor: what asks.
        environ: of the engine's client.
        fact: one of FACTS.
        value: what it is.

    Raises:
        HostError: the engine does not tell.
    """
    named = f"label={LABEL}.{fact}={value}"
    command = ["docker", "volume", "ls", "--filter", named, "--format", f"[{FORMAT}]"]
    answer = supervisor.ask(command, environ, PATIENCE)
    if answer.code:
        raise HostError("the engine does not tell which copies there are:", *answer.errors.splitlines()[-1:])
    return parse(answer.output)


def parse(output: str) -> list[Copy]:
    """Return the copies that `docker volume ls` lists as FORMAT has it, the newest first."""
    found = (_copy(line) for line in output.splitlines())
    return sorted((copy for copy in found if copy), key=lambda copy: (-copy.since, copy.name))


def chosen(copies: Sequence[Copy], name: str) -> Copy:
    """Return the copy of a name, or the only one where none is named.

    Raises:
        HostError: there is none, or more than one.
    """
    found = [copy for copy in copies if name in ("", copy.name)]
    if len(found) == 1:
        return found[0]
    if not copies:
        raise HostError("there is no copy.", "This makes one: ./start.sh --copy")
    told = (f"{copy.name}: of {printable(str(copy.workspace))}" for copy in copies)
    if not name:
        raise HostError(f"there are {len(copies)} copies. Name one:", *told)
    raise HostError(f"there is no copy named {printable(name)}. There are:", *told)


def remove(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> None:
    """Remove a copy and all that is in it.

    Raises:
        HostError: a session uses it, or not all of it can be removed.
        Interrupted: somebody asked for the end; the copy is none any more, and the next one made sweeps.
    """
    taken = ["docker", "volume", "rm", "--force", copy.volume]
    answer = supervisor.ask(taken, environ, PATIENCE)
    # A start that was killed may have left what it tried the copy with.
    tried = ["docker", "ps", "--all", "--quiet", "--filter", f"label={TRIAL}={copy.volume}"]
    if answer.code and (left := supervisor.ask(tried, environ, PATIENCE).output.split()):
        supervisor.ask(["docker", "rm", "--force", *left], environ, PATIENCE)
        answer = supervisor.ask(taken, environ, PATIENCE)
    if answer.code:
        raise HostError(
            f"the copy {copy.name} cannot be removed: {printable(answer.errors.strip())}",
            f"If a session uses it, end that first: ./start.sh stop {copy.name}",
        )
    try:
        put_aside(copy.place)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _left(copy.place) from error
    sweep(supervisor, environ, copy.place.parent, copy.image)


def settle(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> None:
    """Remove a copy on which nothing was written, or say that there is something; not while it is used."""
    # A container that it was tried with has a label in its line, and may be about to go.
    shown = f'[{{{{.Label "{TRIAL}"}}}}]'
    used = ["docker", "ps", "--all", "--filter", f"volume={copy.volume}", "--format", shown]
    if folder_lock.is_held(copy.place) or "[]" in supervisor.ask(used, environ, PATIENCE).output:
        return
    if is_untouched(copy):
        with contextlib.suppress(HostError):  # somebody else is at it
            remove(supervisor, environ, copy)
            return
    say(f"what changed is in the copy {copy.name}: ./start.sh diff {copy.name}")


def settle_of(supervisor: Supervisor, environ: Mapping[str, str], project: str, volume: str) -> None:
    """Do that with the copy of a session that is gone, by the label of its container; "" for none."""
    with contextlib.suppress(HostError):  # the next start says so
        for copy in find(supervisor, environ, project) if volume else ():
            if copy.volume == volume:
                settle(supervisor, environ, copy)


def is_untouched(copy: Copy) -> bool:
    """Tell whether it is sure that nothing was written: of a copy that is no overlay, nobody knows."""
    try:
        return copy.upper is not None and not any(copy.upper.iterdir())
    except OSError:
        return False


def put_aside(place: Path) -> None:
    """Rename the folder of a copy's files: what is to be removed is nobody's copy any more.

    Raises:
        OSError: it is not there, or not ours.
    """
    place.rename(place.with_name(f"{GONE}{place.name}-{secrets.token_hex(4)}"))


def sweep(supervisor: Supervisor, environ: Mapping[str, str], folder: Path, image: str) -> None:
    """Remove what removed copies left: what is not the user's through a container of the image.

    Args:
        supervisor: what asks.
        environ: of the engine's client.
        folder: where copies have their files.
        image: the sandbox's.

    Raises:
        HostError: not all of it can be removed.
        Interrupted: somebody asked for the end.
    """
    for gone in folder.glob(f"{GONE}*"):
        with contextlib.suppress(FileNotFoundError):  # another start is at it, too
            if _emptied(supervisor, gone):
                continue
            # Whatever UID the agent had: root of a container may remove it.
            emptied = as_root.command(
                image, [as_root.bound(gone, "/gone")], "find", "/gone", "-mindepth", "1", "-delete"
            )
            supervisor.ask(emptied, environ)
            if not _emptied(supervisor, gone):
                raise _left(gone)


def _emptied(supervisor: Supervisor, folder: Path) -> bool:
    """Remove a folder, and tell whether that went well.

    Raises:
        FileNotFoundError: it is gone already.
    """
    tree.remove(folder, (), supervisor.check)
    try:
        folder.rmdir()
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _copy(line: str) -> Copy | None:
    """Return the copy that a line is of; None for a volume that has other labels."""
    try:
        told = answers.parse(line)
        volume, *values = map(answers.text, told)
        facts = dict(zip(FACTS, values))
        since = float(facts["since"])
    except (KeyError, TypeError, ValueError):
        return None
    if facts["kind"] not in (OVERLAY, PLAIN) or not facts["workspace"].startswith("/"):
        return None
    place = Path(facts["place"])
    if place.parts[-3:] != (*FOLDER.parts[1:], facts["name"]):
        # It goes with the copy: it has to be one of ours.
        return None
    upper = place / UPPER if facts["kind"] == OVERLAY else None
    return Copy(facts["name"], volume, Path(facts["workspace"]), facts["kind"], since, facts["commit"], upper,
                facts["image"], place)  # fmt: skip


def _left(folder: Path) -> HostError:
    return HostError(
        f"not all of a copy could be removed: {printable(str(folder))}",
        f"What is in it is another user's: sudo rm -rf '{folder}'",
    )
