"""A copy of the workspace made for a session, and what is said of it at the session's end.

The engine's own local driver mounts the overlay, at the moment at which a container needs it. Whether it can
is tried once, before the session: a copy that cannot be mounted is made file by file.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from host import copies, folder_lock, git, labels, mount_table, project
from host.configuration import SERVICE, WORKSPACE
from host.copies import OVERLAY, PLAIN, Copy
from host.errors import OK, HostError
from host.filling import filled, overlaid, reason
from host.messages import printable, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.compose import Compose
    from host.filling import Maker

# What options of a mount cannot hold: the engine splits them at commas, the kernel folders at colons.
SPECIAL = re.compile(r"[,:\\]")
# An overlay takes changes of the folder below it while it is not mounted, without these: the kernel's
# Documentation/filesystems/overlayfs.rst.
LAYERS = "redirect_dir=off,metacopy=off,index=off,xino=off"
# Seconds to wait for another start that makes a copy.
PATIENCE = 30.0
# Bytes of a mount's options: the kernel takes a page, and cuts off what is more.
LONGEST = 4096
# Where an overlay prepares what it writes.
WORK = "work"
# Seconds after which a copy that nobody uses and on which nothing is was forgotten.
ABANDONED = 3600.0


@contextlib.contextmanager
def around(maker: Maker, name: str, *, wanted: bool) -> Iterator[Compose]:
    """Have a copy in the place of the workspace, if that is wanted; yield how Compose is called for it.

    At the end it goes, if nothing was written; otherwise it is said how to come to it.

    Args:
        maker: what it is made with.
        name: the session's.
        wanted: whether the session works on a copy.

    Raises:
        HostError: there can be none, or one of this name is another folder's.
    """
    if not wanted:
        yield maker.compose
        return
    copy = made(maker, name)
    # Whatever Compose made of what follows, it would not find the workspace itself.
    compose = maker.compose.given(WORKSPACE_DIR=str(copy.place / "none"))
    try:
        # Until a container has it, nobody takes it for one that was left.
        with folder_lock.held(copy.place, PATIENCE, maker.pause), compose.extended(override(copy)) as more:
            yield more
    finally:
        with maker.supervisor.undisturbed():
            copies.settle(maker.supervisor, maker.compose.environ, copy)


def override(copy: Copy) -> dict[str, object]:
    """Return a compose file that mounts a copy as the workspace."""
    mount = {"type": "volume", "source": "copy", "target": WORKSPACE, "volume": {"nocopy": True}}
    # What a session writes reaches the user through apply, which asks the guard itself; and diff shows it.
    given = {"SANDBOX_COPY": "1", "SANDBOX_GUARD": "report", "SANDBOX_CHANGES": "off"}
    return {
        "services": {SERVICE: {"volumes": [mount], "environment": given}},
        "volumes": {"copy": {"name": copy.volume, "external": True}},
    }


def made(maker: Maker, name: str) -> Copy:
    """Return the copy of this name: the one there is, or a new one.

    Raises:
        HostError: there can be none, or one of this name is another folder's.
    """
    if maker.configuration.workspace is None:
        raise HostError("--copy: no folder of this machine is the workspace, so there is none to copy.")
    workspace = Path(os.path.realpath(maker.configuration.workspace))
    there = copies.listed(maker.supervisor, maker.compose.environ, "project", maker.configuration.project)
    for copy in there:
        if copy.name == name and copy.is_ready:
            require_usable(copy, workspace)
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(copy.since))
            say(f"{name} goes on with its copy of {when}")
            return copy
    for copy in there:
        if folder_lock.is_held(copy.place):
            continue
        if copy.name == name:
            # The engine would take what is there of it for what is asked for.
            copies.remove(maker.supervisor, maker.compose.environ, copy)
        elif is_left(copy):
            with contextlib.suppress(HostError):  # somebody uses it, or removes it as well
                copies.remove(maker.supervisor, maker.compose.environ, copy)
    return new(maker, workspace, name)


def is_left(copy: Copy) -> bool:
    """Tell whether a start that was killed made it, so that nobody will miss it."""
    return time.time() - copy.since > ABANDONED and (not copy.is_ready or copies.is_untouched(copy))


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


def new(  # noqa: PLR0913 - what it is of, and what it is of another time and commit
    maker: Maker, workspace: Path, name: str, *, since: float | None = None, commit: str | None = None,
    then: Callable[[Copy], str] = lambda _: "",
) -> Copy:  # fmt: skip
    """Make a copy: an overlay, or file by file where that cannot be.

    Args:
        maker: what it is made with.
        workspace: the folder.
        name: of the copy.
        since: what changed in the folder since then is the user's doing; by default since now.
        commit: that the copy begins with; by default that of the folder.
        then: what is done before anybody takes it for complete; returns why it could not be done.

    Raises:
        HostError: neither can be; or the rest could not be done: nothing is left of it.
    """
    project.cover(maker.compose.root, maker.configuration.data)
    folder = Path(os.path.realpath(maker.compose.root / copies.FOLDER))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place, volume = folder / name, copies.volume(maker.configuration.project, name)
    overlay = Copy(
        name, volume, workspace, OVERLAY, now(workspace) if since is None else since,
        git.head(workspace) if commit is None else commit, place / copies.UPPER, maker.configuration.image,
        place,
    )  # fmt: skip
    with claimed(maker, overlay):
        copy = laid_over(maker, overlay) or replace(overlay, kind=PLAIN, upper=None)
        if copy.upper is None and (why := completed(maker, copy, filled)):
            raise HostError(
                f"there is no copy of {printable(str(workspace))}: {printable(why)}",
                "Mend that, or leave out --copy.",
            )
        if why := preserved(maker, copy, lambda: then(copy)):
            raise HostError(f"the copy {name} cannot be made: {printable(why)}")
        made = place / copies.MADE
        made.touch()
        made.rename(place / copies.READY)
    return copy


def laid_over(maker: Maker, copy: Copy) -> Copy | None:
    """Return an overlay; None where there can be none, which is said."""
    workspace = printable(str(copy.workspace))
    why = next(obstacles(maker, copy, copy.workspace.stat()), "") or completed(maker, copy, overlaid)
    if why:
        say(f"the copy of {workspace} is made file by file: {why}")
        return None
    for below in mount_table.mounted_below(copy.workspace):
        say(f"not in the copy: what is mounted at {printable(below)}")
    return copy


@contextlib.contextmanager
def claimed(maker: Maker, copy: Copy) -> Iterator[None]:
    """Have the name of a copy for as long as it is being made: its folder is held, and goes if that fails.

    Raises:
        HostError: another start has it.
    """
    with contextlib.ExitStack() as held:
        with folder_lock.held(copy.place.parent, PATIENCE, maker.pause):
            if copy.is_ready or folder_lock.is_held(copy.place):
                raise HostError(
                    f"another start made the copy {copy.name} just now.", "Give this session another --name."
                )
            with contextlib.suppress(FileNotFoundError):
                # Left by a start that was killed. The next copy that is removed takes it along.
                copies.put_aside(copy.place)
            copy.place.mkdir(mode=0o700)
            held.enter_context(folder_lock.held(copy.place, PATIENCE, maker.pause))
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                copies.put_aside(copy.place)
            raise


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


def layers(copy: Copy) -> str:
    """Return the options of an overlay's mount."""
    return f"lowerdir={copy.workspace},upperdir={copy.upper},workdir={copy.place / WORK},{LAYERS}"


