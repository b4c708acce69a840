"""What one search of the workspace may take, and what it leaves out when that is not enough.

A hostile workspace is as large, as deep and as full of paths as the agent likes. So all that it can make the
search do again and again is counted, the whole has a deadline, and every limit is here.
"""

from __future__ import annotations

import time

from init import signals

# Far above what people keep in a workspace; beside each what all of it takes, in CPU time on a machine
# where the search of benchmarks/guard.py (150,000 files) takes 0.17 s.
MAX_DEPTH = 32
MAX_FOLDERS = 100_000  # 0.75 s
# Folders that a rule names, or that something leads to: others do not push them out.
MAX_PLACES = 20_000  # 0.15 s
MAX_ENTRIES = 1_000_000  # 1 s
MAX_ITEMS = 5_000  # 0.15 s, if they are small
# Paths in files that are looked up: 0.2 s, if they are short and lead through few links.
MAX_LEADS = 5_000
# Links under names without a rule.
MAX_PLAIN_LINKS = 20_000
# Folders of which it is known that they were folders: 5,000 files, each in 16 of its own.
MAX_FOLDERS_KNOWN = 80_000
# PATH_MAX: limits.h.
MAX_PATH = 4096
# path_resolution(7).
MAX_LINKS = 40
# Bytes of one file, and of all together: what is not read can be neither shown nor put back.
MAX_FILE = 4 << 20
MAX_READ = 16 << 20
# Bytes of all files whose settings are compared: a hostile one takes a second for each MiB.
MAX_PARSED = 4 << 20
# Bytes of one repository's index, and of all together: with half a million files, one takes 64 MiB.
MAX_INDEX = 64 << 20
MAX_INDEXES = 256 << 20
# Seconds for one search, whatever it meets: `docker stop` waits 10, compose.yml makes it 20.
MAX_SECONDS = 10.0
# Seconds that a search after the session has left once the container is asked to stop.
MAX_HASTE = 3.0
# Of the places that were not searched, so many are kept by name; then MORE stands for the rest.
MAX_UNSEEN = 50_000
MORE = "more places than are kept by name"
OUT_OF_TIME = "what was left when the time was up"
# Steps after which the clock and the signals are looked at: a millisecond, or two.
LOOK_EVERY = 2048


class OutOfTime(Exception):  # noqa: N818 - not an error: the search ends here
    """The search has taken all the time it may."""


class Allowance:
    """How much is left of one thing; below zero once more was taken than there was."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, amount: int = 1) -> bool:
        """Take some, and tell whether there was that much."""
        self.left -= amount
        return self.left >= 0


class Budget:
    """What one search has left of everything, and the places that it did not search.

    Args:
        again: whether it is a session's second search, which may meet twice as many folders: what the session
            made comes on top of what the first search had.
    """

    def __init__(self, *, again: bool = False) -> None:
        self.folders = Allowance(MAX_FOLDERS * (1 + again))
        self.places = Allowance(MAX_PLACES * (1 + again))
        self.entries = Allowance(MAX_ENTRIES * (1 + again))
        self.items = Allowance(MAX_ITEMS)
        self.leads = Allowance(MAX_LEADS)
        self.links = Allowance(MAX_PLAIN_LINKS * (1 + again))
        self.read = Allowance(MAX_READ)
        self.parsed = Allowance(MAX_PARSED)
        self.indexes = Allowance(MAX_INDEXES)
        self.deadline = time.monotonic() + MAX_SECONDS
        self.unseen: dict[str, None] = {}
        self.barred: set[str] = set()
        self.again = again
        self._hurried = False
        self._steps = LOOK_EVERY

    def step(self, steps: int = 1) -> None:
        """Do some work; at times, look whether there may be more of it.

        After the session it is the agent that may have sent a signal, and a search that stops has missed
        something: it only makes haste.

        Raises:
            OutOfTime: the deadline has passed.
            Interrupted: a signal arrived that asks the container to stop, before the session.
        """
        self._steps -= steps
        if self._steps < 0:
            self._steps = LOOK_EVERY
            if not self.again:
                signals.stop_if_asked()
            elif signals.asked() and not self._hurried:
                self._hurried = True
                self.deadline = min(self.deadline, time.monotonic() + MAX_HASTE)
            if time.monotonic() > self.deadline:
                raise OutOfTime

    def take_folder(self, depth: int, kind: Allowance) -> bool:
        """Take one folder of a kind, and tell whether it may be searched at that depth."""
        return depth <= MAX_DEPTH and kind.take()

    def file_limit(self) -> int:
        """Return how many bytes the next file may have."""
        return max(0, min(MAX_FILE, self.read.left))

    def index_limit(self) -> int:
        """Return how many bytes the next index may have."""
        return min(MAX_INDEX, self.indexes.left)

    def miss(self, path: str, *, barred: bool = False) -> None:
        """Note a place that was not searched, or a file that was not read."""
        place = (path or ".") if len(self.unseen) < MAX_UNSEEN else MORE
        self.unseen[place] = None
        if barred and place != MORE:
            self.barred.add(place)
