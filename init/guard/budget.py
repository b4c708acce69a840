"""What one search of the workspace may take, and what it leaves out when that is not enough.

A hostile workspace is as large, as deep and as full of paths as the agent likes. So all that it can make the
search do again and again is counted, and every limit is here.
"""

from __future__ import annotations

# Far above what people keep in a workspace; beside each what all of it takes, in CPU time on a machine
# where the search of benchmarks/guard.py (150,000 files) takes 0.17 s.
MAX_DEPTH = 16
MAX_FOLDERS = 20_000  # 0.15 s
MAX_ENTRIES = 1_000_000  # 1 s
MAX_ITEMS = 5_000  # 0.15 s, if they are small
# Paths in files that are looked up: 0.2 s, if they are short and lead through few links.
MAX_LEADS = 5_000
# PATH_MAX: limits.h.
MAX_PATH = 4096
# Bytes of one file, and of all together: what is not read can be neither shown nor put back.
MAX_FILE = 4 << 20
MAX_READ = 16 << 20
# Bytes of all files whose settings are compared: a hostile one takes a second for each MiB.
MAX_PARSED = 4 << 20
# Bytes of one repository's index, and of all together: with half a million files, one takes 64 MiB.
MAX_INDEX = 64 << 20
MAX_INDEXES = 256 << 20
# Of the places that were not searched, so many are named.
MAX_UNSEEN = 5


class Allowance:
    """How much is left of one thing; below zero once more was taken than there was."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, amount: int = 1) -> bool:
        """Take some, and tell whether there was that much."""
        self.left -= amount
        return self.left >= 0


class Budget:
    """What one search has left of everything, and the first places that it did not search."""

    def __init__(self) -> None:
        self.folders = Allowance(MAX_FOLDERS)
        self.entries = Allowance(MAX_ENTRIES)
        self.items = Allowance(MAX_ITEMS)
        self.leads = Allowance(MAX_LEADS)
        self.read = Allowance(MAX_READ)
        self.parsed = Allowance(MAX_PARSED)
        self.indexes = Allowance(MAX_INDEXES)
        self.unseen: list[str] = []

    def take_folder(self, depth: int) -> bool:
        """Take one folder, and tell whether it may be searched at that depth."""
        return depth <= MAX_DEPTH and self.folders.take()

    def file_limit(self) -> int:
        """Return how many bytes the next file may have."""
        return min(MAX_FILE, self.read.left)

    def index_limit(self) -> int:
        """Return how many bytes the next index may have."""
        return min(MAX_INDEX, self.indexes.left)

    def miss(self, path: str) -> None:
        """Note a place that was not searched, or a file that was not read."""
        if len(self.unseen) < MAX_UNSEEN:
            self.unseen.append(path or ".")
