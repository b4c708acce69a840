"""Git's configuration files, read as git reads them, down to its oddities.

Git itself is not asked: that takes a process of some milliseconds for each repository at each start and end,
and `git config` does not tell where in a file a setting stands, which is needed to put it back. A library
such as dulwich reads what git refuses. What git sees and this parser does not would be a way to hide a
program, so tests compare it with git itself.
"""

from __future__ import annotations

import re

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# No alternative begins like another and nothing is tried twice, so the time is linear in the length.
_PIECE = re.compile(
    r"""
    [ \t\r\n]++ | [#;][^\n]*+
    | \[ (?P<section>[A-Za-z0-9.-]*+) (?:[ \t\r]++ "(?P<sub>(?:[^"\\\n]|\\[^\n])*+)")?+ \]
    | (?P<key>[A-Za-z][A-Za-z0-9-]*+) [ \t]*+
      (?: (?=\n|\Z)
        | = (?P<value>(?: [^"\\#;\n] | \\(?:[tbn"\\\n]|\Z) | "(?:[^"\\\n]|\\[tbn"\\\n])*+" )*+)
          (?:[#;][^\n]*+)?+ (?=\n|\Z) )
    """,
    re.VERBOSE,
)
_CHARACTER = re.compile(r"\\(?P<escaped>.|\Z)|.", re.DOTALL)
_ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "\n": "", "": ""}
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\b": "\\b"})


class Setting(Record):
    """One of a file: ``section.key`` or ``section.subsection.key``, its value, and where it stands.

    The value is None where there is no ``=``, which git takes for true.
    """

    name: str
    value: str | None
    start: int
    end: int


def parse(data: bytes) -> tuple[Setting, ...]:
    """Read the content of a configuration file.

    Raises:
        ValueError: git would refuse it.
    """
    return _parse(_decode(data))


def parts(name: str) -> tuple[str, str]:
    """Return section and key of a setting's name, without the subsection between them."""
    return name.partition(".")[0], name.rpartition(".")[2]


def put_back(data: bytes, names: Collection[str], former: Mapping[str, tuple[str | None, ...]]) -> bytes:
    """Give the settings of these names their former values, or take them out, and leave all others.

    Raises:
        ValueError: the content, or what would become of it, is not what git can read.
    """
    text = _decode(data)
    at, left, gone = 0, [], frozenset(names)
    for setting in _parse(text):
        if setting.name in gone:
            left.append(text[at : setting.start].rstrip(" \t"))
            # A line of its own goes as a whole.
            at = setting.end + (left[-1].endswith("\n") and text.startswith("\n", setting.end))
    left.append(text[at:])
    # The empty line ends what a backslash at the end of the file would continue.
    again = [_written(name, value) for name in names for value in former.get(name, ())]
    new = "".join([*left, "\n\n" * bool(again), *again]).encode("utf-8", "surrogateescape")
    found: dict[str, list[str | None]] = {}
    for setting in parse(new):
        found.setdefault(setting.name, []).append(setting.value)
    for name in names:
        if tuple(found.get(name, ())) != former.get(name, ()):
            raise ValueError(f"{name} cannot be put back")
    return new


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").replace("\r\n", "\n")


def _parse(text: str) -> tuple[Setting, ...]:
    settings, at, stem = [], 0, ""
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise ValueError(f"bad config line {text.count(chr(10), 0, at) + 1}")
        section, sub, key, value = piece.group("section", "sub", "key", "value")
        if section is not None:
            stem = f"{section.lower()}." + ("" if sub is None else re.sub(r"\\(.)", r"\1", sub) + ".")
        elif key is not None:
            decoded = None if value is None else _value(value)
            settings.append(Setting(_name(stem + key.lower()), decoded, at, piece.end()))
        at = piece.end()
    return tuple(settings)


def _name(full: str) -> str:
    # Git's strings end at NUL, so `[core "fsmonitor\0"] x` is core.fsmonitor. It compares names later, too.
    section, dot, rest = full.partition("\0")[0].partition(".")
    sub, last, key = rest.rpartition(".")
    return f"{section}{dot}{sub}{last}{key.lower()}"


def _value(raw: str) -> str:
    out: list[str] = []
    quoted, end = False, 0
    for found in _CHARACTER.finditer(raw):
        character, escaped = found[0], found["escaped"]
        if escaped is not None:
            out += _ESCAPES.get(escaped, escaped)
        elif character == '"':
            quoted = not quoted
        elif quoted or character not in " \t\r":
            out.append(character)
        elif out:
            out.append(character)
            continue
        else:
            continue
        # Blanks are dropped only at the very end.
        end = len(out)
    return "".join(out[:end]).partition("\0")[0]


def _written(name: str, value: str | None) -> str:
    section, _, rest = name.partition(".")
    sub, dot, key = rest.rpartition(".")
    head = f'[{section} "{_quoted_sub(sub)}"]' if dot else f"[{section}]"
    return f"{head}\n\t{key}\n" if value is None else f'{head}\n\t{key} = "{value.translate(_ESCAPED)}"\n'


def _quoted_sub(sub: str) -> str:
    return sub.replace("\\", "\\\\").replace('"', '\\"')
