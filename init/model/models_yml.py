"""config/models.yml: several model servers, and the model of each role."""

from __future__ import annotations

import os
import re

from init.errors import SandboxError
from init.formats import yaml_text
from init.model import checks
from init.model.servers import ROLES, ModelServers, ModelSpec, Origin, Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "models.yml"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def read(directory: str) -> ModelServers:
    """Return what the file in this directory describes; no server where it is missing or empty.

    Raises:
        SandboxError: says what is wrong, and where.
    """
    try:
        with open(f"{directory}/{FILE}", encoding="utf-8") as file:
            content = yaml_text.parse(file.read())
    except FileNotFoundError:
        content = None
    except (OSError, ValueError) as error:
        raise SandboxError(f"cannot read config/{FILE}: {error}", "Mend it.") from error
    entries = _Entries(content or {}, "", directory)
    servers = tuple(
        _server(name, entries.inner("servers").inner(name)) for name in entries.inner("servers").names()
    )
    roles = {name: entries.inner("roles").text(name) for name in entries.inner("roles").names(ROLES)}
    entries.names(("servers", "roles"))
    if roles and not servers:
        raise SandboxError(
            f"config/{FILE} has roles, but no servers", f"Describe the servers in config/{FILE}."
        )
    return ModelServers(servers, roles)


def _server(name: str, entry: _Entries) -> Server:
    entry.names(("url", "key", "key_file", "ca", "models"))
    if not _NAME.fullmatch(name):
        entry.refuse("is no name of a server", "Use lower-case letters, digits and -, 32 at most.")
    source = f"config/{FILE}, {entry.path}"
    key, key_file, ca = (entry.text(word) for word in ("key", "key_file", "ca"))
    if key and key_file:
        entry.refuse("has both key and key_file", "Keep one of them.")
    if key:
        key = checks.key(key, f"{source}.key")
    elif key_file:
        key = checks.key_in(entry.file(key_file), f"{source}.key_file")
    if ca:
        ca = checks.certificate(entry.file(ca), f"{source}.ca")
    if not entry.text("url"):
        entry.refuse("has no url", "Give the server's address, such as http://10.0.0.13:8000/v1")
    return Server(
        name=name,
        url=checks.address(entry.text("url"), f"{source}.url"),
        key=key,
        variable=f"MODEL_{name.upper().replace('-', '_')}_API_KEY",
        ca=ca,
        origin=Origin(entry.path),
        models=tuple(_spec(model) for model in entry.items("models")),
    )


def _spec(entry: _Entries) -> ModelSpec:
    entry.names(("id", "context", "output", "tools", "vision"))
    where = f"config/{FILE}, {entry.path}"
    if not entry.text("id"):
        entry.refuse("has no id", "Give the id that the server's /v1/models tells.")
    context, output = (checks.tokens(entry.text(word), f"{where}.{word}") for word in ("context", "output"))
    checks.check_limits(context, output, f"{where}.context", f"{where}.output")
    return ModelSpec(
        checks.model_id(entry.text("id"), f"{where}.id"), context, output,
        tools=entry.truth("tools", default=True), vision=entry.truth("vision", default=False),
    )  # fmt: skip


class _Entries:
    """A mapping of config/models.yml, which says where it stands when something in it is wrong."""

    def __init__(self, content: Any, path: str, directory: str) -> None:
        self.content, self.path, self.directory = content, path, directory
        if not isinstance(content, dict):
            self.refuse("is no mapping", "Write it as `name: value` lines; the comments there show how.")

    def refuse(self, why: str, fix: str) -> None:
        where = f"config/{FILE}, {self.path}" if self.path else f"config/{FILE}"
        raise SandboxError(f"{where}: this {why}", fix)

    def names(self, known: tuple[str, ...] | None = None) -> list[str]:
        unknown = [str(name) for name in self.content if known is not None and name not in known]
        if unknown:
            self.refuse(f"has the unknown entry {unknown[0]!r}", f"There are {', '.join(known or ())}.")
        return [str(name) for name in self.content]

    def inner(self, name: str) -> _Entries:
        return _Entries(self.content.get(name) or {}, f"{self.path}.{name}".strip("."), self.directory)

    def items(self, name: str) -> list[_Entries]:
        content = self.content.get(name) or []
        if not isinstance(content, list):
            self.refuse(f"has {name} that is no list", "Begin each line with `- id: …`.")
        return [
            _Entries(item, f"{self.path}.{name}[{index}]", self.directory)
            for index, item in enumerate(content)
        ]

    def text(self, name: str) -> str:
        value = self.content.get(name) or ""
        if not isinstance(value, str):
            self.refuse(f"has {name} that is no text", f"Write `{name}: value` in one line.")
        return str(value)

    def truth(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value not in ("", "true", "false", "yes", "no", "on", "off"):
            self.refuse(f"has {name}: {value!r}", f"{name} is true or false.")
        return value in ("true", "yes", "on") if value else default

    def file(self, name: str) -> str:
        """Return the path of a file that is named from config/."""
        return os.path.normpath(os.path.join(self.directory, name))
