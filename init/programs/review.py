"""What a copy has that the user's folder has not: sandbox-diff shows it, sandbox-apply takes it."""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
import time

from init import log, mounts, paths, program
from init.errors import EX_LEFT, SandboxError
from init.record import Record
from init.review import account, compare, entries, verdict
from init.review.ledger import Ledger
from init.review.levels import Trees
from init.review.origin import Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.review.changes import Change, Found
    from init.review.taking import Outcome
    from init.settings import Settings

# In data/, from start.sh: host/review.py.
NOTED = "changed"


class Asked(Record):
    """What the program was asked for.

    Attributes:
        origin: what is known of the copy.
        paths: those that are shown or taken, with all that is below them; none for everything.
        stat: whether only the count of lines is shown.
        screen: whether it is shown on a terminal.
        with_guarded: whether it is taken, too, what the guard objects to.
    """

    origin: Origin
    paths: tuple[str, ...]
    stat: bool
    screen: bool
    with_guarded: bool


def diff(arguments: list[str]) -> int:
    """Show what the copy has; return the exit code."""
    return program.run(_diff, arguments)


def apply(arguments: list[str]) -> int:
    """Take what the copy has; return the exit code."""
    return program.run(_apply, arguments)


def _diff(_settings: Settings, arguments: list[str]) -> int:
    from init.review.git import GitError, Repository
    from init.review.picture import Picture
    from init.review.screen import Screen

    asked = _asked(arguments)
    trees, ledger = _open(), _ledger()
    if ledger.claimed:
        asked = asked._replace(origin=_claimed(asked.origin, ledger))
    found = _compare(trees, asked, ledger)
    account.tell_guard(verdict.judge(paths.WORKSPACE, paths.COPY, found.changes))
    account.tell_moved(found.changes)
    screen = Screen(_write) if asked.screen else None
    with tempfile.TemporaryDirectory() as folder:
        picture = Picture(trees, Repository(f"{folder}/git"), found)
        try:
            picture.draw(screen.take if screen else _write, stat_only=asked.stat)
            if screen:
                screen.end()
        except BrokenPipeError:
            pass
        except (GitError, OSError) as error:
            raise SandboxError(f"the changes cannot be shown: {error}", _LESS) from error
    account.tell_notes(found.notes)
    if not found.changes:
        log.info("nothing changed")
    return 0


def _apply(_settings: Settings, arguments: list[str]) -> int:
    from init.review.taking import FullError

    asked = _asked(arguments)
    trees = _open()
    _lock(trees.mine)
    ledger = _ledger()
    asked = asked._replace(origin=_claimed(asked.origin, ledger))
    found = _compare(trees, asked, ledger)
    if not found.whole:
        raise SandboxError("there are more changes than can be taken at once. Nothing was taken", _LESS)
    _require_no_git(found.changes)
    judged = verdict.judge(paths.WORKSPACE, paths.COPY, found.changes)
    account.tell_guard(judged)
    try:
        outcomes = _take(trees, asked, found, judged, ledger)
    except FullError as error:
        account.tell_outcomes(error.outcomes, found)
        raise SandboxError(
            f"the project's folder takes no more: {error}",
            "Make room, and call apply again: what was taken stays, and no file is half there.",
        ) from error
    account.tell_notes(found.notes)
    is_left = account.tell_outcomes(outcomes, found)
    _flush(trees.mine)
    if any(outcome.what == "failed" for outcome in outcomes):
        return 1
    return EX_LEFT if is_left else 0


_LESS = "Name a PATH, such as a folder: what is below it is looked at alone."


def _take(trees: Trees, asked: Asked, found: Found, judged: verdict.Verdict, ledger: Ledger) -> list[Outcome]:
    """Take the changes, and undo what the guard finds only now."""
    from init.review.merge import Base
    from init.review.taking import Taking
    from init.review.writing import Writer

    def objected(path: str) -> bool:
        return not asked.with_guarded and path not in asked.paths and judged.objects_to(path)

    with tempfile.TemporaryDirectory() as scratch:
        writer = Writer(trees.mine, trees.theirs, asked.origin.name, ledger)
        base = Base(paths.WORKSPACE, asked.origin, scratch)
        outcomes = Taking(writer, base, asked.origin.name, objected).take(found.changes)
    if asked.with_guarded:
        return outcomes
    return _looked_again(asked, found, judged, ledger, outcomes)


def _looked_again(
    asked: Asked, found: Found, judged: verdict.Verdict, ledger: Ledger, outcomes: list[Outcome]
) -> list[Outcome]:
    """Undo what runs only together with what is the user's, or was put there while we looked elsewhere."""
    from init.guard import quarantine
    from init.review.taking import Outcome

    done = {outcome.path for outcome in outcomes if outcome.what in ("taken", "merged")}
    # Who names what the guard objected to has been told.
    done -= {path for path in asked.paths if judged.objects_to(path)}
    taken = [change for change in found.changes if change.path in done]
    if not taken:
        return outcomes
    now = verdict.judge(paths.WORKSPACE, paths.WORKSPACE, taken, judged.before)
    if not now.paths:
        return outcomes
    undone = [risk for risk in now.found.changes if risk.path in now.paths]
    account.tell_guard(now)
    folder = f"{paths.DATA}/undone-{os.urandom(8).hex()}"
    failed = {one.path: one.why for one in quarantine.put_away(paths.WORKSPACE, undone, folder)
              if one.what in ("failed", "emptied")}  # fmt: skip
    for path in (risk.path for risk in undone):
        here, _, name = path.rpartition("/")
        try:
            top = os.open(f"{paths.WORKSPACE}/{here}", entries.FOLDER)
            entry = entries.look(top, name)
            os.close(top)
        except OSError:
            continue
        if entry is not None:
            ledger.write(path, entry)
    gone = {risk.path for risk in undone}
    return [outcome for outcome in outcomes if outcome.path not in gone] + [
        Outcome(path, "failed" if path in failed else "refused", failed.get(path, ""))
        for path in sorted(gone)
    ]


