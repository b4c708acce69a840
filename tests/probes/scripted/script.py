"""The script: what the model does in a conversation, by the tools that it is offered.

Tools differ in their names and in those of their arguments: what one is for is told by its schema.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .conversation import Call, Conversation, Json, Reply

PATHS = ("filePath", "file_path", "path")
CONTENTS = ("content", "file_text")
COMMANDS = ("command", "cmd")
# What a user may ask for, one after the other: to write a file, to run a command, to look at an image.
TASK = re.compile(
    r"\bwrite (?:to )?(?P<file>[\w./-]+\.txt)\b|\brun `(?P<command>[^`]+)`|\blook at (?P<image>/\S+\.png)\b",
    re.IGNORECASE,
)


class Step(NamedTuple):
    """A call of a tool, and what there is to say when it is done."""

    name: str
    arguments: Json
    done: str


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
        said, results = heard.asked(TASK)
        steps = self.steps(heard, said)
        if results >= len(steps):
            return Reply(f"done: {', '.join(step.done for step in steps if step)}")
        step = steps[results]
        if step is None:
            return Reply("no tool was offered that could do it")
        number = sum(message.role == "tool" for message in heard.messages)
        return Reply(call=Call(f"call_{number}_{step.name}", step.name, json.dumps(step.arguments)))

    def steps(self, heard: Conversation, said: str) -> list[Step | None]:
        tasks = [task.groupdict() for task in TASK.finditer(said)] or [{"file": self.file}]
        steps = [self.step(heard.tools, **{what: of for what, of in task.items() if of}) for task in tasks]
        if steps == [None] and len(heard.tools) == 1:
            (name,) = heard.tools
            steps = [Step(name, invented(heard.tools[name], said), heard.last("tool"))]
        return steps

    def step(
        self, tools: dict[str, Json], *, file: str = "", command: str = "", image: str = ""
    ) -> Step | None:
        if image:
            return self.looking(tools, image)
        if command:
            return self.running(tools, command, f"ran {command}")
        for name in sorted(tools, key=lambda name: name != "write"):
            arguments = self.writing(tools[name], file)
            if arguments and re.search("write|create", name, re.IGNORECASE):
                return Step(name, arguments, f"wrote {file}")
        line = f"printf %s {shlex.quote(self.content)} >{shlex.quote(file)}"
        return self.running(tools, line, f"wrote {file}")

    def writing(self, schema: Json, file: str) -> Json | None:
        """The arguments of the call, or None where the schema is not that of a file-writing tool."""
        known: Json = schema.get("properties", {})
        path, content = among(PATHS, known), among(CONTENTS, known)
        if path is None or content is None:
            return None
        absolute = "absolute" in str(known[path].get("description", "")).lower()
        place = str(self.directory / file) if absolute else file
        return {**required(schema, f"write {file}"), path: place, content: self.content}

    def running(self, tools: dict[str, Json], line: str, done: str) -> Step | None:
        for name, schema in tools.items():
            known: Json = schema.get("properties", {})
            if command := among(COMMANDS, known):
                words = ["bash", "-c", line] if kind_of(known[command]) == "array" else line
                return Step(name, {**required(schema, "run it"), command: words}, done)
        return None

    def looking(self, tools: dict[str, Json], image: str) -> Step | None:
        """The call of what reads images: a tool for them, or the one that reads files."""

        def is_for_images(name: str) -> bool:
            return re.search("image|media", name, re.IGNORECASE) is not None

        for name in sorted(tools, key=is_for_images, reverse=True):
            path = among(PATHS, tools[name].get("properties", {}))
            if path and re.search("read|view", name, re.IGNORECASE):
                arguments = {**required(tools[name], "look at it"), path: image}
                return Step(name, arguments, f"looked at {image}")
        return None
