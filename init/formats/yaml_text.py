"""YAML as text: what was written, without a meaning."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import yaml

# Collections in each other, and values altogether.
_DEEPEST, _MOST = 100, 1_000_000


def parse(text: str, *, twice: bool = False) -> object:
    """Read YAML, every scalar as the text that was written: `A: 1.10` is no number and `A: yes` no truth.

    Args:
        text: of the file.
        twice: whether a name may be there twice in a mapping, and the last counts: YAML 1.2.2
            section 3.2.1.1 has it otherwise.

    Raises:
        ValueError: it is no YAML; says where.
    """
    # Not at the top here and below: PID 1 loads this module, and mostly finds the file as shipped (prebuilt).
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check(yaml.parse(text, loader), twice)
        # Safer than SafeLoader: it makes text only.
        return yaml.load(text, loader)  # noqa: S506 - see above
    except yaml.MarkedYAMLError as error:
        raise ValueError(describe(error)) from error
    except yaml.reader.ReaderError as error:
        lines = text[: text.index(chr(error.character))].split("\n")
        place = f"line {len(lines)}, column {len(lines[-1]) + 1}: "
        raise ValueError(f"{place}{error.reason}") from error


def places(text: str) -> dict[str, str]:
    """Return where each value of a file is, such as "line 3, column 5", by its path, such as "allow[0].host".

    Args:
        text: what parse has read.
    """
    import yaml

    found: dict[str, str] = {}
    node = yaml.compose(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    left = [("", node)]
    while left:
        path, node = left.pop()
        if isinstance(node, yaml.SequenceNode):
            inner = [(f"{path}[{index}]", item, item) for index, item in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            inner = [
                (f"{path}.{key.value}" if path else f"{key.value}", key, value) for key, value in node.value
            ]
        else:
            continue
        for name, shown, value in inner:
            found[name] = _place(shown.start_mark).removesuffix(": ")
            left.append((name, value))
    return found


class _Collection:
    """A collection that is open, and what it holds so far: how deep, and how many values, aliases put in."""

    def __init__(self, anchor: str | None, *, names: bool = False) -> None:
        self.anchor = anchor
        self.depth, self.count = 0, 1
        # Of a mapping: the names so far, and whether one comes next.
        self.names: set[str] | None = set() if names else None
        self.is_name = names

    def add(self, depth: int, count: int) -> None:
        self.depth, self.count = max(self.depth, depth), self.count + count

    def is_twice(self, name: str | None) -> bool:
        """Take notice of a name or a value that begins; tell whether it is a name that was there."""
        if self.names is None:
            return False
        known = self.is_name and name in self.names
        if self.is_name and name is not None:
            self.names.add(name)
        self.is_name = not self.is_name
        return known


def _check(events: Iterator[Any], twice: bool) -> None:
    """Refuse a name that is there twice, and what is too deep or too large once its aliases are put in.

    Making values of the events is recursive, and libyaml ends with SIGSEGV where the stack does. So is
    walking through the values afterwards, whose number each line of `b: &b [*a, *a]` doubles.
    """
    import yaml

    still_open = [_Collection(None)]
    named: dict[str, tuple[int, int]] = {}
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            name = event.value if isinstance(event, yaml.ScalarEvent) else None
            if still_open[-1].is_twice(name) and not twice:
                raise ValueError(f"{_place(event.start_mark)}{name!r} is there twice")
        if isinstance(event, yaml.CollectionStartEvent):
            still_open.append(_Collection(event.anchor, names=isinstance(event, yaml.MappingStartEvent)))
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
