"""YAML as text: what was written, without a meaning."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import yaml

# Collections in each other, and values altogether.
_DEEPEST, _MOST = 100, 1_000_000


def parse(text: str) -> object:
    """Read YAML, every scalar as the text that was written: `A: 1.10` is no number and `A: yes` no truth.

    Raises:
        ValueError: it is no YAML; says where.
    """
    # Not at the top here and below: PID 1 loads this module, and mostly finds the file as shipped (prebuilt).
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check_extent(yaml.parse(text, loader))
        # Safer than SafeLoader: it makes text only.
        return yaml.load(text, loader)  # noqa: S506 - see above
    except yaml.MarkedYAMLError as error:
        raise ValueError(describe(error)) from error
    except yaml.reader.ReaderError as error:
        lines = text[: text.index(chr(error.character))].split("\n")
        place = f"line {len(lines)}, column {len(lines[-1]) + 1}: "
        raise ValueError(f"{place}{error.reason}") from error


class _Collection:
    """A collection that is open, and what it holds so far: how deep, and how many values, aliases put in."""

    def __init__(self, anchor: str | None) -> None:
        self.anchor = anchor
        self.depth, self.count = 0, 1

    def add(self, depth: int, count: int) -> None:
        self.depth, self.count = max(self.depth, depth), self.count + count


def _check_extent(events: Iterator[Any]) -> None:
    """Refuse what is too deep or too large once its aliases are put in.

    Making values of the events is recursive, and libyaml ends with SIGSEGV where the stack does. So is
    walking through the values afterwards, whose number each line of `b: &b [*a, *a]` doubles.
    """
    import yaml

    still_open = [_Collection(None)]
    named: dict[str, tuple[int, int]] = {}
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            still_open.append(_Collection(event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = still_open.pop()
            if done.anchor:
                named[done.anchor] = (done.depth + 1, done.count)
            still_open[-1].add(done.depth + 1, done.count)
        elif isinstance(event, yaml.NodeEvent):
            # What holds itself is refused when values are made of it.
            alias = event.anchor if isinstance(event, yaml.AliasEvent) else None
            still_open[-1].add(*named.get(alias or "", (0, 1)))
        if len(still_open) - 1 + still_open[-1].depth > _DEEPEST:
            raise ValueError(f"{_place(event.start_mark)}it is nested too deeply")
        if still_open[-1].count > _MOST:
            raise ValueError(f"{_place(event.start_mark)}it holds too much")


def describe(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong, and where."""
    return f"{_place(error.problem_mark)}{error.problem}"


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
