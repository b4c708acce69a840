"""The script: what the model does in a conversation, by the tools that it is offered.

Tools differ in their names and in those of their arguments: what one is for is told by its schema.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .conversation import Call, Conversation, Json, Reply

PATHS = ("filePath", "file_path", "path")
CONTENTS = ("content", "file_text")
COMMANDS = ("command", "cmd")
# What the user may ask for in place of the one file: another, a command, a look at an image.
FILE = re.compile(r"(?<![\w./-])/[\w./-]+\.txt\b")
COMMAND = re.compile(r"\brun `([^`]+)`", re.IGNORECASE)
IMAGE = re.compile(r"\blook at (/\S+\.png)\b", re.IGNORECASE)


def among(names: tuple[str, ...], known: Json) -> str | None:
    return next((name for name in names if name in known), None)


def kind_of(schema: Json) -> str:
    types = schema.get("type", "string")
    return str(types if isinstance(types, str) else types[0])


def invented(schema: Json, said: str) -> Json:
    """Arguments for a tool of any kind: what was said as `name=value`, or else something of the type."""

    def value(name: str, kind: Json) -> Any:
        first = kind_of(kind)
        found = re.search(rf"(?<!\w){re.escape(name)}=(?:\"([^\"]*)\"|'([^']*)'|([^\s,;]+))", said)
        word = None
        if found:
            double, single, bare = found.groups()
            word = bare.rstrip(".!?") if bare is not None else double or single or ""
        if first in ("integer", "number"):
            number = re.fullmatch(r"(-?\d+)(\.\d+)?", word or "")
            if number is None:
                return 7
            return float(number[1] + number[2]) if number[2] else int(number[1])
        if first == "boolean":
            return word is None or word == "true"
        if first in ("array", "object"):
            return [] if first == "array" else {}
        return next(iter(kind.get("enum", [name]))) if word is None else word

    return {name: value(name, kind) for name, kind in schema.get("properties", {}).items()}


def required(schema: Json, why: str) -> Json:
    """Arguments that have to be there besides: texts say why, such as an intent; a switch is off."""
    known: Json = schema.get("properties", {})
    plain = {"boolean": False, "integer": 7, "number": 7, "array": [], "object": {}}
    return {name: plain.get(kind_of(known.get(name, {})), why) for name in schema.get("required", [])}


@dataclass(frozen=True)
class Script:
    """The one file that the model writes, if it is asked for nothing else."""

    file: str
    content: str
    directory: PurePosixPath

    def reply(self, heard: Conversation) -> Reply:
        """The assistant's next message in this conversation."""
        if not heard.tools:
            return Reply("Scripted task")  # such as a session's title
        said = heard.last("user")
        call, done = self.task(heard.tools, said)
        if call is None and len(heard.tools) == 1:
            (name,) = heard.tools
            call, done = (name, invented(heard.tools[name], said)), heard.last("tool")
        if heard.has_result:
            return Reply(f"done: {done}")
        if call is None:
            return Reply("no tool was offered that could do it")
        name, arguments = call
        return Reply(call=Call(f"call_{name}", name, json.dumps(arguments)))

    def task(self, tools: dict[str, Json], said: str) -> tuple[tuple[str, Json] | None, str]:
        """The call that does what was asked for, and what there is to say afterwards."""
        if image := IMAGE.search(said):
            return self.looking(tools, image[1]), f"looked at {image[1]}"
        if command := COMMAND.search(said):
            return self.running(tools, command[1]), f"ran {command[1]}"
        named = FILE.search(said)
        file = named[0] if named else self.file
        for name in sorted(tools, key=lambda name: name != "write"):
            arguments = self.writing(tools[name], file)
            if arguments and re.search("write|create", name, re.IGNORECASE):
                return (name, arguments), f"wrote {file}"
        command_line = f"printf %s {shlex.quote(self.content)} >{shlex.quote(file)}"
        return self.running(tools, command_line), f"wrote {file}"

    def writing(self, schema: Json, file: str) -> Json | None:
        """The arguments of the call, or None where the schema is not that of a file-writing tool."""
        known: Json = schema.get("properties", {})
        path, content = among(PATHS, known), among(CONTENTS, known)
        if path is None or content is None:
            return None
        absolute = "absolute" in str(known[path].get("description", "")).lower()
        place = str(self.directory / file) if absolute else file
        return {**required(schema, f"write {file}"), path: place, content: self.content}

    def running(self, tools: dict[str, Json], line: str) -> tuple[str, Json] | None:
        for name, schema in tools.items():
            known: Json = schema.get("properties", {})
            if command := among(COMMANDS, known):
                words = ["bash", "-c", line] if kind_of(known[command]) == "array" else line
                return name, {**required(schema, "run it"), command: words}
        return None

    def looking(self, tools: dict[str, Json], image: str) -> tuple[str, Json] | None:
        """The call of what reads images: a tool for them, or the one that reads files."""

        def is_for_images(name: str) -> bool:
            return re.search("image|media", name, re.IGNORECASE) is not None

        for name in sorted(tools, key=is_for_images, reverse=True):
            path = among(PATHS, tools[name].get("properties", {}))
            if path and re.search("read|view", name, re.IGNORECASE):
                return name, {**required(tools[name], "look at it"), path: image}
        return None
