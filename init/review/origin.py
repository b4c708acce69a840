"""What is known of a copy: when it was made, of which commit, and whose name it has."""

from __future__ import annotations

from init.record import Record


class Origin(Record):
    """How a copy came to be.

    Attributes:
        name: of the copy.
        since: when it was begun, in nanoseconds since 1970: what changed in the user's folder from then on is
            the user's doing.
        made: when a plain copy was whole: what changed in it from then on is the agent's doing; None where
            that is not known.
        commit: HEAD of the user's repository at that time; "" where there was none.
    """

    name: str
    since: int
    made: int | None = None
    commit: str = ""