def completed(maker: Maker, copy: Copy, complete: Callable[[Maker, Copy], str]) -> str:
    """Create a copy's volume and complete it; leave nothing of one that cannot be.

    Returns:
        why it cannot be; "" where it is complete.
    """
    return preserved(maker, copy, lambda: create(maker, copy) or complete(maker, copy))


def preserved(maker: Maker, copy: Copy, step: Callable[[], str]) -> str:
    """Do a step of making a copy; its volume goes where that cannot be done. Return why."""
    why = "it was not completed"
    try:
        why = step()
    finally:
        if why:
            with maker.supervisor.undisturbed():
                # Not its folder, which is claimed.
                maker.ask("volume", "rm", "--force", copy.volume)
    return why


def create(maker: Maker, copy: Copy) -> str:
    """Create a copy's volume, and the folders of an overlay; return why the engine does not."""
    options: list[str] = []
    if copy.upper is not None:
        for name in (copies.UPPER, WORK):
            (copy.place / name).mkdir()
        options = ["--opt", "type=overlay", "--opt", "device=overlay", "--opt", f"o={layers(copy)}"]
    told = copy.labels(maker.configuration.project, maker.compose.root)
    answer = maker.ask("volume", "create", "--driver=local", *labels.options(told), *options, copy.volume)
    return reason(answer) if answer.code != OK else ""


def now(workspace: Path) -> float:
    """Return the time by the clock of the file system that a folder is on: a share's may be another."""
    for folder in (workspace, None):
        with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    return time.time()
