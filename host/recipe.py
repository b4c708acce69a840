"""What an image is made from, as one digest: while that stays the same, nothing has to be built.

All that a build reads is in it: the files that .dockerignore lets through, the Dockerfile, the arguments, the
target, the platform, the base. Where something is not understood, there is no digest, and it is built.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# The label of an image that has the digest of what it was made from.
LABEL = "agentic-sandbox.made-from"
DOCKERFILE, IGNORE = "Dockerfile", ".dockerignore"
# What is understood of a service's `build`; a compose file of the user's own may say more.
UNDERSTOOD = {"args", "context", "dockerfile", "secrets", "target"}
# No rule of .dockerignore has matched so far.
NO_RULE = -1


class Rules(NamedTuple):
    """A .dockerignore: the last rule that matches a path, or a folder that it lies in, decides.

    Attributes:
        takes: whether a rule begins with !, by its number.
        plain: the numbers of those that are paths, by the path; of two the last.
        patterns: those with * or ?, the last first.
        kept: the paths of those that begin with !, as they are written.
    """

    takes: list[bool]
    plain: dict[str, int]
    patterns: list[tuple[int, re.Pattern[str]]]
    kept: list[str]

    def last(self, path: str, within: int) -> int:
        """Return the number of the last rule that matches a path, given that of the folder it lies in."""
        found = max(within, self.plain.get(path, NO_RULE))
        later = (number for number, pattern in self.patterns if number > found and pattern.fullmatch(path))
        return next(later, found)

    def may_take_below(self, folder: str) -> bool:
        """Tell whether a rule may take something below a folder that is not taken itself."""
        return any(path.startswith(f"{folder}/") or re.search("[*?]", path) for path in self.kept)


def digest(root: Path, build: Mapping[str, object], given: Mapping[str, str]) -> str:
    """Return the digest of what an image is made from, "" where it cannot be told.

    Args:
        root: the checkout's folder.
        build: what Compose tells of the service's build. A secret is no part of it, as in the engine's cache.
        given: what the build is told besides.
    """
    if not UNDERSTOOD.issuperset(build) or (build["context"], build["dockerfile"]) != (str(root), DOCKERFILE):
        return ""
    made = hashlib.sha256()
    told = json.dumps([build.get("args"), build.get("target"), dict(given)], sort_keys=True)
    try:
        # It would count in the place of the other.
        if (root / f"{DOCKERFILE}{IGNORE}").exists():
            return ""
        ignore = (root / IGNORE).read_bytes()
        for part in (told.encode(), (root / DOCKERFILE).read_bytes(), ignore):
            _add(made, part)
        for name, content in files(str(root), rules(ignore.decode())):
            _add(made, name)
            _add(made, content)
    except (OSError, ValueError):
        # The build says what is wrong.
        return ""
    return made.hexdigest()


def override(made_from: Mapping[str, str]) -> dict[str, object]:
    """Return the compose file that has images labelled, where the digest is known, by the service."""
    return {
        "services": {name: {"build": {"labels": {LABEL: made}}} for name, made in made_from.items() if made}
    }


def rules(text: str) -> Rules:
    """Return the rules of a .dockerignore.

    Raises:
        ValueError: one has a backslash or a class of characters, which are not understood here.
    """
    read = Rules([], {}, [], [])
    for line in text.splitlines():
        words = line.strip()
        if not words or line.startswith("#"):
            continue
        takes, number = words.startswith("!"), len(read.takes)
        path = os.path.normpath(words[takes:].strip()).lstrip("/")
        if re.search(r"[\\\[\]]", path):
            raise ValueError(path)
        read.takes.append(takes)
        if takes:
            read.kept.append(path)
        if re.search("[*?]", path):
            read.patterns.insert(0, (number, re.compile(_expression(path), re.DOTALL)))
        else:
            read.plain[path] = number
    return read


def _expression(pattern: str) -> str:
    """Return a pattern of .dockerignore as a regular expression, as Docker has it."""
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        known.get(part) or re.escape(part) for part in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    )


def files(root: str, read: Rules, below: str = "", within: int = NO_RULE) -> Iterator[tuple[bytes, bytes]]:
    """Yield name, kind and mode, and the content, of each file, link and folder that the engine is sent."""
    with os.scandir(f"{root}/{below}") as found:
        listed = sorted(found, key=lambda entry: entry.name)
    for entry in listed:
        path = f"{below}{entry.name}"
        rule = read.last(path, within)
        is_taken, is_folder = rule == NO_RULE or read.takes[rule], entry.is_dir(follow_symlinks=False)
        if is_taken or (is_folder and read.may_take_below(path)):
            yield _told(entry, path)
            if is_folder:
                yield from files(root, read, f"{path}/", rule)


def _told(entry: os.DirEntry[str], path: str) -> tuple[bytes, bytes]:
    mode = entry.stat(follow_symlinks=False).st_mode
    content = b""
    if stat.S_ISLNK(mode):
        content = os.fsencode(os.readlink(entry.path))  # noqa: PTH115 - a start waits for this
    elif stat.S_ISREG(mode):
        with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123 - the same
            content = file.read()
    return f"{mode:o} ".encode() + os.fsencode(path), content


def _add(made: hashlib._Hash, part: bytes) -> None:
    """Add a part with its length, so that no two lists of parts are one."""
    made.update(b"%d " % len(part))
    made.update(part)
