"""A file of config/ that holds a mapping: what is wrong in it is told with its place, and what to do.

PID 1 loads it for the tools' definitions: nothing is imported that takes time.
"""

from __future__ import annotations

import errno
import os

from init.errors import SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn


def is_missing(error: Exception) -> bool:
    """Tell whether nothing is there. A link is there, though what it leads to may not be in the container."""
    return isinstance(error, FileNotFoundError) and not os.path.islink(error.filename)


def unreadable(file: str, error: OSError | ValueError) -> SandboxError:
    """Return what to tell of a file that cannot be read.

    Args:
        file: what the user calls it, such as config/tools.yml.
        error: of opening or decoding it, or a ValueError that says what is wrong, and where.
    """
    if isinstance(error, FileNotFoundError) and not is_missing(error):
        return SandboxError(
            f"{file} is a link to {os.readlink(error.filename)}, which the container does not have",
            "Put a copy in its place, or mount what it leads to at that path (compose.override.yml).",
        )
    if isinstance(error, FileNotFoundError):
        return SandboxError(f"{file} is missing", "Put it back; the repository holds the shipped one.")
    if isinstance(error, PermissionError):
        return SandboxError(f"{file} cannot be read: {error.strerror}", _let_in())
    if isinstance(error, OSError):
        fix = f"Make it a file that the agent, UID {os.getuid()}, can read."
        fix = "Take out what is not needed." if error.errno == errno.EFBIG else fix
        return SandboxError(f"{file} cannot be read: {error.strerror}", fix)
    if isinstance(error, UnicodeDecodeError):
        return SandboxError(f"{file} is no UTF-8 text, from byte {error.start} on", f"Save {file} as UTF-8.")
    return SandboxError(f"{file} is not valid: {error}", correct(file))


def _let_in() -> str:
    """Return what to do where the agent may not read a file, as after a checkout under a strict umask."""
    return (
        f"Let the agent, UID {os.getuid()}, read it: on the host, chmod -R a+rX config .opencode"
        f" (but a file that holds keys: sudo chown {os.getuid()} FILE)"
    )


def correct(file: str) -> str:
    """Return what to do about a fault whose place in the file was told."""
    return f"Correct {file} at this place."


class Entries:
    """A mapping of such a file, its scalars as text (see yaml_text). What is left out or empty is "" or ().

    Args:
        content: what was read.
        file: what the user calls the file.
        path: the mapping's place in it, such as `servers.big`; "" for the whole.
        places: line and column of each path, where they are known: yaml_text.places.

    Raises:
        SandboxError: it is no mapping. So do all methods where what they are asked for is of another form.
    """

    def __init__(
        self, content: object, file: str, path: str = "", places: Mapping[str, str] | None = None
    ) -> None:
        self.file, self.path, self._places = file, path, places or {}
        if not isinstance(content, dict):
            self.refuse("is no mapping", "Write it as `name: value` lines; the comments there show how.")
        self.content = content

    def refuse(self, why: str, fix: str, name: str = "") -> NoReturn:
        """Raise the error that this mapping, or its entry of this name, is or has something wrong."""
        raise SandboxError(f"{self.place(name)}: this {why}", fix)

    def _refuse_entry(self, why: str, fix: str, name: str) -> NoReturn:
        """Raise the error that this mapping has an entry that is wrong, at its line where that is known."""
        raise SandboxError(f"{self.place(name if self._places else '')}: this {why}", fix)

    def place(self, name: str = "") -> str:
        """Return where the mapping is, or its entry of this name."""
        path = self._path(name) if name else self.path
        return f"{self.file}, {self._places.get(path, path)}" if path else self.file

    def names(self, known: tuple[str, ...] | None = None) -> list[str]:
        """Return the names in the file's order; none may be unknown where it is said which there are."""
        unknown = [name for name in self.content if known is not None and name not in known]
        if unknown:
            fix = f"There are {', '.join(known or ())}."
            self._refuse_entry(f"has the unknown entry {unknown[0]!r}", fix, unknown[0])
        return list(self.content)

    def inner(self, name: str) -> Entries:
        """Return the mapping that is an entry of this one."""
        return self._of(self.content.get(name) or {}, name)

    def items(self, name: str) -> list[Entries]:
        """Return the mappings of a list."""
        return [self._of(item, place) for place, item in self._list(name)]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        return tuple(self._text(place, item) for place, item in self._list(name))

    def either(self, name: str) -> list[tuple[str, str | Entries]]:
        """Return the items of a list that are texts or mappings, each with its place."""
        return [
            (place, item if isinstance(item, Entries) else self._text(place, item))
            for place, item in self.each(name)
        ]

    def each(self, name: str) -> list[tuple[str, object]]:
        """Return the items of a list, each with its place; a mapping as Entries, anything else as it is."""
        return [
            (place, self._of(item, place) if isinstance(item, dict) else item)
            for place, item in self._list(name)
        ]

    def text(self, name: str) -> str:
        """Return one text."""
        value = self.content.get(name) or ""
        if not isinstance(value, str):
            self._refuse_entry(f"has {name} that is no text", f"Write `{name}: value` in one line.", name)
        return self._text(name, value)

    def truth(self, name: str, *, default: bool) -> bool:
        """Return whether one is on; the default where it is not said."""
        value = self.text(name).lower()
        if value not in ("", "true", "false", "yes", "no", "on", "off"):
            self._refuse_entry(f"has {name}: {value!r}", f"{name} is true or false.", name)
        return value in ("true", "yes", "on") if value else default

    def _list(self, name: str) -> list[tuple[str, object]]:
        """Return the items of a list, each with its place."""
        content = self.content.get(name) or []
        if not isinstance(content, list):
            self._refuse_entry(f"has {name} that is no list", f"Write `{name}: [first, second]`.", name)
        return [(f"{name}[{index}]", item) for index, item in enumerate(content)]

    def _text(self, place: str, value: object) -> str:
        if not isinstance(value, str):
            self.refuse("is no text", "Put it into quotes where it holds one of : # { } [ ] ,", place)
        # Neither a program's argument nor the name of a file can hold one.
        if "\0" in value:
            self.refuse("holds a NUL character", "Take it out.", place)
        return value

    def _of(self, content: object, name: str) -> Entries:
        return Entries(content, self.file, self._path(name), self._places)

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
