"""What the status of an Indexed Job says, and the events about it. Pure.

Source: the API reference of batch/v1, JobStatus, and of core/v1, Event.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from host import answers

# Indexes that a Job may have here: more are none of ours.
MOST = 1000
_RANGE = re.compile("([0-9]{1,9})(?:-([0-9]{1,9}))?")
_FAILED = ("Failed", "FailureTarget")


class Progress(NamedTuple):
    """How far a Job is.

    Attributes:
        ended: the indexes that have ended, well or not.
        active: how many pods there are that have not ended.
        ready: how many of them run.
        is_over: whether nothing more will run.
        why: what ended it before all was done; "" where nothing did.
    """

    ended: frozenset[int]
    active: int
    ready: int
    is_over: bool
    why: str


def progress(job: object) -> Progress:
    """Return how far a Job is, as `kubectl get job -o json` tells it."""
    status = job.get("status") if isinstance(job, dict) else None
    status = status if isinstance(status, dict) else {}
    conditions = [
        one
        for one in answers.entries(status, "conditions")
        if isinstance(one, dict) and one.get("status") == "True"
    ]
    failed = [one for one in conditions if one.get("type") in _FAILED]
    # Where each index counts for itself, that some failed is no more than what their own results say.
    of_its_own = [one for one in failed if one.get("reason") not in ("FailedIndexes", "BackoffLimitExceeded")]
    return Progress(
        indexes(answers.text(status.get("completedIndexes")))
        | indexes(answers.text(status.get("failedIndexes"))),
        _number(status.get("active")), _number(status.get("ready")),
        any(one.get("type") in ("Complete", "Failed") for one in conditions),
        next((f"{answers.text(one.get('reason'))}: {answers.text(one.get('message'))}" for one in of_its_own),
             ""),
    )  # fmt: skip


def indexes(written: str) -> frozenset[int]:
    """Return the indexes of a text such as 1,3-5,7; what is none of ours is left out."""
    found: set[int] = set()
    for part in written.split(","):
        parts = _RANGE.fullmatch(part.strip())
        if parts:
            found.update(range(int(parts[1]), min(int(parts[2] or parts[1]), MOST - 1) + 1))
    return frozenset(index for index in found if index < MOST)


def refusals(events: object) -> list[str]:
    """Return why pods of a Job were not made, as its events say: a quota, or the namespace's rules."""
    told = [
        answers.text(one.get("message"))
        for one in answers.entries(events, "items")
        if isinstance(one, dict) and one.get("reason") == "FailedCreate"
    ]
    return list(dict.fromkeys(re.sub(r'pods "[^"]*" is forbidden: ', "", one) for one in told if one))


def _number(told: Any) -> int:
    return told if isinstance(told, int) and not isinstance(told, bool) else 0
