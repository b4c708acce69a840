"""What is told of a comparison, and of what was taken."""

from __future__ import annotations

from init import log
from init.review import changes
from init.review.compare import MORE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from init.review.changes import Change, Found, Notes
    from init.review.taking import Outcome
    from init.review.verdict import Verdict

# Paths of one kind that are named.
MAX_NAMED = changes.MAX_NAMED


def tell_notes(notes: Notes) -> None:
    """Say what is not shown or not taken."""
    for what, (count, paths) in notes.found.items():
        (log.warning if what == MORE else log.info)(f"{what}:", details=_listed(count, paths))


def tell_guard(verdict: Verdict) -> None:
    """Say what the user's machine would run."""
    from init.guard import changes as guard

    if verdict.found.changes:
        log.warning("the copy has what your own machine may run:", details=guard.report(verdict.found))
    elif verdict.hiding:
        log.warning(
            "the workspace guard could not look at all of the copy:", details=guard.report(verdict.found)
        )


def tell_moved(found: Sequence[Change]) -> None:
    """Say what the user changed, too."""
    paths = [
        change.path for change in found
        if change.moved and change.mine is not None and changes.in_repository(change.path) is None
    ]  # fmt: skip
    if paths:
        log.info(
            "changed on your side since the copy was made; apply merges what git knows the base of, and "
            "keeps both versions of the rest:",
            details=_listed(len(paths), paths),
        )


def tell_outcomes(outcomes: Sequence[Outcome], found: Found) -> bool:
    """Say what became of the changes; return whether the user has to look at something."""
    by: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by.setdefault(outcome.what, []).append(outcome)
    kinds = {change.path: change.kind for change in found.changes}
    taken = [kinds.get(outcome.path, "modified") for outcome in by.get("taken", ())]
    parts = [f"{taken.count(kind)} {word}" for kind, word in _WORDS.items() if kind in taken]
    log.info(f"taken: {len(taken)}" + (f" ({', '.join(parts)})" if parts else ""))
    for why in [outcome.why for outcome in by.get("taken", ()) if outcome.why][:MAX_NAMED]:
        log.info(why)
    if merged := by.get("merged"):
        log.info("merged with what you changed:", details=_listed(len(merged), [one.path for one in merged]))
    if conflicts := by.get("conflict"):
        lines = [
            f"{one.path}: {one.why}" + (f"; the agent's is {one.beside}" if one.beside else "")
            for one in conflicts
        ]
        log.warning(
            "in conflict, and yours as they were:", details=_listed(len(lines), lines),
            fix="Put them together, and remove what you need no more.",
        )  # fmt: skip
    if refused := by.get("refused"):
        log.warning(
            "not taken, since your own machine may run it:",
            details=_listed(len(refused), [one.path for one in refused]),
            fix="Read it (./start.sh diff), then name each file, or take all of it: --with-guarded",
        )
    if failed := by.get("failed"):
        lines = [f"{one.path}: {one.why}" for one in failed]
        log.error("not taken, since the system refused:", details=_listed(len(lines), lines))
    return bool(conflicts or refused)


_WORDS = {"added": "added", "modified": "changed", "mode": "with another mode", "deleted": "deleted"}


def _listed(count: int, lines: Sequence[str]) -> str:
    # A line end in a name is none here.
    shown = [f"    {log.printable(line)}" for line in lines[:MAX_NAMED]]
    if count > len(shown):
        shown.append(f"    and {count - len(shown)} more")
    return "\n".join(shown)
