"""What Compose does with a $ in its files: it replaces what follows; a second $ makes it one that stays."""

from __future__ import annotations


def literal(text: str) -> str:
    """Return a text as a compose file has to have it."""
    return text.replace("$", "$$")


def plain(text: str) -> str:
    """Return what a text of a compose file stands for: Compose's output can be its input again."""
    return text.replace("$$", "$")
