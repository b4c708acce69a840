"""The workspace guard: tells what the agent wrote that the user's machine would run.

The container is a wall, but the workspace goes through it: git runs a hook, an editor a task, a shell an
.envrc, all outside. So what is risky (init/guard/rules) is recorded before a session and compared after.

It does not find what hides in folders that are not searched (node_modules, vendor and their like, but for the
repositories that an index names, and where a link leads) or lies too deep (it says so then); what
dependencies do; what a link out of the workspace leads to (the link is told); and what the project's own code
does when you run it. What was taken away runs nothing and is not told.
"""

from __future__ import annotations

import stat

from init.guard.budget import MORE, OUT_OF_TIME
from init.guard.rules.version_control import CONFIG, GITMODULES
from init.guard.snapshot import Change, Comparison, parents
from init.log import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from init.guard.snapshot import Item, Snapshot
    from init.guard.views import FileSettings

NOT_SEARCHED = "not searched: too deep, too many or not readable. What is called added may have been there"
# A report is read only if it is short.
MAX_LINES = 8
MAX_WIDTH = 160
MAX_CHANGES = 20


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """Return what is new or other than it was, what runs by itself first."""
    known = frozenset(before.unseen)
    modules: dict[str, tuple[str | None, ...]] = {}
    for item in before.items.values():
        for name, values in (item.settings or {}).items() if item.rule == GITMODULES else ():
            modules[name] = (*modules.get(name, ()), *values)
    changes = filter(
        None,
        (
            _change(path, before.items.get(path), now, modules, is_clone=_is_clone(path, now, before, known))
            for path, now in sorted(after.items.items())
        ),
    )
    # That a place was not searched before excuses nothing: the agent can write there now, or did so then.
    barred = before.barred & after.barred
    hiding = tuple(path for path in after.unseen if path not in barred)
    # New ones first: there it hides, if anywhere.
    new = tuple(path for path in hiding if path not in known)
    unseen = tuple(dict.fromkeys((*new, *hiding, *after.unseen, *before.unseen)))
    return Comparison(
        tuple(sorted(changes, key=lambda change: not change.by_itself)), _first(unseen), bool(hiding)
    )


def report(comparison: Comparison) -> str:
    """Return it for a person, whose terminal nothing in it can steer; empty if there is nothing to say."""
    changes, unseen, _ = comparison
    shown = [line for change in changes[:MAX_CHANGES] for line in _paragraph(change)]
    if len(changes) > MAX_CHANGES:
        shown.append(f"and {len(changes) - MAX_CHANGES} more")
    if unseen:
        # However much was found, it is told that this may not be all.
        shown += (f"unseen: {NOT_SEARCHED}", *map(_quoted, unseen))
    return "\n".join(shown)


def events(comparison: Comparison) -> Iterator[dict[str, object]]:
    """Return it as fields of log events: one for each change, and one for what was not searched."""
    for change in comparison.changes:
        yield {"path": change.path, "what": change.what, "reason": change.reason, "lines": change.lines}
    if comparison.unseen:
        yield {"path": "", "what": "unseen", "reason": NOT_SEARCHED, "lines": comparison.unseen}


def _is_clone(path: str, now: Item, before: Snapshot, unseen: frozenset[str]) -> bool:
    """Tell whether it is the configuration of a repository that was not there before, for all we know.

    One within the working tree of another is none: in a folder of the user's project, it would take what is
    pushed from there.
    """
    if now.rule != CONFIG or now.via != {""} or _is_nested(path, before):
        return False
    # A file in a folder's place may have named another repository.
    places = (path, *parents(path), ".", OUT_OF_TIME, MORE)
    return all(place.isdisjoint(places) for place in (before.items.keys(), unseen, before.withheld))


def _is_nested(path: str, before: Snapshot) -> bool:
    """Tell whether it is a configuration within the working tree of a repository that was there before."""
    home, found, _ = path.rpartition("/.git/config")
    above = ("", *(f"{folder}/" for folder in parents(home)))
    return bool(found) and any({f"{top}.git", f"{top}.git/config"} & before.items.keys() for top in above)


def _change(
    path: str, old: Item | None, now: Item, modules: FileSettings, *, is_clone: bool
) -> Change | None:
    rule, by_itself = now.rule, now.rule.by_itself
    names: tuple[str, ...] = ()
    if now.settings is not None and (old is None or old.settings is not None):
        former = (old and old.settings) or {}
        names = tuple(name for name, values in now.settings.items() if former.get(name) != values)
        if not names:
            return None
        from init.guard import views  # as late as the search does

        if rule in (CONFIG, GITMODULES):
            given = None if is_clone else former
            names = tuple(
                name
                for name in names
                if name in former or not views.usual(name, now.settings, given, modules)
            )
        if not names:
            return None
        by_itself = by_itself and views.by_itself(rule.view, names)
        # What runs by itself comes first, so that the rest cannot push it out of sight.
        first = sorted(names, key=lambda name: not views.by_itself(rule.view, (name,)))
        lines = [_setting(name, value) for name in first for value in now.settings[name]]
    elif old is not None and _same(old, now):
        return None
    else:
        lines = list(_new_lines(old, now))
    return Change(
        path=path,
        what="changed" if old else "added",
        reason=rule.reason,
        lines=_first(lines),
        by_itself=by_itself,
        former=old,
        names=names,
        view=rule.view,
        via=now.via,
    )


def _same(old: Item, now: Item) -> bool:
    if stat.S_IFMT(old.mode) != stat.S_IFMT(now.mode) or _executable(now) > _executable(old):
        return False
    if old.content is None and now.content is None:
        return old.stamp == now.stamp
    return old.content == now.content


def _executable(item: Item) -> bool:
    # Of a file with settings only those count.
    return item.settings is None and stat.S_ISREG(item.mode) and bool(item.mode & 0o111)


def _setting(name: str, value: str | None) -> str:
    return name if value is None else f"{name} = {value}"


def _new_lines(old: Item | None, now: Item) -> Iterator[str]:
    if stat.S_ISLNK(now.mode):
        yield f"is a link to {(now.content or b'').decode('utf-8', 'surrogateescape')}"
    elif not stat.S_ISREG(now.mode):
        yield "is not a file"
    elif now.content is None:
        yield f"is too large to show, or not readable ({now.stamp[0]} bytes)"
    elif b"\0" in now.content:
        yield f"is not text ({len(now.content)} bytes)"
    else:
        # Not a true difference: a hostile file would take difflib hours.
        known = set(_lines(old)) if old else set()
        new = [line for line in _lines(now) if line not in known]
        yield from new or [
            "has become executable"
            if old and old.content == now.content
            else "is in another order, or shorter"
        ]


def _lines(item: Item) -> list[str]:
    text = (item.content or b"").decode("utf-8", "surrogateescape")
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def _first(lines: Sequence[str]) -> tuple[str, ...]:
    more = len(lines) - MAX_LINES
    shown = tuple(_cut(line) for line in lines[:MAX_LINES])
    return (*shown, f"… and {more} more") if more > 0 else shown


def _cut(line: str) -> str:
    line = line.expandtabs(4)
    return line if len(line) <= MAX_WIDTH else f"{line[:MAX_WIDTH]}… ({len(line)} characters)"


def _paragraph(change: Change) -> Iterator[str]:
    asked = "" if change.by_itself else ", if you ask for it"
    yield f"{change.what} {printable(_cut(change.path))}: {printable(change.reason)}{asked}"
    yield from map(_quoted, change.lines)


def _quoted(line: str) -> str:
    return f"    {printable(line)}"
