"""The tools' configuration files: present, and of the syntax that their name promises."""

import os
import re
from typing import TYPE_CHECKING

from init import log
from init.errors import SandboxError
from init.launch import CONFIG

if TYPE_CHECKING:
    from init.tools import Tool

# A string, which stays, or what JSON with comments allows besides JSON, which goes.
_STRING = r'("(?:[^"\\\n]|\\.)*")'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])")


def check(tool: "Tool", directory: str = CONFIG) -> None:
    """Parse each configuration file of the tool.

    A missing file is warned of: the tool starts with its own defaults.

    Raises:
        SandboxError: a file is not valid; says where.
    """
    for file in tool.config:
        path = os.path.normpath(f"{directory}/{file.source}")
        try:
            with open(path, encoding="utf-8") as stream:
                problem = fault(file.source, stream.read())
        except IsADirectoryError:
            continue
        except FileNotFoundError:
            log.warning(f"config/{file.source} is missing: {tool.name} starts without it")
            continue
        except (OSError, UnicodeError) as error:
            problem = str(error)
        if problem:
            raise SandboxError(
                f"config/{file.source}, which {tool.name} reads, is not valid: {problem}", "Mend it."
            )


def fault(name: str, text: str) -> str | None:
    """Return what is wrong with the text of a file of this name, with line and column, or None."""
    if name.endswith((".json", ".jsonc")):
        return _json_fault(text)
    if name.endswith((".yml", ".yaml")):
        return _yaml_fault(text)
    return None


def _json_fault(text: str) -> str | None:
    import json

    try:
        json.loads(_blank(_TRAILING_COMMA, _blank(_COMMENT, text)), parse_int=str)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        return "it is nested too deeply"
    return None


def _blank(pattern: re.Pattern[str], text: str) -> str:
    # Not cut out, so that line and column stay true.
    return pattern.sub(lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)


def _yaml_fault(text: str) -> str | None:
    import yaml

    try:
        yaml.load(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - it makes text only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}" if mark else str(error)
    except yaml.YAMLError as error:
        return str(error)
    return None
