"""config/models.yml: several model servers, and the model of each role."""

from __future__ import annotations

import re

from init import handed_over
from init.errors import SandboxError
from init.formats import prebuilt, small_file, yaml_text
from init.formats.entries import Entries, is_missing, unreadable
from init.model import checks
from init.model.servers import MODELS_FILE, ROLES, ModelServers, ModelSpec, Origin, Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.model.servers import Places

# Of the file.
_MOST_BYTES = 4 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def read(places: Places) -> ModelServers:
    """Return what the file in config/ describes; no server where it is missing or empty.

    Raises:
        SandboxError: says what is wrong, and where.
    """
    try:
        text, known = small_file.text(f"{places.config}/models.yml", _MOST_BYTES), prebuilt.read()
        content = known[text] if text in known else yaml_text.parse(text)
    except (OSError, ValueError) as error:
        if not is_missing(error):
            raise unreadable(MODELS_FILE, error) from error
        content = None
    entries = Entries(content or {}, MODELS_FILE)
    described, roles = entries.inner("servers"), entries.inner("roles")
    servers = tuple(_server(name, described.inner(name), places) for name in described.names())
    chosen = {role: roles.text(role) for role in roles.names(ROLES)}
    entries.names(("servers", "roles"))
    if chosen and not servers:
        raise SandboxError(
            f"{MODELS_FILE} has roles, but no servers", f"Describe the servers in {MODELS_FILE}."
        )
    return ModelServers(servers, chosen)


def _server(name: str, entry: Entries, places: Places) -> Server:
    entry.names(("url", "key", "key_file", "ca", "models"))
    if not _NAME.fullmatch(name):
        entry.refuse("is no name of a server", "Use lower-case letters, digits and -, 32 at most.")
    key, key_file, ca = (entry.text(word) for word in ("key", "key_file", "ca"))
    if key and key_file:
        entry.refuse("has both key and key_file", "Keep one of them.")
    if places.via:
        key = ca = ""
    elif key and places.shared:
        entry.refuse(
            "has a key, and the agent can read this file",
            "Write the key into a file in keys/, and name it here: `key_file: NAME`.",
        )
    elif key:
        key = checks.key(key, entry.place("key"))
    elif key_file:
        key = checks.key_in_file(key_file, entry.place("key_file"), places)
    if ca:
        ca = checks.certificate(ca, entry.place("ca"), places)
    if not entry.text("url"):
        entry.refuse("has no url", "Give the server's address, such as http://10.0.0.13:8000/v1")
    return Server(
        name=name,
        url=checks.address(entry.text("url"), entry.place("url")),
        key=key,
        variable=handed_over.key_of(name),
        ca=ca,
        origin=Origin(entry.path),
        models=tuple(_spec(model) for model in entry.items("models")),
        via=places.via,
    )


def _spec(entry: Entries) -> ModelSpec:
    entry.names(("id", "context", "output", "tools", "vision"))
    if not entry.text("id"):
        entry.refuse("has no id", "Give the id that the server's /v1/models tells.")
    context, output = (checks.tokens(entry.text(word), entry.place(word)) for word in ("context", "output"))
    checks.check_limits(context, output, entry.place("context"), entry.place("output"))
    return ModelSpec(
        checks.model_id(entry.text("id"), entry.place("id")), context, output,
        tools=entry.truth("tools", default=True), vision=entry.truth("vision", default=False),
    )  # fmt: skip
