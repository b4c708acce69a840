"""What there is to say of one repository, when the session is over."""

from __future__ import annotations

import os

from init import paths
from init.log import printable
from init.session import differences, repository
from init.session.differences import Commits, Look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from init.session.changes import Event

_NOT_SEEN = "what changed in {} is not told: when this session began, it {}"
_GONE = "while this session ran, {} went, or was closed to us"
_NOT_READ = "what is new in {} is not told: the repository {}"


def events(folder: str, seen: tuple[Any, ...] | str) -> Iterator[Event]:
    """Yield what to tell.

    Args:
        folder: the absolute path of the repository.
        seen: the fields of the first look, or why there was none.
    """
    where = "the workspace" if folder == paths.WORKSPACE else printable(f"{os.path.basename(folder)}/")
    if isinstance(seen, str):
        yield "info", _NOT_SEEN.format(where, seen), "", "Look yourself: git status"
        return
    before = Look(*seen)
    try:
        os.chdir(folder)
    except OSError:
        yield "warning", _GONE.format(where), "", ""
        return
    try:
        after = repository.look_again(before)
    except repository.NotToldError as error:
        yield "warning", _NOT_READ.format(where, error), "", "Look yourself: git status"
        after = repository.still_there(before.files)
    yield from _compared(before, after, where)


def _compared(before: Look, after: dict[bytes, differences.Stat], where: str) -> Iterator[Event]:
    changes = differences.compare(before, after)
    kept = [change.path for change in changes if change.what in ("changed", "deleted") and not change.lost]
    try:
        counts, history = repository.counts(before, kept), repository.commits(before)
        changes = differences.real(changes, before, after, counts)
    except repository.NotToldError:
        counts, history = {}, Commits()
    counts |= repository.lines([change.path for change in changes if change.what == "new"])
    headline = differences.headline(changes, history, counts, where)
    if headline:
        level = "warning" if any(map(differences.is_gone, changes)) else "info"
        told = differences.details(changes, history, counts)
        yield level, headline, told, differences.advice(changes, history, before.commit)
