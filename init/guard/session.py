"""The session under the workspace guard: what it wrote that the user's machine may run is told or removed."""

from __future__ import annotations

import os
import stat
import time

from init import log, paths
from init.errors import EX_NOT_QUARANTINED, EX_QUARANTINED
from init.mounts import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from init.guard.snapshot import Change, Comparison
    from init.mounts import Mount
    from init.settings import Settings


def run(
    session: Callable[[], int], settings: Settings, table: Iterable[Mount], before_telling: Callable[[], None]
) -> int:
    """Run the session and look at the workspace before and after it; return the exit code.

    A workspace that ends with the container, or cannot be written, is not looked at.
    """
    workspace = find(table, paths.WORKSPACE)
    if settings.guard == "off" or workspace is None or workspace.read_only:
        code = session()
        before_telling()
        return code
    # Only where something is searched: to load them takes 2 ms, a third of an interpreter's start.
    from init.guard import changes, search

    before = search.search(paths.WORKSPACE)
    code = session()
    found = changes.compare(before, search.search(paths.WORKSPACE))
    before_telling()
    if not found.changes:
        if found.unseen:
            log.info("the workspace guard did not look everywhere:", details=changes.report(found))
        return code
    tell(found, as_json=settings.log_json)
    if settings.guard != "block":
        return code
    outcome = EX_QUARANTINED if put_away(found.changes) else EX_NOT_QUARANTINED
    return code or outcome


def tell(found: Comparison, *, as_json: bool) -> None:
    """Write what would run: lines for a person, or one event for each change."""
    from init.guard import changes  # as run() does

    if not as_json:
        log.warning("this session left what your own machine may run:", details=changes.report(found))
        return
    for event in changes.events(found):
        log.warning("the workspace has what your machine may run", **event)


def put_away(found: Sequence[Change]) -> bool:
    """Move the changes to a new folder of the quarantine, and tell whether all of them are there."""
    # Only where something was found: what it loads is not needed otherwise.
    from init.guard import quarantine

    folder = f"{paths.QUARANTINE}/{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"
    try:
        _clear_the_way()
        outcomes = quarantine.put_away(paths.WORKSPACE, found, folder)
    except OSError as error:
        log.error(
            f"not all was quarantined: {error}", fix="Look at the files named above before you use them."
        )
        return False
    failed = [outcome for outcome in outcomes if outcome.what == "failed"]
    for outcome in failed:
        log.error(f"{outcome.path} was not quarantined: {outcome.why}", fix="Look at it before you use it.")
    name = os.path.basename(folder)
    log.warning(
        f"{len(outcomes) - len(failed)} of them are in quarantine, and what was there before is back",
        folder=f"data/quarantine/{name}",
        fix=f"To take them after all: ./start.sh accept {name}",
    )
    return not failed


def _clear_the_way() -> None:
    """Move aside what the agent put in the quarantine's place, and let ourselves in."""
    try:
        status = os.stat(paths.QUARANTINE, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        os.chmod(paths.QUARANTINE, 0o700)
    else:
        os.rename(paths.QUARANTINE, f"{paths.QUARANTINE}.{time.time_ns()}")
