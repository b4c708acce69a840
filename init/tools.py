"""Tool definitions (YAML) to the tools that can be started, in the menu's order."""

from __future__ import annotations

import os

from init import log
from init.errors import SandboxError
from init.formats import prebuilt, small_file, yaml_text
from init.formats.entries import Entries, unreadable
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What the user calls the file.
FILE = "config/tools.yml"

# What a tool may speak to a model server: the names of OpenAI's and Anthropic's own.
APIS = ("chat", "responses", "messages")

_LONGEST_CONTEXT = 9
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class ConfigFile(Record):
    """A file or folder of config/ and the place below the home directory where the tool reads it."""

    source: str
    target: str


class Tool(Record):
    """One entry of config/tools.yml.

    Attributes:
        name: what TOOLS, DEFAULT_TOOL and the menu call it.
        title: what the menu shows.
        command: program and leading arguments.
        headless: arguments that run one prompt without a terminal; {prompt} stands for it.
        environment: variables the tool gets besides the sandbox's own.
        state: directories below data/ that it keeps its state in.
        config: the files it reads.
        renderer: what hands it the models, `models` in the file, see model/renderers/; "" for none.
        api: what it speaks to the model server, one of APIS.
        context: tokens that the model's context must have for it to be of use; 0 where it is not said.
        seed: files of config/ that it writes itself later: each is copied once.
    """

    name: str
    title: str
    command: tuple[str, ...]
    headless: tuple[str, ...]
    environment: Mapping[str, str]
    state: tuple[str, ...]
    config: tuple[ConfigFile, ...]
    renderer: str = ""
    api: str = APIS[0]
    context: int = 0
    seed: tuple[ConfigFile, ...] = ()


def load(path: str) -> dict[str, Tool]:
    """Read the definitions, in the file's order.

    Raises:
        SandboxError: the file is missing, is not YAML, or an entry is not of the form of Tool; says where.
    """
    try:
        text = small_file.text(path)
        content = prebuilt.read().get(text) or yaml_text.parse(text)
    except (OSError, ValueError) as error:
        raise unreadable(FILE, error) from error
    if not content:
        raise SandboxError(f"{FILE} defines no tool", "Write at least one: `NAME: {command: [PROGRAM]}`.")
    definitions = Entries(content, FILE)
    return {name: _tool(name, definitions.inner(name)) for name in definitions.names()}


def available(
    definitions: Mapping[str, Tool], names: Sequence[str] | None, search_path: str
) -> tuple[Tool, ...]:
    """Return the tools of these names that are defined and installed, in this order; tell of the others.

    Args:
        definitions: what load() returned.
        names: in the menu's order, or None for all.
        search_path: PATH in which the commands are looked up.

    Raises:
        SandboxError: none is left.
    """
    usable = []
    for name in definitions if names is None else names:
        reason = unusable(name, definitions, search_path)
        if reason is None:
            usable.append(definitions[name])
        elif names is None:
            log.debug(f"the menu leaves {name} out: {reason}")
        else:
            log.warning(f"TOOLS names {name!r}, which is skipped: {reason}")
    if not usable:
        raise SandboxError(
            "none of the tools in TOOLS can be started",
            f"Set TOOLS to some of: {', '.join(definitions)}. A tool is defined in {FILE}.",
        )
    return tuple(usable)


def named(name: str, tools: Sequence[Tool]) -> Tool:
    """Return the tool that DEFAULT_TOOL names.

    Raises:
        SandboxError: it is not among those available.
    """
    for tool in tools:
        if tool.name == name:
            return tool
    raise SandboxError(
        f"DEFAULT_TOOL={name!r} is not available",
        f"Set DEFAULT_TOOL (start.sh: --tool) to one of: {', '.join(tool.name for tool in tools)}.",
    )


def locate(program: str, search_path: str) -> str | None:
    """Return the absolute path of an executable file, looked up as execvp(3) does."""
    for directory in search_path.split(":"):
        candidate = os.path.join(directory, program)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def installed(definitions: Mapping[str, Tool], search_path: str) -> tuple[Tool, ...]:
    """Return the tools whose programs are there, in the file's order."""
    return tuple(
        tool for name, tool in definitions.items() if unusable(name, definitions, search_path) is None
    )


def unusable(name: str, definitions: Mapping[str, Tool], search_path: str) -> str | None:
    """Return why a tool of this name cannot be started, None where it can."""
    if not name or len(name) > 64 or not set(name) <= _SAFE or name[0] in "-.":
        return "this is no name of a tool"
    if name not in definitions:
        return f"{FILE} does not define it"
    if locate(definitions[name].command[0], search_path) is None:
        return f"{definitions[name].command[0]} is not installed"
    return None


def _tool(name: str, entry: Entries) -> Tool:
    entry.names((
        "title", "command", "headless", "environment", "state", "config", "seed", "models", "api", "context",
    ))  # fmt: skip
    command, environment = entry.texts("command"), entry.inner("environment")
    if not command or not command[0]:
        entry.refuse("has no command", "Name its program: `command: [PROGRAM]`.")
    for variable in environment.names():
        if not variable or "=" in variable or "\0" in variable:
            environment.refuse(f"has {variable!r}, not a name of a variable", "Write it as `NAME: value`.")
    return Tool(
        name=name,
        title=entry.text("title") or name,
        command=command,
        headless=entry.texts("headless"),
        environment={variable: environment.text(variable) for variable in environment.names()},
        state=entry.texts("state"),
        config=tuple(_config_file(file) for file in entry.items("config")),
        renderer=entry.text("models"),
        api=_api(entry),
        context=_context(entry),
        seed=tuple(_config_file(file) for file in entry.items("seed")),
    )


def _api(entry: Entries) -> str:
    api = entry.text("api") or APIS[0]
    if api not in APIS:
        entry.refuse(f"has api: {api!r}", f"It is one of {', '.join(APIS)}, or left out.")
    return api


def _context(entry: Entries) -> int:
    context = entry.text("context") or "0"
    if not (context.isascii() and context.isdigit() and len(context) <= _LONGEST_CONTEXT):
        entry.refuse(f"has context: {context!r}", "Write the tokens as a whole number, such as 32768.")
    return int(context)


def _config_file(entry: Entries) -> ConfigFile:
    entry.names(("file", "at"))
    for word in ("file", "at"):
        if not entry.text(word):
            entry.refuse(f"has no {word}", "Write `{file: NAME, at: PLACE}`: what of config/, and where.")
    return ConfigFile(entry.text("file"), entry.text("at"))
