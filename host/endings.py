"""What is said of a session that is left, or was killed, or has another's name."""

from __future__ import annotations

from host.errors import HostError


def left(name: str) -> str:
    """Return what is said of a session that runs on."""
    return f"{name} runs on; ./start.sh attach {name} comes back to it, ./start.sh stop {name} ends it"


def taken(name: str) -> HostError:
    """Return what is wrong where the name of a new session is another's."""
    return HostError(
        f"there is a session {name} already.",
        f"Come back to it: ./start.sh attach {name}", f"Or end it: ./start.sh stop {name}",
        "Or give this one another --name.",
    )  # fmt: skip


def killed(*, out_of_memory: bool) -> str:
    """Return what is said of a session that was killed: why, and what it leaves undone."""
    why = (
        "killed for want of memory: give it more (SANDBOX_MEMORY in .env), or have it do less at a time"
        if out_of_memory
        else "killed (137), by somebody or for want of the machine's memory"
    )
    return (
        f"{why}.\n"
        "  If it was the whole session and not the tool alone, the workspace guard did not look, and the\n"
        "  next session says so. Look yourself before your own machine works there: git status,\n"
        "  git config --list --local, ls .git/hooks"
    )
