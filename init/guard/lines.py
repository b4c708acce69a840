"""Settings in lines (INI, TOML, YAML): those that name code to run.

They are not parsed: a parser takes too long for a hostile file, and each program has its own. A setting is
told from the line that has its name to the end of its value, rather a line too much than one too few. What
programs read in different ways is refused, so that all of the file is compared.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reader = Callable[[bytes], Iterator[tuple[str, None]]]

# Some end a line at these, others do not.
_ODD_TEXT = re.compile("\r(?!\n)|[\0\v\f\x1c-\x1e\x85\u2028\u2029\ufeff]")
# Of YAML: another document, a directive, an anchor, an alias, a tag, a merge, a key apart from its value, and
# a name that is written with escapes.
_ODD_YAML = re.compile(
    r"""
    \n(?:---|\.\.\.) | ^% | \n% | (?:^|[\s\[{,:-])(?:[&*!]|<<|\?(?=\s|$)) | \t | "[^"\n]*\\
    """,
    re.VERBOSE,
)
_STRING_OR_COMMENT = re.compile(r""" "(?:[^"\\]|\\.)*+" | '[^']*+' | \#.* """, re.VERBOSE)
_TEXT = ('"' * 3, "'" * 3)
_BRACKETS = "[]{}"
_HEADER = re.compile(r"\s*(\[[^\[\]=,]+\]|\[\[[^\[\]=,]+\]\])\s*(?:#.*)?")
# It may as well be a part of a list over several lines.
_LIST = re.compile(r"\[(?:[\"'].*[\"']|[-+.\d]+|true|false|inf|nan)\]")


def values(pattern: str, sections: str = r"(?!)") -> Reader:
    """Return a reader of INI and TOML.

    Args:
        pattern: matches, in any case, in the first line of what is told.
        sections: matches the names of sections of which everything is told.
    """

    def read(data: bytes) -> Iterator[tuple[str, None]]:
        # Compiled with the first file that needs it: all of them would take longer than a search.
        begins, whole = re.compile(pattern, re.IGNORECASE), re.compile(sections, re.IGNORECASE)
        value: list[str] = []
        section, depth, text = "", 0, False
        for line in split(data):
            if value and not text and line[:1] in ("#", ";"):
                continue  # a comment does not end a value
            goes_on = value and (depth > 0 or text or line[:1].isspace() or not line)
            if value and not goes_on:
                yield " ".join(filter(None, (section, *value))), None
                value = []
            if not value:
                if header := _HEADER.fullmatch(line):
                    section = re.sub(r"[\s\"']", "", header[1])
                    if _LIST.fullmatch(header[1]):
                        raise ValueError("a section, or a list")
                    continue
                if not (begins.search(line) or (line.strip() and whole.search(section))):
                    continue
                depth, text = 0, False
            value += filter(None, [line.strip()])
            marks = sum(map(line.count, _TEXT))
            if not (text or marks):
                depth = _deeper(depth, line)
            elif depth > 0 or (marks and any(map(line.count, _BRACKETS))):
                raise ValueError("a text of several lines in a list")
            text ^= bool(marks % 2)
        if value:
            yield " ".join(filter(None, (section, *value))), None

    return read


def yaml(names: str) -> Reader:
    """Return a reader of YAML: of keys with these names, wherever they are."""

    def read(data: bytes) -> Iterator[tuple[str, None]]:
        begins = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])", re.IGNORECASE)
        text = "\n".join(split(data)).removeprefix("---")
        if _ODD_YAML.search(text):
            raise ValueError("odd YAML")
        value: list[str] = []
        keys: set[tuple[int, str]] = set()
        indent = depth = 0
        for line in text.split("\n"):
            stripped = line.strip()
            at = len(line) - len(line.lstrip())
            goes_on = depth > 0 or not stripped or stripped.startswith("#") or at > indent
            if value and not (goes_on or (at == indent and stripped.startswith("-"))):
                yield " ".join(value), None
                value = []
            if not value:
                if not (found := begins.search(line)):
                    continue
                # In a list, the name is further to the right; its value ends where the entry does.
                indent, depth = at, 0
                if (at, found[0]) in keys:
                    raise ValueError("which of two equal names counts is not for us to know")
                keys.add((at, found[0]))
            value += filter(None, [stripped])
            depth = _deeper(depth, line)
        if value:
            yield " ".join(value), None

    return read


def _deeper(depth: int, line: str) -> int:
    """Return in how many brackets the next line is."""
    bare = _STRING_OR_COMMENT.sub("", line)
    after = depth + sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))
    if "'" in bare or '"' in bare:
        raise ValueError("a text of several lines")
    return max(after, 0)


def split(data: bytes) -> list[str]:
    """Return the lines of a text; ValueError if programs may see others."""
    text = data.decode()
    if _ODD_TEXT.search(text):
        raise ValueError("odd characters")
    return [line.removesuffix("\r") for line in text.split("\n")]