def _asked(arguments: list[str]) -> Asked:
    import argparse

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--name", required=True)
    parser.add_argument("--since", required=True, type=int)
    parser.add_argument("--made", type=int)
    parser.add_argument("--commit", default="")
    for option in ("--stat", "--screen", "--with-guarded"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("paths", nargs="*")
    read = parser.parse_args(arguments)
    origin = Origin(read.name, read.since, read.made, read.commit, deleted=_deleted())
    wanted = tuple(path for path in read.paths if path != ".")
    return Asked(origin, wanted if len(wanted) == len(read.paths) else (), read.stat, read.screen,
                 read.with_guarded)  # fmt: skip


def _open() -> Trees:
    """Open the folders.

    Raises:
        SandboxError: one is not there.
    """
    entries.raise_limit(compare.OPEN_FILES)
    opened = []
    for path in (paths.WORKSPACE, paths.COPY):
        try:
            opened.append(os.open(path, entries.FOLDER))
        except OSError as error:
            raise SandboxError(
                f"{path} cannot be opened: {error.strerror}", "Start it by ./start.sh."
            ) from error
    upper = os.open(paths.UPPER, entries.FOLDER) if os.path.isdir(paths.UPPER) else None
    return Trees(opened[0], opened[1], upper)


def _compare(trees: Trees, asked: Asked, ledger: Ledger) -> Found:
    """Return what changed.

    Raises:
        SandboxError: a path that was asked for is in neither folder.
    """
    for path in asked.paths:
        if not any(_is_in(tree, path) for tree in (trees.mine, trees.theirs)):
            raise SandboxError(f"{path!r} is neither in the project nor in the copy", _NAMES)
    top = f"{paths.WORKSPACE}/"
    points = {mount.path.removeprefix(top) for mount in mounts.read_table() if mount.path.startswith(top)}
    return compare.compare(trees, asked.origin, ledger, asked.paths, points)


_NAMES = "./start.sh diff --stat names what changed. A PATH is relative to the project's folder."


def _is_in(tree: int, path: str) -> bool:
    folders = entries.Folders(tree)
    above, _, name = path.rpartition("/")
    try:
        return entries.look(folders.open(above), name) is not None
    except OSError:
        return False
    finally:
        folders.close()


def _lock(top: int) -> None:
    """Let no other apply work on the same folder, until this program ends.

    Raises:
        SandboxError: one does.
    """
    try:
        fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SandboxError(
            "another apply is at work on this folder", "Wait until it is done, then call it again."
        ) from error
    except OSError as error:
        log.info(f"the project's file system has no locks ({error.strerror}): call one apply at a time")


def _require_no_git(found: list[Change]) -> None:
    """Stop where git is at work on the user's side.

    Raises:
        SandboxError: it is.
    """
    from init.review import changes

    folders = {inside[0] for change in found if (inside := changes.in_repository(change.path))}
    for folder in sorted({changes.GIT, *folders}):
        if os.path.lexists(f"{paths.WORKSPACE}/{folder}/index.lock"):
            raise SandboxError(
                f"git is at work in the project ({folder}/index.lock). Nothing was taken",
                "Wait until it is done. If no git runs, it was killed: remove that file.",
            )


def _claimed(origin: Origin, ledger: Ledger) -> Origin:
    """Return it with what start.sh noted before PID 1 gave the user's files to the agent."""
    place = f"{paths.DATA}/{NOTED}"
    try:
        with open(place, "rb") as file:
            noted = os.fstat(file.fileno()).st_mtime_ns
            known = frozenset(map(os.fsdecode, file.read().split(b"\0")))
    except FileNotFoundError:
        return origin
    ledger.claim(time.time_ns())
    return origin._replace(claimed=ledger.claimed, noted=noted, known=known)


def _deleted() -> frozenset[str]:
    """Return what a result says that the agent took away; nothing where the copy was made of none."""
    try:
        with open(paths.DELETED, "rb") as file:
            return frozenset(map(os.fsdecode, file.read().split(b"\0")[:-1]))
    except FileNotFoundError:
        return frozenset()


def _flush(top: int) -> None:
    """Have all of it on the disk: who removes the copy next has it nowhere else. syncfs(2)."""
    import ctypes

    ctypes.CDLL(None).syncfs(top)


def _ledger() -> Ledger:
    try:
        return Ledger(f"{paths.DATA}/taken")
    except OSError as error:
        log.warning(f"what was taken before is not known: {error}")
        return Ledger()


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]
