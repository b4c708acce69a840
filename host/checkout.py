"""Where this checkout is, and which version it is of."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """This checkout.

    Attributes:
        root: its folder.
        caller: the folder that start.sh was called from.
    """

    root: Path
    caller: Path

    def version(self) -> str:
        """Return the version that the file VERSION names."""
        return (self.root / "VERSION").read_text(encoding="utf-8").strip()

    def commit(self) -> str:
        """Return the short name of the commit; empty where git tells none."""
        if not (self.root / ".git").exists():
            return ""
        try:
            told = subprocess.run(
                ["git", "-C", str(self.root), "rev-parse", "--short", "HEAD"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                check=False,
            )  # fmt: skip
        except OSError:
            return ""
        return told.stdout.decode(errors="replace").strip()

    def describe(self) -> str:
        """Return version and commit, for a bug report."""
        commit = self.commit()
        return f"agentic-sandbox {self.version()}" + (f" (commit {commit})" if commit else "")


def here() -> Checkout:
    """Return the checkout that this package lies in, as it is called now."""
    root = Path(__file__).resolve().parent.parent
    try:
        caller = Path.cwd()
    except OSError:  # the folder is gone: nothing can be relative to it
        caller = root
    return Checkout(root, caller)
