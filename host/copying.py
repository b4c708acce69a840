"""A copy of the workspace made for a session, and what is said of it at the session's end.

The engine's own local driver mounts the overlay, at the moment at which a container needs it. Whether it can
is tried once, before the session: a copy that cannot be mounted is made file by file.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from host import copies, folder_lock, git, labels, project
from host.configuration import SERVICE, WORKSPACE
from host.copies import OVERLAY, PLAIN, Copy
from host.errors import OK, HostError
from host.filling import filled, overlaid
from host.messages import printable, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.compose import Compose
    from host.filling import Maker
    from host.supervisor import Supervisor

# What options of a mount cannot hold: the engine splits them at commas, the kernel folders at colons.
SPECIAL = re.compile(r"[,:\\]")
# An overlay takes changes of the folder below it while it is not mounted, without these: the kernel's
# Documentation/filesystems/overlayfs.rst.
LAYERS = "redirect_dir=off,metacopy=off,index=off,xino=off"
# Seconds to wait for another start that makes a copy.
PATIENCE = 30.0
# Bytes of a mount's options: the kernel takes a page, and cuts off what is more.
LONGEST = 4096
MOUNTS = Path("/proc/self/mountinfo")


@contextlib.contextmanager
def around(maker: Maker, name: str) -> Iterator[tuple[Compose, Copy]]:
    """Have a copy in the place of the workspace; yield how Compose is called for a session on it, and itself.

    At the end it goes, if nothing was written; otherwise it is said how to come to it.

    Args:
        maker: what it is made with.
        name: the session's.

    Raises:
        HostError: there can be none, or one of this name is another folder's.
    """
    copy = made(maker, name)
    # Whatever Compose made of what follows, it would not find the workspace itself.
    compose = maker.compose.given(WORKSPACE_DIR=str(maker.compose.root / copies.FOLDER / name / "none"))
    try:
        with compose.extended(override(copy)) as more:
            yield more, copy
    finally:
        with maker.supervisor.undisturbed():
            settle(maker.supervisor, maker.compose.environ, copy)


def override(copy: Copy) -> dict[str, object]:
    """Return a compose file that mounts a copy as the workspace."""
    mount = {"type": "volume", "source": "copy", "target": WORKSPACE, "volume": {"nocopy": True}}
    return {
        # What a session writes reaches the user through apply, which asks the guard itself.
        "services": {SERVICE: {"volumes": [mount], "environment": {"SANDBOX_GUARD": "report"}}},
        "volumes": {"copy": {"name": copy.volume, "external": True}},
    }


def settle(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> None:
    """Remove a copy on which nothing was written, or say that there is something; not while it is used."""
    used = ["docker", "ps", "--all", "--quiet", "--filter", f"volume={copy.volume}"]
    if supervisor.ask(used, environ, PATIENCE).output:
        return
    if is_untouched(copy):
        with contextlib.suppress(HostError):  # somebody else is at it
            copies.remove(supervisor, environ, copy)
            return
    say(f"what changed is in the copy {copy.name}: ./start.sh diff {copy.name}")


def is_untouched(copy: Copy) -> bool:
    """Tell whether it is sure that nothing was written: of a copy that is no overlay, nobody knows."""
    try:
        return copy.upper is not None and not any(copy.upper.iterdir())
    except OSError:
        return False


def made(maker: Maker, name: str) -> Copy:
    """Return the copy of this name: the one there is, or a new one.

    Raises:
        HostError: there can be none, or one of this name is another folder's.
    """
    if maker.configuration.workspace is None:
        raise HostError("--copy: no folder of this machine is the workspace, so there is none to copy.")
    workspace = Path(os.path.realpath(maker.configuration.workspace))
    for copy in copies.find(maker.supervisor, maker.compose.environ, maker.configuration.project):
        if copy.name == name:
            require_usable(copy, workspace)
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(copy.since))
            say(f"{name} goes on with its copy of {when}")
            return copy
    return new(maker, workspace, name)


def require_usable(copy: Copy, workspace: Path) -> None:
    """Refuse to go on with a copy of another folder, or with one whose files are gone.

    Raises:
        HostError: it is such a one.
    """
    throw_away = f"Or throw it away: ./start.sh discard {copy.name}"
    if copy.workspace != workspace:
        raise HostError(
            f"the copy {copy.name} is of another folder: {printable(str(copy.workspace))}",
            "Give this session another --name.", throw_away,
        )  # fmt: skip
    if copy.upper is not None and not copy.upper.is_dir():
        raise HostError(
            f"the files of the copy {copy.name} are gone: {printable(str(copy.upper))}", throw_away
        )


def new(maker: Maker, workspace: Path, name: str) -> Copy:
    """Make a copy: an overlay, or file by file where that cannot be.

    Raises:
        HostError: neither can be.
    """
    project.cover(maker.compose.root, maker.configuration.data)
    place = Path(os.path.realpath(maker.compose.root / copies.FOLDER)) / name
    copy = Copy(
        name, copies.volume(maker.configuration.project, name), workspace, OVERLAY, now(workspace),
        git.head(workspace), place / "upper", maker.configuration.image,
    )  # fmt: skip
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    why = next(obstacles(maker, copy, workspace.stat()), "")
    if not why:
        create(maker, copy)
        why = completed(maker, copy, overlaid)
    if not why:
        for below in mounted_below(workspace, MOUNTS):
            say(f"not in the copy: what is mounted at {printable(below)}")
        return copy
    say(f"the copy of {printable(str(workspace))} is made file by file: {why}")
    copy = replace(copy, kind=PLAIN, upper=None)
    create(maker, copy)
    if why := completed(maker, copy, filled):
        raise HostError(
            f"there is no copy of {printable(str(workspace))}: {printable(why)}",
            "Mend that, or leave out --copy.",
        )
    return copy


def obstacles(maker: Maker, copy: Copy, owner: os.stat_result) -> Iterator[str]:
    """Yield why there can be no overlay, as far as nobody has to try.

    Args:
        maker: what it is made with.
        copy: as it would be.
        owner: of the workspace.
    """
    if "name=rootless" in maker.engine.security:
        yield "the engine is rootless"
    if maker.engine.kernel and maker.engine.kernel != platform.release():
        yield "the engine is on another machine, or on a virtual one"
    if SPECIAL.search(f"{copy.workspace}{copy.upper}"):
        yield "no overlay has a comma, a colon or a backslash in its paths"
    if len(os.fsencode(layers(copy))) >= LONGEST:
        yield "its path is too long for an overlay"
    if copy.upper is not None and copy.workspace in copy.upper.parents:
        # It would show itself, and other copies.
        yield "this checkout is in it"
    ids = {"PUID": str(owner.st_uid), "PGID": str(owner.st_gid)}
    asked = maker.configuration.environment
    if owner.st_uid == 0 or any(asked.get(name, own) != own for name, own in ids.items()):
        # Each file would be copied up to get another owner, which takes longer than to copy all.
        yield "its files are not the agent's own"


def create(maker: Maker, copy: Copy) -> None:
    """Create the volume, and the folders of an overlay.

    Raises:
        HostError: another start does so right now, or the engine refuses.
    """
    folder = maker.compose.root / copies.FOLDER

    def pause() -> None:
        maker.supervisor.pause(0.05)
        maker.supervisor.check()

    with folder_lock.held(folder, PATIENCE, pause):
        # The engine takes no offence at a volume that is there.
        if maker.ask("volume", "inspect", copy.volume).code == 0:
            raise HostError(
                f"another start makes the copy {copy.name} right now.", "Give this session another --name."
            )
        options: list[str] = []
        if copy.upper is not None:
            place = copy.upper.parent
            if place.exists():
                # Left by a start that was killed. The next copy that is removed takes it along.
                place.rename(place.with_name(f"{copies.GONE}{copy.name}-{secrets.token_hex(4)}"))
            place.mkdir(mode=0o700)
            for one in ("upper", "work"):
                (place / one).mkdir()
            options = ["--opt", "type=overlay", "--opt", "device=overlay", "--opt", f"o={layers(copy)}"]
        told = copy.labels(maker.configuration.project, maker.compose.root)
        answer = maker.ask("volume", "create", "--driver=local", *labels.options(told), *options, copy.volume)
    if answer.code != OK:
        raise HostError("the engine makes no volume for the copy:", *answer.errors.strip().splitlines()[-1:])


def layers(copy: Copy) -> str:
    """Return the options of an overlay's mount."""
    work = copy.upper and copy.upper.with_name("work")
    return f"lowerdir={copy.workspace},upperdir={copy.upper},workdir={work},{LAYERS}"


def completed(maker: Maker, copy: Copy, complete: Callable[[Maker, Copy], str]) -> str:
    """Complete a copy whose volume there is, and leave nothing of one that cannot be.

    Returns:
        why it cannot be; "" where it is complete.
    """
    why = "it was not completed"
    try:
        why = complete(maker, copy)
    finally:
        if why:
            with maker.supervisor.undisturbed():
                copies.remove(maker.supervisor, maker.compose.environ, copy)
    return why


def now(workspace: Path) -> float:
    """Return the time by the clock of the file system that a folder is on: a share's may be another."""
    for folder in (workspace, None):
        with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    return time.time()


def mounted_below(folder: Path, table: Path) -> list[str]:
    """Return what is mounted below a folder: an overlay does not show it.

    Args:
        folder: without links.
        table: proc_pid_mountinfo(5).
    """
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return []
    points = (_unescaped(line.split(" ")[4]) for line in lines if line.count(" ") > 4)
    return sorted({point for point in points if point.startswith(f"{folder}/")})


def _unescaped(field: str) -> str:
    """Return a path of the mount table: space, tab, newline and backslash are three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
