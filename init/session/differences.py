"""What differs between two looks at a repository, and the words for it."""

from __future__ import annotations

import stat

from init.log import printable
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    # Mode, inode, size, times of the last change of content and of anything in nanoseconds: lstat(2).
    Stat: TypeAlias = tuple[int, int, int, int, int]
    # Lines added and removed; None where there is nothing to count.
    Count: TypeAlias = tuple[int, int] | None

# Of a file that was there, but may have been changed before it was looked at: it is like no other.
UNKNOWN: Stat = (0, 0, -1, 0, 0)
# A report is read only if it is short.
MOST, MOST_COMMITS, WIDTH = 20, 5, 160
# Characters of a commit's name that are shown, as git does.
SHORT = 8


class Look(Record):
    """A repository at one time.

    Attributes:
        commit: the one that is checked out, "" before the first.
        files: what there is of each file that git tracks or would track, by its path.
        loose: those of which the commit does not have what is in them.
    """

    commit: str
    files: Mapping[bytes, Stat]
    loose: frozenset[bytes]


class Change(Record):
    """A file that is not what it was.

    Attributes:
        what: `new`, `changed`, `deleted` or `renamed`.
        path: where it is, or was.
        former: the path that it had before it was renamed.
        lost: what it was is in no commit.
    """

    what: str
    path: bytes
    former: bytes = b""
    lost: bool = False


class Commits(Record):
    """What became of the history.

    Attributes:
        made: commits that there are now, and were not before.
        dropped: how many there were before, and are not now.
        subjects: the newest that were made: name and subject.
    """

    made: int = 0
    dropped: int = 0
    subjects: tuple[str, ...] = ()


def compare(before: Look, after: Mapping[bytes, Stat]) -> list[Change]:
    """Return the changes in the order of their paths.

    Args:
        before: the first look.
        after: the files of the second one; those of the first are among them, if they are still there.
    """
    gone = {path: known for path, known in before.files.items() if path not in after}
    found = [
        Change("changed", path, lost=path in before.loose)
        for path, known in before.files.items()
        if path in after and known != after[path]
    ]
    # A new name changes neither the inode nor the content's time: rename(2).
    names = {_identity(known): path for path, known in gone.items()}
    for path, now in after.items():
        if path not in before.files:
            former = names.pop(_identity(now), None)
            found.append(Change("new", path) if former is None else Change("renamed", path, former))
    renamed = {change.former for change in found}
    found += [Change("deleted", path, lost=path in before.loose) for path in gone if path not in renamed]
    return sorted(found, key=lambda change: change.path)


def real(
    changes: Iterable[Change], before: Look, after: Mapping[bytes, Stat], counts: Mapping[bytes, Count]
) -> list[Change]:
    """Leave out what was written anew with what was in it before: a checkout there and back, a `touch`.

    Args:
        changes: what compare() found.
        before: as compare() takes it.
        after: as compare() takes it.
        counts: what git counted for the files that the commit had as they were.
    """
    return [
        change
        for change in changes
        if change.what != "changed"
        or change.lost
        or counts.get(change.path, (0, 0)) != (0, 0)
        or _shape(before.files[change.path]) not in (_shape(UNKNOWN), _shape(after[change.path]))
    ]


def _identity(known: Stat) -> tuple[int, int, int]:
    _, inode, size, modified, _ = known
    return inode, size, modified


def _shape(known: Stat) -> tuple[int, bool, int]:
    # As much of the mode as git keeps.
    mode, _, size, _, _ = known
    return stat.S_IFMT(mode), bool(mode & stat.S_IXUSR), size


def headline(changes: Sequence[Change], commits: Commits, counts: Mapping[bytes, Count], where: str) -> str:
    """Return how much it is, in one line; "" where there is nothing to tell.

    Args:
        changes: what real() left.
        commits: what became of the history.
        counts: lines of each file, where they are known.
        where: what the user calls the folder.
    """
    told = []
    if changes:
        known = [count for change in changes if (count := counts.get(change.path))]
        added, removed = sum(count[0] for count in known), sum(count[1] for count in known)
        lines = f" (+{added} -{removed} lines)" if added or removed else ""
        told.append(f"{_number(len(changes), 'file')} changed{lines}")
    if commits.made:
        told.append(f"{_number(commits.made, 'commit')} came")
    if commits.dropped:
        told.append(f"{_number(commits.dropped, 'commit')} went")
    gone = sum(map(is_gone, changes))
    warning = f"; git cannot bring back {gone} of them" if gone else ""
    return f"while this session ran, {', '.join(told)} in {where}{warning}:" if told else ""


def is_gone(change: Change) -> bool:
    """Tell whether a file was deleted that no commit has as it was."""
    return change.what == "deleted" and change.lost


def details(changes: Iterable[Change], commits: Commits, counts: Mapping[bytes, Count]) -> str:
    """Return a line for each change, the worst first, and each commit, but not too many."""
    lines = [
        f"  {change.what:<8} {_named(change)}{_counted(counts, change.path)}{_lost(change)}"
        for change in sorted(changes, key=lambda change: not is_gone(change))
    ]
    made = [f"  commit   {_short(subject)}" for subject in commits.subjects[:MOST_COMMITS]]
    return "\n".join(_bounded(lines, len(lines), MOST) + _bounded(made, commits.made, MOST_COMMITS))


def advice(changes: Iterable[Change], commits: Commits, commit: str) -> str:
    """Return what a user can do about it; "" where git cannot help."""
    short = commit[:SHORT]
    told = []
    if commit and any(change.what != "new" and not is_gone(change) for change in changes):
        told.append(f"To look: git diff {short}. To take a file back: git restore --source={short} FILE")
    if commits.dropped:
        told.append(f"To keep the commits that went: git branch NAME {short}")
    return ". ".join(told)


def _bounded(lines: list[str], number: int, most: int) -> list[str]:
    return lines[:most] + ([f"  and {number - most} more"] if number > most else [])


def _named(change: Change) -> str:
    return f"{_name(change.former)} -> {_name(change.path)}" if change.former else _name(change.path)


def _name(path: bytes) -> str:
    return _short(path.decode("utf-8", "surrogateescape"))


def _short(text: str) -> str:
    text = printable(text[: WIDTH + 1])
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}…"


def _counted(counts: Mapping[bytes, Count], path: bytes) -> str:
    count = counts.get(path)
    return "" if count in (None, (0, 0)) else f" (+{count[0]} -{count[1]})"


def _lost(change: Change) -> str:
    return " (no commit has it as it was)" if change.lost else ""


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
