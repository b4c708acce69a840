"""Who the agent is: the account files, edited as text.

usermod and groupmod are not used: the one walks and re-owns home by itself, across mounts, and the other
fails where a GID exists, which is a normal case (20 is every macOS user's group and Debian's dialout).
"""

from __future__ import annotations

import errno
import os

from init import paths
from init.errors import SandboxError
from init.record import Record
from init.settings import MAX_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import PurePath

    from init.settings import Settings

NAME = "agent"
# Debian and Ubuntu number people from 1000; Ubuntu's images have an account there already.
DEFAULT_ID = 1000


class Identity(Record):
    """UID and GID of the agent, never 0."""

    uid: int
    gid: int


class Accounts(Record):
    """The text of the four account files; see passwd(5), group(5), shadow(5), gshadow(5)."""

    passwd: str
    group: str
    shadow: str
    gshadow: str


def choose(settings: Settings, workspace: tuple[int, int] | None) -> Identity:
    """Take the IDs that were set, else those of the workspace's owner, else 1000; never root.

    Args:
        settings: what the user asked for.
        workspace: UID and GID that own the workspace mount, or None where nothing is mounted.

    Raises:
        SandboxError: the owner's IDs are too large.
    """
    owner, group = workspace or (0, 0)
    agent = Identity(settings.puid or owner or DEFAULT_ID, settings.pgid or group or DEFAULT_ID)
    if max(agent) > MAX_ID:
        raise SandboxError(
            f"the workspace belongs to {owner}:{group}, and no agent can be more than {MAX_ID}",
            "Set PUID and PGID in .env or the environment to IDs that may own the workspace.",
        )
    return agent


def plan(accounts: Accounts, agent: Identity) -> Accounts:
    """Return the account files in which the agent has this identity and no other group.

    An account that the image has at UID 1000 becomes the agent. Another account with the same UID stays,
    listed after the agent, so that the agent's name is the one shown. A group that has the GID is shared.
    """
    users = _records(accounts.passwd)
    known = any(user[0] == NAME for user in users)
    old = next((u[0] for u in users if not known and len(u) > 2 and u[2] == str(DEFAULT_ID)), NAME)
    names = {NAME, old}
    entry = [NAME, "x", str(agent.uid), str(agent.gid), "Agent", paths.HOME, paths.SHELL]
    others = [u for u in users if u[0] not in names]
    groups = [_without(g, names, 3) for g in _records(accounts.group) if g[0] not in names]
    if not any(len(g) > 2 and g[2] == str(agent.gid) for g in groups):
        groups.append([NAME, "x", str(agent.gid), ""])
    shadow = [s for s in _records(accounts.shadow) if s[0] not in names]
    gshadow = [
        _without(_without(g, names, 2), names, 3) for g in _records(accounts.gshadow) if g[0] not in names
    ]
    if groups[-1][0] == NAME:
        gshadow.append([NAME, "!", "", ""])
    return Accounts(
        passwd=_text([*others[:1], entry, *others[1:]]),
        group=_text(groups),
        shadow=_text([*shadow, [NAME, "!*", "", "", "", "", "", "", ""]]),
        gshadow=_text(gshadow),
    )


def apply(agent: Identity, etc: PurePath | str = "/etc") -> bool:
    """Write the account files that change, each atomically.

    Returns:
        Whether anything changed; nothing can where the root filesystem is read-only.

    Raises:
        SandboxError: a file cannot be read or written.
    """
    try:
        return _apply(agent, etc)
    except OSError as error:
        if error.errno == errno.EROFS:
            # The session has another way to give the agent its name.
            return False
        raise SandboxError(
            f"cannot make the agent {agent.uid}:{agent.gid}: {error.filename}: {error.strerror}",
            "Leave PUID and PGID out, or start with --user.",
        ) from error


def read_public(etc: PurePath | str = "/etc") -> Accounts:
    """Return the account files that all may read; the others are empty.

    Raises:
        OSError: a file cannot be read.
    """
    return Accounts(_read(f"{etc}/passwd"), _read(f"{etc}/group"), "", "")


def _apply(agent: Identity, etc: PurePath | str) -> bool:
    current = Accounts(*(_read(f"{etc}/{name}") for name in Accounts._fields))
    changed = [
        (name, new)
        for name, old, new in zip(Accounts._fields, current, plan(current, agent), strict=True)
        if old != new
    ]
    for name, text in changed:
        _replace(f"{etc}/{name}", text)
    return bool(changed)


def _records(text: str) -> list[list[str]]:
    return [line.split(":") for line in text.split("\n") if line]


def _text(records: list[list[str]]) -> str:
    return "".join(":".join(record) + "\n" for record in records)


def _without(group: list[str], names: set[str], field: int) -> list[str]:
    if len(group) <= field:
        return group
    members = [name for name in group[field].split(",") if name not in names]
    return [*group[:field], ",".join(members), *group[field + 1 :]]


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        return file.read()


def _replace(path: str, text: str) -> None:
    status = os.stat(path)
    temporary = f"{path}.sandbox"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        file.write(text)
        os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, status.st_mode & 0o7777)
    os.replace(temporary, path)
