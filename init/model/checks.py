"""What a user may write about a model server, each checked by itself: address, id, limits, key, certificate.

Each raises SandboxError for what it does not take; the message names the setting, and never shows a key.
"""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from init import cluster
from init.errors import SandboxError
from init.formats import small_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.model.servers import Places

# More tokens than any model has; what is above it is a slip.
MOST_TOKENS = 100_000_000

# Bytes of a file with a key, and of one with CAs.
_MOST_OF_KEY, _MOST_OF_CA = 64 << 10, 1 << 20

# What a header can carry, RFC 9110 section 5.5, without spaces: RFC 6750 has none in a token.
_KEY = re.compile(r"[!-~]+")

# What is no label of a name: RFC 1035 section 2.3.4.
_LONG_LABEL = re.compile(r"[^.]{64}|^\.|\.\.")


def address(text: str, setting: str) -> str:
    """Check a URL and return it without what people paste along: spaces around it, an endpoint's own path."""
    text = text.strip()
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    fix = f"Set {setting} to an address such as http://10.0.0.13:8000/v1"
    if "@" in text:
        raise SandboxError(
            f"{setting} holds a name or a password before an @",
            "Take it out; a key has a setting of its own.",
        )
    if "://" not in text:
        raise SandboxError(f"{setting}={shown!r} does not begin with http:// or https://", f"{fix}.")
    try:
        parts = urlsplit(text)
        port = parts.port
        if not text.isascii() or _LONG_LABEL.search(parts.hostname or ""):
            # Says what is wrong. Not of each name: to load it takes half as long as an interpreter.
            (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise SandboxError(f"{setting}={shown!r} is no URL: {error}", f"{fix}.") from error
    if parts.scheme not in ("http", "https"):
        raise SandboxError(f"{setting}={shown!r} does not begin with http:// or https://", f"{fix}.")
    if not parts.hostname or port == 0 or not re.fullmatch(r"[!-~]+", text):
        raise SandboxError(f"{setting}={shown!r} is no URL of a server", f"{fix}.")
    if parts.query or parts.fragment:
        raise SandboxError(f"{setting} holds a ? or a #", f"{fix}, without what follows the path.")
    path = re.sub(r"/(chat/completions|completions|models|responses)/*$", "", parts.path).rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def tokens(text: str | None, setting: str) -> int | None:
    """Return a number of tokens, None where none is given."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_TOKENS:
        return int(text)
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    raise SandboxError(
        f"{setting}={shown!r} is not a whole number of tokens from 1 to {MOST_TOKENS}",
        "Set it to one, such as 32768, or leave it out: most servers tell it.",
    )


def check_limits(context: int | None, output: int | None, context_setting: str, output_setting: str) -> None:
    """Check that the output leaves room for a prompt."""
    if context is not None and output is not None and output >= context:
        raise SandboxError(
            f"{output_setting}={output} leaves no room for a prompt in {context_setting}={context}",
            "Set the output to a quarter of the context, or leave it out.",
        )


def usable_id(text: str) -> bool:
    """Tell whether an id, a server's or the user's, can be shown and written."""
    # Control characters would reach the terminal and the files of the tools.
    return 0 < len(text) <= 512 and text.isprintable() and text != "__proto__"


def model_id(text: str, setting: str) -> str:
    """Check the id of a model."""
    if text and not usable_id(text):
        raise SandboxError(
            f"{setting} is no model's id: {text[:40]!r}", "Set it to an id that /v1/models tells."
        )
    return text


def key(text: str, setting: str) -> str:
    """Check a key."""
    if not _KEY.fullmatch(text):
        raise SandboxError(
            f"{setting} holds a space, a newline or another character that no HTTP header carries as a key",
            "Set the key as the server has it, in one line.",
        )
    return text


def key_in_file(name: str, setting: str, places: Places) -> str:
    """Return the key that a file holds, by the name that the user gave."""
    path, beside = places.key(name), os.path.normpath(os.path.join(places.config, name))
    is_open = path.startswith(f"{places.config}/") or (not os.path.exists(path) and os.path.exists(beside))
    if places.shared and is_open:
        raise SandboxError(
            f"{setting}={name}: not in keys/; it is in config/, which the agent can read",
            f"Move it: mv config/{os.path.relpath(beside, places.config)} keys/",
        )
    return key_in(path, setting, _readable("keys" if places.shared else "config", places))


def key_in(path: str, setting: str, fix: str = "The user of the sandbox has to be able to read it.") -> str:
    """Return the key that a file holds.

    Args:
        path: the file's.
        setting: how the user calls it.
        fix: what to do where it cannot be read.
    """
    try:
        text = small_file.read(path, _MOST_OF_KEY).decode().strip()
    except (OSError, ValueError) as error:
        raise SandboxError(f"{setting}: {path} {_why(path, error)}", fix) from error
    if not text:
        raise SandboxError(f"{setting}: {path} is empty", "Write the key into it, in one line.")
    return key(text, f"{setting} ({path})")


def _why(path: str, error: OSError | ValueError) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return f"is a link to {os.readlink(path)}, which the container does not have"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return "cannot be read: it is no text, or its name none of a file"


def certificate(name: str, setting: str, places: Places) -> str:
    """Return the path of a PEM file, by the name that the user gave."""
    path = os.path.normpath(os.path.join(places.config, name))
    try:
        text = small_file.read(path, _MOST_OF_CA).decode("ascii", "replace")
    except (OSError, ValueError) as error:
        fix = _readable("config", places)
        raise SandboxError(f"{setting}: {path!r} {_why(path, error)}", fix) from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise SandboxError(
            f"{setting}: {path} holds no certificate", "Name a PEM file (-----BEGIN CERTIFICATE-----)."
        )
    return path


def _readable(folder: str, places: Places) -> str:
    """Return what to do for who reads a file of config/ or keys/ to be able to."""
    readers, owner = ("the gateway", f"{folder}/") if places.shared else ("the agent", "workspace/")
    return cluster.fix(
        f"Put the file into {folder}/, name it as it is called there, and let the owner of {owner} read it; "
        f"{readers} is UID {os.getuid()}.",
        "The Secret model-key needs that name: kubectl create secret generic model-key --from-file=NAME"
        if folder == "keys"
        else "The ConfigMap policy needs a file of that name.",
    )
