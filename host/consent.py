"""The words by which a user agrees to what cannot be undone: nobody types them by a slip of the fingers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.messages import say

if TYPE_CHECKING:
    from host.supervisor import Supervisor

CONSENT = "Yes, do as I say!"


def is_given(supervisor: Supervisor, question: str) -> bool:
    """Ask for the words; tell whether they came.

    Raises:
        Interrupted: somebody asked for the end instead.
    """
    say(f"{question}, type: {CONSENT}")
    return supervisor.read_line() == f"{CONSENT}\n".encode()
