"""What is known of a copy: when it was made, of which commit, and whose name it has."""

from __future__ import annotations

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.review.entries import Entry


class Origin(Record):
    """How a copy came to be.

    Attributes:
        name: of the copy.
        since: when it was begun, in nanoseconds since 1970: what changed in the user's folder from then on is
            the user's doing.
        made: when a plain copy was whole: what changed in it from then on is the agent's doing; None where
            that is not known.
        commit: HEAD of the user's repository at that time; "" where there was none.
        claimed: where the user's files became the agent's since, which changed all of them: when that was.
        noted: when what the user had changed was noted before that.
        known: what the user had changed by then.
        deleted: what the agent took away for sure, where the copy was made of a result: init/pod/unpack.py.
    """

    name: str
    since: int
    made: int | None = None
    commit: str = ""
    claimed: int = 0
    noted: int = 0
    known: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()

    def is_users(self, path: str, entry: Entry) -> bool:
        """Tell whether what lies in a place of the user's folder is other than it was."""
        if not self.claimed:
            return entry.changed >= self.since
        return entry.changed >= self.claimed or entry.modified >= self.noted or path in self.known
