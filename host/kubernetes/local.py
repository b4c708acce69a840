"""A result made into a copy on this machine, as those of --copy are: diff, apply and discard know it then.

It is a copy of the workspace as it is by now. All that is in that may be newer than what the task fetched: so
nothing is taken for unchanged but what the commit has.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from host import compose as compose_files
from host import copies, copying, project, sessions
from host.configuration import DATA, SERVICE
from host.errors import LEFT, OK, HostError
from host.interpolation import literal
from host.messages import printable, say
from host.session import kind
from host.supervisor import Streams

if TYPE_CHECKING:
    from host.copies import Copy
    from host.filling import Maker

# What is kept of a result until it is a copy: NAME, the commit that it was made of, and this.
ENDING = ".tar.gz"
NO_COMMIT = "none"


class Kept(NamedTuple):
    """A result that is no copy yet.

    Attributes:
        name: of the task.
        base: the commit that it began with, "" where that is not known.
        folder: of the results.
    """

    name: str
    base: str
    folder: Path

    @property
    def file(self) -> Path:
        """What is kept of it."""
        return self.folder / f"{self.name}.{self.base or NO_COMMIT}{ENDING}"

    @property
    def log(self) -> Path:
        """What was said of it."""
        return self.folder / f"{self.name}.log"


def waiting(folder: Path, name: str) -> list[Kept]:
    """Return what is kept of a task's results that are no copy yet."""
    form = re.compile(
        rf"{re.escape(name)}\.([0-9a-f]{{40}}(?:[0-9a-f]{{24}})?|{NO_COMMIT}){re.escape(ENDING)}"
    )
    found = (form.fullmatch(path.name) for path in sorted(folder.glob(f"{name}.*{ENDING}")))
    return [Kept(name, "" if one[1] == NO_COMMIT else one[1], folder) for one in found if one]


def keep(path: Path, data: bytes) -> None:
    """Write a result: it is there as a whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    part.replace(path)


def made(maker: Maker, workspace: Path, kept: Kept) -> None:
    """Make a copy of a result, which is kept no longer then.

    Args:
        maker: what it is made with.
        workspace: the user's folder.
        kept: the result.

    Raises:
        HostError: it cannot be made; what is there of this name stays.
        Interrupted: somebody asked for the end; nothing of the copy is left.
    """
    require_free(maker, kept.name)
    copy = copying.new(
        maker,
        workspace,
        kept.name,
        since=0.0,
        commit=kept.base,
        then=lambda copy: unpacked(maker, copy, kept),
    )
    kept.file.unlink()
    if copies.is_untouched(copy):
        copies.remove(maker.supervisor, maker.compose.environ, copy)


def require_free(maker: Maker, name: str) -> None:
    """See to it that no copy has the name; one that nobody wrote on goes.

    Raises:
        HostError: one has it, with what may not be lost.
    """
    there = copies.listed(maker.supervisor, maker.compose.environ, "project", maker.configuration.project)
    for copy in there:
        if copy.name == name and copy.is_ready and not copies.is_untouched(copy):
            raise HostError(
                f"there is a copy {name} already, and what is in it stays.",
                f"Take it, or throw it away: ./start.sh apply {name}, ./start.sh discard {name}",
            )
        if copy.name == name:
            copies.remove(maker.supervisor, maker.compose.environ, copy)


def unpacked(maker: Maker, copy: Copy, kept: Kept) -> str:
    """Have the image put a result into a copy, which it does as the agent; return why it does not."""
    chosen = kind("unpack")
    closed = tuple(one for one in maker.compose.files if one.name != compose_files.OPEN_FILE)
    # It reaches nothing, whatever sessions may.
    configuration = replace(maker.configuration, has_gateway=True, networks=())
    given = maker.compose.given(WORKSPACE_DIR=str(copy.place / "none"), SANDBOX_COVER=project.ELSEWHERE)
    with (
        kept.file.open("rb") as data,
        kept.log.open("ab") as said,
        replace(given, files=closed).extended(override(copy)) as more,
        sessions.begun(maker.supervisor, more, configuration, chosen.variables) as session,
    ):
        command = session.command(chosen, terminal=False)
        code = session.attend(command, Streams(data, said, said), more.environ)
    if code == LEFT:
        say(f"{kept.name}: not all of its changes are in the copy: {printable(str(kept.log))} names the rest")
    return "" if code in (OK, LEFT) else f"its result is refused, or cannot be written: {kept.log} says why"


def override(copy: Copy) -> dict[str, object]:
    """Return a compose file that mounts a copy, and its own folder in the place of the data."""
    copy.taken.mkdir(mode=0o700, exist_ok=True)
    mount = {"type": "bind", "source": literal(str(copy.taken)), "target": DATA,
             "bind": {"create_host_path": False}}  # fmt: skip
    told: dict[str, Any] = copying.override(copy)
    told["services"][SERVICE]["volumes"].append(mount)
    return told
