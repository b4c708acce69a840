"""config/egress.yml with a line more or less, as a person would write it: all else stays as it was.

What comes out is read again. Where it does not say what was there and what was asked for, nothing is changed.
"""

from __future__ import annotations

import re

from gateway import policy_file
from gateway.policy import HTTP, HTTPS
from init.errors import SandboxError
from init.formats import yaml_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    import yaml

    from gateway.policy import Entry

ALLOW, PROFILES = "allow", "profiles"
# What YAML takes as it is, in a list in brackets, too.
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]*[a-z]", re.ASCII)


def written(entry: Entry) -> str:
    """Return an entry as it stands in the file."""
    name = entry.name if entry.port == HTTPS else f"{entry.name}:{entry.port}"
    shown = name if _PLAIN.fullmatch(name) else f'"{name}"'
    more = ", private: true" if entry.private else ""
    # Without TLS by itself: lines.entry.
    more += "" if entry.tls or entry.port == HTTP else ", tls: false"
    return f"{{host: {shown}{more}}}" if more else shown


def found(text: str, key: str) -> list[object]:
    """Return what a list of the file holds.

    Raises:
        SandboxError: it is no such file.
    """
    content = _content(text)
    items = content.get(key) or []
    if not isinstance(items, list):
        refuse(f"{key} is no list")
    return items


def added(text: str, key: str, item: str) -> str:
    """Return the file's text with one item more at the end of a list, which may be missing.

    Args:
        text: of the file.
        key: of the list.
        item: as it is to stand there.

    Raises:
        SandboxError: it is not as it is expected to be.
    """
    expected = [*found(text, key), yaml_text.parse(item)]
    return _proved(text, _added(text, key, item), key, expected)


def removed(text: str, key: str, index: int) -> str:
    """Return the file's text without one item of a list.

    Raises:
        SandboxError: it is not as it is expected to be.
    """
    items = found(text, key)
    return _proved(text, _removed(text, key, index), key, items[:index] + items[index + 1 :])


def lines(text: str, key: str) -> list[int]:
    """Return the line of each item of a list, the file's first being 1."""
    node = _value(text, key)
    if node is None or not isinstance(node.value, list):
        return []
    return [text.count("\n", 0, item.start_mark.index) + 1 for item in node.value]


def refuse(why: str) -> NoReturn:
    """Raise the error that the file is not as it is expected to be."""
    raise SandboxError(
        f"{policy_file.FILE} is not changed: {why}", "Change it yourself: docs/egress.md shows its form."
    )


def _content(text: str) -> dict[str, object]:
    try:
        content = yaml_text.parse(text)
    except ValueError as error:
        refuse(str(error))
    if content in (None, ""):
        return {}
    if not isinstance(content, dict):
        refuse("it is no mapping")
    return content


def _proved(before: str, after: str, key: str, items: Sequence[object]) -> str:
    """Return the new text, once it was read again."""
    expected = {**_content(before), key: items}
    try:
        content = _content(after)
    except SandboxError:
        content = {}
    if {**content, key: content.get(key) or []} != expected:
        refuse(f"a line of {key} cannot be changed safely, as it is written")
    return after


def _added(text: str, key: str, item: str) -> str:
    node, end = _value(text, key), "\r\n" if "\r\n" in text else "\n"
    if node is None:
        between = "" if not text or text.endswith("\n") else end
        return f"{text}{between}{key}:{end}  - {item}{end}"
    if not node.value:
        if node.start_mark.index == node.end_mark.index:
            # Nothing stands there yet.
            return _inserted(text, _line_end(text, node.start_mark.index), f"{end}  - {item}")
        return _inserted(text, node.start_mark.index + 1, item)
    if node.flow_style:
        return _inserted(text, node.value[-1].end_mark.index, f", {item}")
    place = _line_end(text, _end(node.value[-1]))
    return _inserted(text, place, f"{end}{' ' * node.start_mark.column}- {item}")


def _removed(text: str, key: str, index: int) -> str:
    node = _value(text, key)
    if node is None:
        return text
    start, end = node.value[index].start_mark.index, _end(node.value[index])
    if not node.flow_style:
        start = text.rfind("\n", 0, start) + 1
        return text[:start] + text[_line_end(text, end) :].removeprefix("\r").removeprefix("\n")
    if index + 1 < len(node.value):
        return text[:start] + text[node.value[index + 1].start_mark.index :]
    if index and "#" not in text[_end(node.value[index - 1]) : start]:
        start = _end(node.value[index - 1])
    return text[:start] + re.sub(r"^\s*,", "", text[end:])


def _inserted(text: str, place: int, more: str) -> str:
    return text[:place] + more + text[place:]


def _line_end(text: str, place: int) -> int:
    """Return where a line's text ends, its comment included."""
    end = text.find("\n", place)
    end = len(text) if end < 0 else end
    return end - 1 if text[:end].endswith("\r") else end


def _end(node: yaml.Node) -> int:
    """Return where what is written ends: a mapping that is not in braces counts what follows it, too."""
    import yaml  # noqa: PLC0415 - see below

    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _value(text: str, key: str) -> yaml.CollectionNode | None:
    """Return what stands behind a key of the file; None without the key."""
    import yaml  # noqa: PLC0415 - who only reads the list is spared it

    # Not libyaml's: its places count otherwise where there is a byte order mark.
    root = yaml.compose(text, yaml.BaseLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)
