"""git's addresses of hosts on the list: ssh is not offered, so https takes its place.

git reads the file for itself, through the session's own configuration: init/session/git_identity.py.
"""

from __future__ import annotations

from gateway.policy import HTTPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from gateway.policy import Policy

FILE = "gitconfig"
# Hosts: every git command reads the file, and it is the first ones that the user wrote himself.
_MOST = 500
# As people and hosters write it; the longest one that an address begins with counts, git-config(1).
_WRITTEN = ("git@{host}:", "ssh://git@{host}/", "ssh://git@{host}:22/", "ssh://{host}/", "git://{host}/")


def write(folder: Path, policy: Policy) -> None:
    """Put the file into a folder, at once.

    Raises:
        OSError: it cannot be written.
    """
    whole = folder / f".{FILE}"
    whole.write_text(settings(policy), encoding="ascii")
    whole.chmod(0o644)
    whole.replace(folder / FILE)


def settings(policy: Policy) -> str:
    """Return the text of git's file. A wildcard has no place in it."""
    # dict.fromkeys: once each, in their order.
    hosts = dict.fromkeys(
        entry.name
        for entry in policy.entries
        if policy.mode == "list" and entry.port == HTTPS and entry.tls and not entry.name.startswith("*")
    )
    return "".join(map(_section, list(hosts)[:_MOST]))


def _section(host: str) -> str:
    lines = "".join(f"\tinsteadOf = {form.format(host=host)}\n" for form in _WRITTEN)
    return f'[url "https://{host}/"]\n{lines}'
