"""The syntax that the name of a configuration file promises: JSON with comments, YAML 1.2, TOML."""

from __future__ import annotations

import json
import re

from init.formats import yaml_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_JSON, _YAML, _TOML = (".json", ".jsonc"), (".yml", ".yaml"), ".toml"

# A string, which stays, or what JSON with comments allows besides JSON, which goes.
_STRING = r'("(?:[^"\\\n]|\\.)*")'
_COMMENT = _STRING + r"|//[^\n]*|/\*(?s:.*?)\*/"
_TRAILING_COMMA = _STRING + r"|,(?=\s*[}\]])"


def is_known(name: str) -> bool:
    """Tell whether a file of this name has a syntax that is checked."""
    return name.endswith((*_JSON, *_YAML, _TOML)) and not name.startswith(".")


def fault(name: str, text: str) -> str | None:
    """Return what is wrong with the text of a file of this name, with line and column, or None."""
    if name.endswith(_JSON):
        return _json_fault(text)
    if name.endswith(_YAML):
        return _yaml_fault(text)
    if name.endswith(_TOML):
        return _toml_fault(text)
    return None


def content(name: str, text: str) -> Any:
    """Return what a file of this name holds; YAML is read by version 1.2, as the tools do.

    Raises:
        ValueError: it is not valid; says where.
    """
    problem = fault(name, text)
    if problem:
        raise ValueError(problem)
    if name.endswith(_TOML):
        return _toml_content(text)
    return _json_content(text) if name.endswith(_JSON) else _yaml_content(text)


def _json_content(text: str) -> Any:
    try:
        return json.loads(_uncommented(text))
    except ValueError as error:
        # The one thing that _json_fault does not find: it reads no number.
        raise ValueError("it holds a number of too many digits") from error


def _yaml_content(text: str) -> Any:
    # Not at the top here and below: PID 1 judges JSON by this module, too.
    import yaml

    try:
        return yaml.load(text, _loader())  # noqa: S506 - a SafeLoader that takes fewer words for truths
    except yaml.MarkedYAMLError as error:
        raise ValueError(yaml_text.describe(error)) from error
    except (LookupError, ValueError) as error:
        raise ValueError("it holds a value that is not what its tag says, or too long a number") from error


def _loader() -> Any:
    """Return a loader of what JSON can hold, for which `on` and `no` are words: YAML 1.2.2 section 10.3."""
    import yaml

    kinds = ("null", "bool", "int", "float", "str", "seq", "map")

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own form
        yaml_constructors = {  # noqa: RUF012 - as above
            tag: make
            for tag, make in yaml.SafeLoader.yaml_constructors.items()
            if tag is None or tag.rpartition(":")[2] in kinds
        }

    for kind, pattern, first in (
        ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", "[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{pattern})$"), list(first))
    return Loader


def _toml_content(text: str) -> Any:
    # Not at the top, as PyYAML.
    import tomllib

    return tomllib.loads(text)


def _toml_fault(text: str) -> str | None:
    try:
        _toml_content(text)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        # It ends in `(at line 1, column 2)`, or in `(at end of document)`.
        why, _, place = str(error).rpartition(" (at ")
        return f"{place.removesuffix(')')}: {why}" if why else str(error)
    return None


def _json_fault(text: str) -> str | None:
    try:
        json.loads(_uncommented(text), parse_int=str)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        return "it is nested too deeply"
    return None


def _uncommented(text: str) -> str:
    return _blank(_TRAILING_COMMA, _blank(_COMMENT, text))


def _blank(pattern: str, text: str) -> str:
    # Not cut out, so that line and column stay true.
    return re.sub(pattern, lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)


def _yaml_fault(text: str) -> str | None:
    try:
        # Some tools take a name that is there twice.
        yaml_text.parse(text, twice=True)
    except ValueError as error:
        return str(error)
    return None
