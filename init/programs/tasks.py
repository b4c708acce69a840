"""Reads a list of tasks for start.sh, which has no reader of YAML: sandbox-tasks, JSON in and out.

What is asked is {"text": the list, "file": what the user calls it}, the answer {"tasks": [...]} or
{"error": ...}. Whatever is in the list, it is only read here, by nobody in a container with nothing.
"""

from __future__ import annotations

import json
import re
import sys

from init import log
from init.errors import EX_CONFIG, SandboxError
from init.formats import yaml_text
from init.formats.entries import Entries, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Entries of a list: each becomes a session.
MOST = 1000
# Bytes of a prompt: it is an argument of the tool's, and the kernel takes no longer one, execve(2).
LONGEST = 128 * 1024 - 64
# A name is a session's, and so a part of a container's name.
NAME = re.compile("[a-z0-9][a-z0-9_.-]{0,40}")
TIME = re.compile("([0-9]{1,6})([smh]?)")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
# As SANDBOX_LIMIT has it.
DAY = 86400

FORM = "Write a list, each with a name and a prompt: `- {name: fix-tests, prompt: Make the tests pass.}`"
NAMES_FIX = "A name has a-z, 0-9, '.', '_' and '-', begins with a letter or a digit, and has 41 at most."


def main() -> int:
    """Answer on stdout; return the exit code."""
    try:
        asked = json.load(sys.stdin)
        told = {"tasks": read(asked["text"], asked["file"])}
    except SandboxError as error:
        problem = {"what": log.printable(error.what), "fix": error.fix}
        sys.stdout.write(json.dumps({"error": problem}))
        return EX_CONFIG
    sys.stdout.write(json.dumps(told))
    return 0


def read(text: str, file: str) -> list[dict[str, Any]]:
    """Return the tasks of a list, in its order: name, prompt, tool, timeout in seconds.

    Raises:
        SandboxError: it is no such list; says where.
    """
    try:
        content = yaml_text.parse(text)
    except ValueError as error:
        raise unreadable(file, error) from error
    if not isinstance(content, list) or not content:
        raise SandboxError(f"{file} is no list of tasks", FORM)
    if len(content) > MOST:
        raise SandboxError(
            f"{file} has {len(content)} tasks: {MOST} are the most", "Divide it into several files."
        )
    places = yaml_text.places(text)
    found: dict[str, dict[str, Any]] = {}
    for index, item in enumerate(content):
        entry = Entries(item, file, f"[{index}]", places)
        task = _task(entry)
        if task["name"] in found:
            entry.refuse(f"is the name of another task, too: {task['name']}", "Give each its own.", "name")
        found[task["name"]] = task
    return list(found.values())


def _task(entry: Entries) -> dict[str, Any]:
    entry.names(("name", "prompt", "tool", "timeout"))
    name, prompt = entry.text("name"), entry.text("prompt")
    if not NAME.fullmatch(name):
        entry.refuse(
            f"is no name of a task: {name!r}" if name else "has no name", NAMES_FIX, "name" * bool(name)
        )
    if not prompt.strip():
        entry.refuse("has no prompt", FORM)
    if len(prompt.encode(errors="surrogatepass")) > LONGEST:
        entry.refuse(
            f"is too long: {LONGEST} bytes are the most", "Put it into a file of the project.", "prompt"
        )
    return {"name": name, "prompt": prompt, "tool": entry.text("tool"), "timeout": _seconds(entry)}


def _seconds(entry: Entries) -> int:
    """Return how long a task may take; 0 where nothing is said."""
    told = entry.text("timeout")
    parts = TIME.fullmatch(told or "0")
    seconds = int(parts[1]) * SECONDS[parts[2]] if parts else -1
    if (told and not seconds) or not 0 <= seconds <= DAY:
        entry.refuse(f"is no time: {told!r}", "Write such as 90s, 30m or 2h; 24h is the most.", "timeout")
    return seconds
