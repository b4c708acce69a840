"""What a session is called: as the user says, or two plain words."""

from __future__ import annotations

import re
import secrets

from host.errors import UsageError

# The engine takes it as a part of a container's name.
FORM = re.compile("[a-z0-9][a-z0-9_.-]{0,40}")
_LIKE = (
    "amber", "brave", "brisk", "calm", "clear", "cosy", "early", "fair", "fleet", "fresh", "gentle", "glad",
    "green", "happy", "keen", "kind", "light", "lively", "lucky", "mellow", "merry", "mild", "neat", "nimble",
    "plain", "quick", "quiet", "ready", "sharp", "silver", "smart", "snowy", "steady", "sunny", "swift",
    "tidy", "warm", "wise",
)  # fmt: skip
_WHO = (
    "badger", "beaver", "bison", "crane", "deer", "dove", "duck", "eagle", "falcon", "finch", "fox", "gull",
    "hare", "heron", "horse", "ibis", "koala", "lark", "lemur", "lynx", "marten", "mole", "moose", "otter",
    "owl", "panda", "puffin", "raven", "robin", "seal", "sheep", "stork", "swan", "tiger", "toad", "trout",
    "turtle", "whale", "wren", "zebra",
)  # fmt: skip


def checked(name: str) -> str:
    """Return a name if it is one.

    Raises:
        UsageError: it is not.
    """
    if not FORM.fullmatch(name):
        raise UsageError(
            f"--name {name!r} is no name for a session.",
            "It has a-z, 0-9, '.', '_' and '-', begins with a letter or a digit, and has 41 at most.",
        )
    return name


def made_up() -> str:
    """Return a name that is easy to say and to type."""
    return f"{secrets.choice(_LIKE)}-{secrets.choice(_WHO)}"
