"""YAML as text: what was written, without a meaning."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import yaml

_DEEPEST = 100


def parse(text: str) -> object:
    """Read YAML, every scalar as the text that was written: `A: 1.10` is no number and `A: yes` no truth.

    Raises:
        ValueError: it is no YAML; says where.
    """
    # Not at the top here and below: PID 1 loads this module, and mostly finds the file as shipped (prebuilt).
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check_depth(yaml.parse(text, loader))
        # Safer than SafeLoader: it makes text only.
        return yaml.load(text, loader)  # noqa: S506 - see above
    except yaml.MarkedYAMLError as error:
        raise ValueError(describe(error)) from error
    except yaml.reader.ReaderError as error:
        lines = text[: text.index(chr(error.character))].split("\n")
        place = f"line {len(lines)}, column {len(lines[-1]) + 1}: "
        raise ValueError(f"{place}{error.reason}") from error


def _check_depth(events: Iterator[Any]) -> None:
    """Making values of the events is recursive, and libyaml ends with SIGSEGV where the stack does."""
    import yaml

    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"{_place(event.start_mark)}it is nested too deeply")


def describe(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong, and where."""
    return f"{_place(error.problem_mark)}{error.problem}"


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
