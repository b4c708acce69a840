"""The session under the workspace guard: what it wrote that the user's machine may run is told or removed."""

from __future__ import annotations

import contextlib
import os
import time

from init import folders, log, paths
from init.errors import EX_NOT_QUARANTINED, EX_QUARANTINED, SandboxError
from init.mounts import find

# Of what could not be put away, so many are named.
MOST_FAILED = 20
# The same of what a killed session began to put away.
MOST_UNFINISHED = 3
_FAILED = {"failed": "was not quarantined", "emptied": "is not as it was"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from init.guard.overlap import Given
    from init.guard.quarantine import Outcome
    from init.guard.snapshot import Change, Comparison
    from init.mounts import Mount
    from init.settings import Settings


def run(
    session: Callable[[], int], settings: Settings, table: Iterable[Mount], before_telling: Callable[[], None]
) -> int:
    """Run the session and look at the workspace before and after it; return the exit code.

    The repositories that it leads to are looked at, too. A folder that ends with the container, or cannot be
    written, is not.
    """
    mounts = [find(tuple(table), root) for root in (paths.WORKSPACE, *settings.repositories)]
    roots = [mount.path for mount in mounts if mount is not None and not mount.read_only]
    if settings.guard == "off" or not roots:
        code = session()
        before_telling()
        return code
    # Only where something is searched: to load them takes 2 ms, a third of an interpreter's start.
    from init.guard import overlap

    looked_at: list[tuple[str, Given]] = []
    with contextlib.ExitStack() as begun:
        for root in roots:
            given = _look(root, paths.GIVEN_ALONE if settings.copy else paths.GIVEN)
            # Where nothing will run: a list that stays would tell the next session of one that was killed.
            begun.callback(overlap.end, given)
            looked_at.append((root, given))
        begun.pop_all()
    code = session()
    worst = 0
    # One after the other: what is taken away in the workspace may be in a repository that is mounted twice.
    for root, given in looked_at:
        found = _compare(root, given)
        if root == roots[0]:
            before_telling()
        worst = max(worst, _settle(root, found, given, settings))
        overlap.end(given)
    return code or worst


def _look(root: str, lists: str) -> Given:
    """Look at a folder before the session; lists is where sessions keep what they take as given."""
    from init.guard import overlap, search  # as run() does

    try:
        given = overlap.look(root, lists, lambda: search.search(root))
    except overlap.NoLocksError as error:
        log.info(
            f"the workspace's file system has no locks ({error}): of two sessions at a time, each takes "
            "as given what the other wrote"
        )
        return overlap.Given(search.search(root), 0, forsaken=False, lock=-1, path="")
    except OSError as error:
        if root == paths.WORKSPACE:
            raise
        raise SandboxError(
            f"the repository {root} cannot be read by UID {os.getuid()}: {error.strerror}",
            "Give it to whom the workspace belongs, or leave --with-repository out.",
        ) from error
    if given.forsaken:
        log.warning(
            "an earlier session in this folder ended before the workspace guard looked (killed, or out of "
            "memory): what it left is taken as given",
            fix="Look yourself: git status, git config --list --local",
        )
        _tell_unfinished()
    return given


def _tell_unfinished() -> None:
    """Say that a session was killed while it took something away."""
    from init.guard import acceptance  # as run() does

    begun = acceptance.unfinished(paths.QUARANTINE)
    if begun:
        log.warning(
            f"it did not come to the end of a quarantine: {', '.join(begun[:MOST_UNFINISHED])}",
            fix="To take back what is in it: ./start.sh accept NAME. Where a file of yours is not as it was, "
            "a copy may lie beside it, under a name like .quarantined-0123456789abcdef.",
        )


def _compare(root: str, given: Given) -> Comparison:
    """Look at a folder after the session, whatever modes the agent gave the folders on the way."""
    from init.guard import changes, search  # as run() does

    for folder in (paths.HOME, paths.DATA, root):
        folders.open_own(folder)
    return changes.compare(given.before, search.search(root, given.before))


def _settle(root: str, found: Comparison, given: Given, settings: Settings) -> int:
    """Tell what was found, and take it away if that is asked; return the exit code that it is worth."""
    blocking, outcome = settings.guard == "block", 0
    if found.changes or found.may_hide or found.unseen:
        _tell_where(root)
    if found.changes:
        if given.doubtful:
            log.warning(
                f"another session worked in this folder when this one began: {given.doubtful} of the files "
                "that were there may be its work, and are told as added"
            )
        tell(found, as_json=settings.log_json)
        if blocking:
            outcome = EX_QUARANTINED if put_away(root, found.changes) else EX_NOT_QUARANTINED
    if found.may_hide or (found.unseen and not found.changes):
        tell_unseen(found, blocking=blocking)
    return EX_NOT_QUARANTINED if blocking and found.may_hide else outcome


def _tell_where(root: str) -> None:
    """Say which folder the lines that follow are of, where that is not the workspace."""
    if root != paths.WORKSPACE:
        log.warning(f"in the repository {root}, which is mounted as well:")


def tell_unseen(found: Comparison, *, blocking: bool) -> None:
    """Say that the guard did not look everywhere, louder where the session may have hidden something."""
    from init.guard import changes  # as run() does

    details = changes.report(found._replace(changes=()))
    if not found.may_hide:
        log.info("the workspace guard did not look everywhere:", details=details)
        return
    # An error is written at every level.
    (log.error if blocking else log.warning)(
        "the workspace guard could not look at all that this session may have written:",
        details=details,
        fix="Look there yourself before your own machine works in it.",
    )


def tell(found: Comparison, *, as_json: bool) -> None:
    """Write what would run: lines for a person, or one event for each change."""
    from init.guard import changes  # as run() does

    if not as_json:
        log.warning("this session left what your own machine may run:", details=changes.report(found))
        return
    for event in changes.events(found):
        log.warning("the workspace has what your machine may run", **event)


def put_away(root: str, found: Sequence[Change]) -> bool:
    """Move a folder's changes to a new one of the quarantine, and tell whether all of them are there."""
    # Only where something was found: what it loads is not needed otherwise.
    from init.guard import quarantine

    kept = paths.QUARANTINE if root == paths.WORKSPACE else paths.QUARANTINE_OUTSIDE
    # A name that the agent cannot know before.
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(4).hex()}"
    try:
        folders.own(kept)
        outcomes = quarantine.put_away(root, found, f"{kept}/{name}")
    except OSError as error:
        log.error(f"{kept} cannot be used: {error}", fix="Make room on the disk that holds data/.")
        name, outcomes = "", quarantine.put_away(root, found, None)
    failed = [outcome for outcome in outcomes if outcome.what in ("failed", "emptied")]
    for outcome in failed[:MOST_FAILED]:
        log.error(
            f"{outcome.path} {_FAILED[outcome.what]}: {outcome.why}", fix="Look at it before you use it."
        )
    if len(failed) > MOST_FAILED:
        log.error(f"and {len(failed) - MOST_FAILED} more that were not put away, or are not as they were")
    _tell_moved(root, outcomes, name, whole=not failed)
    return not failed and name != ""


def _tell_moved(root: str, outcomes: Sequence[Outcome], name: str, *, whole: bool) -> None:
    """Say how many were moved, and where to."""
    back = ", and what was there before is back" if whole else ""
    moved = f"{sum(outcome.what != 'failed' for outcome in outcomes)} of {len(outcomes)}"
    if not name:
        log.warning(
            f"{moved} lie at the top of {_shown(root)} under names that nothing runs (.quarantined-…){back}",
            fix="Look at each, and remove it, or give it its name again.",
        )
    elif root == paths.WORKSPACE:
        log.warning(
            f"{moved} are in quarantine{back}",
            folder=f"data/quarantine/{name}",
            fix=f"To take them after all: ./start.sh accept {name}",
        )
    else:
        log.warning(
            f"{moved} are in quarantine{back}",
            folder=f"data/quarantine-outside/{name}",
            fix="To take them after all, copy them yourself: manifest.json says what was where.",
        )


def _shown(root: str) -> str:
    return "the workspace" if root == paths.WORKSPACE else root
