"""How a new copy comes to hold what the workspace has: as an overlay on it, or file by file."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING, NamedTuple

from host import as_root, copies
from host.errors import OK

if TYPE_CHECKING:
    from pathlib import Path

    from host.compose import Compose
    from host.configuration import Configuration
    from host.copies import Copy
    from host.engine import Engine
    from host.supervisor import Answer, Supervisor

# Who the agent is in root's folder, where nobody has chosen: init/accounts.py.
AGENT = "1000:1000"
# In the container that a copy is tried with.
TRIED = "/copy"


class Maker(NamedTuple):
    """What a copy is made with.

    Attributes:
        supervisor: what asks.
        compose: how Compose is called for this checkout.
        configuration: what Compose understood.
        engine: what it tells of itself.
    """

    supervisor: Supervisor
    compose: Compose
    configuration: Configuration
    engine: Engine

    def ask(self, *words: str) -> Answer:
        """Ask the engine."""
        return self.supervisor.ask(["docker", *words], self.compose.environ)

    def pause(self) -> None:
        """Wait a moment for another start.

        Raises:
            Interrupted: somebody asked for the end.
        """
        self.supervisor.pause(0.05)
        self.supervisor.check()


def overlaid(maker: Maker, copy: Copy) -> str:
    """Try whether the engine mounts an overlay, and have its top be as the workspace.

    Returns:
        why it does not; "" where it does.
    """
    assert copy.upper is not None  # noqa: S101 - an overlay has one; this tells mypy
    mark = f".{secrets.token_hex(16)}"
    (copy.upper / mark).touch()
    # What is mounted is what we made: an engine elsewhere may have paths of these names, too.
    made = maker.ask("create", "--network=none", "--label", f"{copies.TRIAL}={copy.volume}",
                     "--volume", f"{copy.volume}:{TRIED}:nocopy", copy.image)  # fmt: skip
    container, mounted = made.output.strip(), False
    try:
        found = maker.ask("cp", f"{container}:{TRIED}/{mark}", "-") if made.code == OK else made
        mounted = found.code == OK
    finally:
        remove_trial(maker, container, waits=not mounted)
    (copy.upper / mark).unlink()
    if not mounted:
        return f"the engine mounts no overlay there ({reason(found).rpartition(': ')[2]})"
    return resemble(maker, copy.workspace, copy.upper)


def remove_trial(maker: Maker, container: str, *, waits: bool) -> None:
    """Remove the container of a trial; of a copy that is good nobody has to wait."""
    if not container:
        return
    command = ["docker", "rm", "--force", container]
    if not waits:
        maker.supervisor.begin(command, maker.compose.environ, needed=False)
        return
    with maker.supervisor.undisturbed():
        maker.supervisor.ask(command, maker.compose.environ)


def resemble(maker: Maker, workspace: Path, upper: Path) -> str:
    """Give a folder owner, rights and times of another; return why that cannot be, "" where it is done."""
    wanted, found = workspace.stat(), upper.stat()
    owner = wanted.st_uid, wanted.st_gid
    try:
        if owner != (found.st_uid, found.st_gid):
            os.chown(upper, *owner)
        shutil.copystat(workspace, upper)
    except PermissionError:
        # The workspace is another user's.
        command = f"chown {owner[0]}:{owner[1]} /upper && chmod {wanted.st_mode & 0o7777:o} /upper"
        given = as_root.command(
            maker.configuration.image, [as_root.bound(upper, "/upper")], "sh", "-c", command
        )
        answer = maker.supervisor.ask(given, maker.compose.environ)
        return reason(answer) if answer.code != OK else ""
    return ""


def filled(maker: Maker, copy: Copy) -> str:
    """Copy the workspace into a volume; return why not all of it is there."""
    mounts = [
        as_root.bound(copy.workspace, "/from", "readonly"),
        f"type=volume,source={copy.volume},target=/to",
    ]
    # What changes from then on is the agent's doing: ask by the clock that the files' times are of.
    # What is root's becomes the agent's at its start, which would look like a change: so right here.
    command = (
        "cp --archive --reflink=auto --no-target-directory /from /to && "
        f"find /to -uid 0 -exec chown --no-dereference {AGENT} {{}} + && date +%s.%N"
    )
    answer = maker.supervisor.ask(
        as_root.command(copy.image, mounts, "sh", "-c", command), maker.compose.environ
    )
    if answer.code != OK:
        return reason(answer)
    (copy.place / copies.MADE).write_text(answer.output)
    return ""


def reason(answer: Answer) -> str:
    """Return what a program said was wrong: its last line, but for what the engine adds to it."""
    said = [line.strip() for line in answer.errors.splitlines() if line.strip()]
    return next((line for line in reversed(said) if "--help" not in line), "it does not say why")
