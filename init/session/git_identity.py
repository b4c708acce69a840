"""What git is told: who the author is, by the user's own git; and by which address hosts are reached.

A file, and no variables, so that a repository, the agent or a .gitconfig that is mounted can say otherwise.
"""

from __future__ import annotations

import os

from init import paths
from init.errors import SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAME, EMAIL, VERSION = "SANDBOX_GIT_NAME", "SANDBOX_GIT_EMAIL", "SANDBOX_GIT_VERSION"
# From here on git reads relative pointers of worktrees; an older one refuses the whole repository.
RELATIVE = (2, 48)
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def install(home: str, environ: Mapping[str, str]) -> None:
    """Write git's settings, unless there are some.

    Raises:
        SandboxError: they cannot be written.
    """
    text = settings(environ)
    path = f"{home}/.config/git/config"
    if not text or os.path.lexists(path):
        return
    try:
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as error:
        raise SandboxError(
            f"cannot write {error.filename}: {error.strerror}", f"{home} needs to be writable."
        ) from error


def settings(environ: Mapping[str, str]) -> str:
    """Return the file's text; empty where nothing is told."""
    user = "".join(
        f"\t{key} = {quoted(environ[name])}\n"
        for key, name in (("name", NAME), ("email", EMAIL))
        if environ.get(name)
    )
    relative = is_from(environ.get(VERSION, ""), RELATIVE)
    gateway = environ.get("SANDBOX_GATEWAY")
    # git leaves out what is not there. The gateway writes it, and anew when its list changes.
    addresses = f"[include]\n\tpath = {paths.GATEWAY}/{gateway}/gitconfig\n" if gateway else ""
    return (
        (f"[user]\n{user}" if user else "")
        + ("[worktree]\n\tuseRelativePaths = true\n" if relative else "")
        + addresses
    )


def quoted(value: str) -> str:
    """Return a value as git-config(1) reads it; it has no word for other control characters."""
    plain = "".join(character for character in value if character >= " " or character in "\n\t")
    return '"' + "".join(_ESCAPED.get(character, character) for character in plain) + '"'


def is_from(version: str, first: tuple[int, int]) -> bool:
    """Tell whether a version, such as 2.50.1, is one or a later one."""
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        return False
    return (int(numbers[0]), int(numbers[1])) >= first
