"""What the guard reads of settings in lines, against parsers of the programs' own kind, of random files.

A file is changed at random. If that brings a value into force that makes something run, something is told.
See test_differential.py for how to go on for longer.
"""

import ast
import configparser
import random
import re
import tomllib
from collections.abc import Callable, Iterator

import pytest
import yaml

from init.guard import views
from tests.harness.git_readings import cases

Values = set[tuple[str, str]]


def tells(view: str, before: bytes, after: bytes) -> bool:
    """Tell whether a change is told: of what is compared in parts, only what was not there before."""
    then, now = views.settings(view, before), views.settings(view, after)
    if now is None or then is None:
        return before != after
    return any(then.get(name) != values for name, values in now.items())


def changed(choose: random.Random, lines: list[str], others: tuple[str, ...]) -> list[str]:
    """Return lines of which some are others now."""
    lines = list(lines)
    for _ in range(choose.randrange(1, 4)):
        at = choose.randrange(len(lines))
        match choose.randrange(4):
            case 0:
                lines.insert(at, choose.choice(others))
            case 1:
                lines[at] = choose.choice(others)
            case 2:
                lines[at] += choose.choice(others)
            case _:
                lines.insert(at, lines.pop(choose.randrange(len(lines))))
    return lines


def pieces(text: str) -> tuple[str, ...]:
    """Return what a file is made of: a line each, with \n and other characters as Python writes them."""
    return tuple(
        re.sub(r"\\(?:x..|u....|[ntrN])", lambda found: ast.literal_eval(f'"{found[0]}"'), line)
        for line in text.removeprefix("\n").split("\n")
    )


INI = pieces(r"""
[mypy]
[other]
 [mypy]
[flake8:local-plugins]
plugins = a
Plugins: b
PLUGINS=c
strict = 1
  d
\te
# plugins = f
; g
plugins =
extension =
  x = a:B
Extension : y
paths = m
h = 1\rplugins = i
\ufeff
\x85plugins = j
\x0bplugins = k
\r
[
]
""")


def ini(text: str) -> Values:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {
        (f"{section}.{key}", value)
        for section in parser.sections()
        for key, value in parser.items(section)
        if value and ((section, key) == ("mypy", "plugins") or section == "flake8:local-plugins")
    }


TOML = pieces(r"""
[tool.mypy]
[tool.mypy]\nplugins = ['a']
[tool.other]
[ tool . 'mypy' ]
[[tool.mypy]]
[tool]
plugins = ["b"]
plugins = [\n'c',\n  'd'\n]
"plugins" = "e"
'plugins'='f'
mypy.plugins = ['g']
mypy = {plugins = ['h']}
mypy = {\nplugins = ['i']}
"plu\\u0067ins" = "j"
["tool"."m\\u0079py"]
plugins = '''\nk\n'''
plugins = ["]", # [\n"l"]
plugins = ['''\n]\n''', 'm']
plugins = ['n',\n['o'],\n]
plugins = [ # ]\n"p"]
z = [['q'],\n['r']]
plugins = [
'c',
"l"]
]
']',
# [ plugins = 's'
x = 1
t
\r
\ufeff
""")


def toml(text: str) -> Values:
    content = tomllib.loads(text).get("tool")
    mypy = content.get("mypy") if isinstance(content, dict) else None
    return {
        ("plugins", str(table["plugins"]))
        for table in (mypy if isinstance(mypy, list) else [mypy])
        if isinstance(table, dict) and table.get("plugins")
    }


YAML = pieces(r"""
import: a
import:
import:\n  - b
import:\n- b
  - b
- c
- import: d
words: [e]
words:
  import: f
{import: g}
"import": h
'import': i
"\\x69mport": j
import: [\nk,\n]
import: [
k,
]
import: {
}
  m
n
---
...
%YAML 1.1
x: &a o
import: *a
<<: *a
? import
: p
!!str import: q
# import: r
import: |
import: >-
  s
import: "t\n u"
import: "t
u"
import: 't
u'
\tv
\ufeff
import: [']',
import: ['
]',
\x85import: w
\r
  ? [import]
z: {x: y, import
: 1}
""")


def leaves(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "import" and each:
                yield "import", str(each)
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)


def documents(text: str) -> Values:
    return {leaf for document in yaml.safe_load_all(text) for leaf in leaves(document)}


REFUSED = (configparser.Error, tomllib.TOMLDecodeError, yaml.YAMLError, TypeError, ValueError)


def taken(read: Callable[[str], Values], text: str) -> Values | None:
    """Return the values, but for blanks; None if the parser refuses the file."""
    try:
        return {(where, re.sub(r"\s|\\n", "", value)) for where, value in read(text)}
    except REFUSED:
        return None


@pytest.mark.parametrize(
    ("view", "parts", "read"),
    [("plugins", INI, ini), ("backend", TOML, toml), ("cspell lines", YAML, documents)],
    ids=["INI", "TOML", "YAML"],
)
def test_no_value_that_comes_into_force_is_missed(
    view: str, parts: tuple[str, ...], read: Callable[[str], Values]
) -> None:
    used = 0
    for number, choose in cases(20_000):
        before = "\n".join(choose.choice(parts) for _ in range(choose.randrange(1, 6))).split("\n")
        old, new = "\n".join(before), "\n".join(changed(choose, before, parts))
        former = taken(read, old)
        # What a broken file held is in force once it is mended: that is the user's own.
        if former is not None and (taken(read, new) or set()) - former:
            used += 1
            assert tells(view, old.encode(), new.encode()), (number, old, new)
    assert used > 100, "the parser takes some of them"
