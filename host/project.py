"""A project: a folder of the user's own in the place of workspace/, with data of its own.

What a session leaves in data/ (settings, caches, whatever a bad one planted) is there for the next session of
the same project, and for no other: compose.yml covers data/projects.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from host import containers
from host.errors import HostError
from host.messages import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.checkout import Checkout

# Below the checkout's folder: the data of each project.
FOLDER = Path("data", "projects")
# The same in the container; and where the cover is out of the way, in every image.
COVERED, ELSEWHERE = "/home/agent/data/projects", "/srv"
# Folders of the machine with all that is in them, and such as only hold others: what root owns in a workspace
# becomes the agent's.
SYSTEM = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/private/etc", "/proc", "/sbin",
    "/sys", "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/sbin",
    "/usr/share", "/var/lib/containerd", "/var/lib/docker", "/Library", "/System",
)  # fmt: skip
TOPS = (
    "/", "/Users", "/Volumes", "/home", "/opt", "/private", "/private/tmp", "/private/var", "/root", "/run",
    "/tmp", "/usr", "/usr/local", "/var", "/var/lib",  # noqa: S108 - to refuse it
)  # fmt: skip


def variables(checkout: Checkout, environ: Mapping[str, str], named: str) -> dict[str, str]:
    """Return what Compose is told of a project; nothing where none is named.

    DATA_DIR, in the environment or .env, has the last word: compose.yml looks at SANDBOX_DATA after it.

    Args:
        checkout: this one.
        environ: HOME.
        named: the folder as the user named it.

    Raises:
        HostError: it is no folder, or none for an agent.
    """
    if not named:
        return {}
    workspace = real(checkout, named)
    own = checkout.root / "workspace"
    if _same(workspace, own):
        return {"WORKSPACE_DIR": str(own)}
    require_harmless(workspace, checkout.root, environ.get("HOME", ""), named)
    data = checkout.root / FOLDER / containers.project(workspace)
    return {"WORKSPACE_DIR": str(workspace), "SANDBOX_DATA": str(data)}


def cover(root: Path, data: Path | None) -> dict[str, str]:
    """Have data/projects there before the engine makes it, as root; return what Compose is told of its cover.

    Args:
        root: the checkout's folder.
        data: the folder that is mounted as data/, None where none is.

    Raises:
        HostError: something else is in the place of a folder, or none can be made.
    """
    folder = root / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(folder, error.strerror or "") from error
    # A session of an earlier version could have put one there.
    if folder.is_symlink():
        raise _no_folder(folder, "it is a symbolic link")
    own = data is not None and _same(data, folder.parent)
    return {"SANDBOX_COVER": COVERED if own else ELSEWHERE}


def real(checkout: Checkout, named: str) -> Path:
    """Return the folder that the user named, without links.

    Raises:
        HostError: it is none, or cannot be told to the engine.
    """
    shown = printable(named)
    path = Path(os.path.realpath(checkout.caller / named))
    if not path.exists():
        raise HostError(f"there is no folder {shown}.", f"Make it, or mend the name: mkdir -p '{shown}'")
    if not path.is_dir():
        raise HostError(f"{shown} is not a folder.", "Name the folder that the project is in.")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise HostError(
            f"the path of {shown} is not UTF-8, and Docker takes no other: {printable(str(path))}",
            "Give the folder another name.",
        ) from error
    return path


def require_harmless(workspace: Path, root: Path, home: str, named: str) -> None:
    """Refuse a folder that holds more than a project.

    Args:
        workspace: the folder, without links.
        root: the checkout's.
        home: the user's; "" where it is not known.
        named: the folder as the user named it.

    Raises:
        HostError: it does.
    """
    if what := next(_harmful(workspace, root, home), ""):
        raise HostError(
            f"{printable(named)} is no workspace: {what}.",
            "Name the folder of one project. The agent may read and change all that is in it.",
        )


def _harmful(workspace: Path, root: Path, home: str) -> Iterator[str]:
    """Yield what is harmful about a folder as a workspace."""
    at_home = Path(os.path.realpath(home)) if home.startswith("/") else None
    if workspace == at_home:
        yield "it is your home folder"
    elif at_home is not None and _is_in(at_home, workspace):
        yield "your home folder is in it"
    if str(workspace) in TOPS:
        yield f"{workspace} is the machine's"
    for folder in map(Path, SYSTEM):
        if _is_in(workspace, folder):
            yield f"it is in {folder}, which is the machine's"
    if ".copies" in workspace.parts and "projects" in workspace.parts:
        yield "it is what a copy of a workspace is made of"
    if _is_in(root, workspace):
        yield f"this checkout is in it ({root}), with the keys and with what starts the sandbox"
    if _is_in(workspace, root) and not _is_in(workspace, root / "workspace"):
        yield f"it belongs to this checkout ({root}); of that, only workspace/ is for the agent"


def _is_in(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _no_folder(folder: Path, why: str) -> HostError:
    return HostError(
        f"{folder} is no folder that can be used: {why}.",
        f"The data of projects belongs there. Move away what is in its place, then: mkdir '{folder}'",
    )
