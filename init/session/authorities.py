"""The session's own CA: certificates that the programs of a session trust besides those of the system.

Behind a proxy that signs TLS anew nothing can be fetched without it. Each program has its own variable for
the same thing; most take one file with all authorities, Node.js and bun one with those that are added.
"""

from __future__ import annotations

import errno
import os

from init import folders, paths
from init.errors import SandboxError
from init.formats import small_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Says that there is one; its file is mounted at paths.SESSION_CA.
SETTING = "SESSION_CA"
# With the latter a build is told of none.
NONE = ("", "/dev/null")
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
# OpenSSL, Python and uv; requests; curl; git; cargo; pip.
WHOLE = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO",
    "PIP_CERT",
)  # fmt: skip
ADDED = "NODE_EXTRA_CA_CERTS"
MARK = "-----BEGIN CERTIFICATE-----"
# Bytes of the file: a whole system's bundle has a quarter of it.
MAX_SIZE = 1 << 20


def install(home: str, environ: Mapping[str, str]) -> None:
    """Write the files that the programs are told of, if there is a CA.

    Raises:
        SandboxError: it cannot be read or written, or is none.
    """
    if environ.get(SETTING, "") in NONE:
        return
    added = _certificates(environ[SETTING])
    try:
        os.makedirs(folder := _folder(home), 0o700, exist_ok=True)
        folders.write(f"{folder}/whole.pem", f"{_read(SYSTEM)}\n{added}")
        folders.write(f"{folder}/added.pem", f"{added}\n{_models(home)}")
    except OSError as error:
        raise SandboxError(
            f"the CA of {SETTING} cannot be prepared: {error.filename}: {error.strerror}",
            f"{home} needs to be writable.",
        ) from error


def variables(home: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the programs are told, but for what the user told them; nothing where there is no CA."""
    folder = _folder(home)
    if not os.path.exists(f"{folder}/whole.pem"):
        return {}
    told = {**dict.fromkeys(WHOLE, f"{folder}/whole.pem"), ADDED: f"{folder}/added.pem"}
    return {name: value for name, value in told.items() if not environ.get(name)}


def _certificates(named: str) -> str:
    """Return the CA that is mounted.

    Raises:
        SandboxError: it cannot be read, or holds no certificate.
    """
    try:
        text = _read(paths.SESSION_CA, MAX_SIZE)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise SandboxError(
                f"{SETTING}={named} is larger than {MAX_SIZE >> 20} MiB", "Name a PEM file of the CAs alone."
            ) from error
        raise SandboxError(
            f"{SETTING}={named}: cannot be read in the container ({paths.SESSION_CA}): {error.strerror}",
            f"Let the agent, UID {os.getuid()}, read the file.",
        ) from error
    if MARK not in text:
        raise SandboxError(f"{SETTING}={named} holds no certificate", f"Name a PEM file ({MARK}).")
    return text


def _models(home: str) -> str:
    """Return the certificates of the model servers, which stand in the same variable."""
    try:
        return _read(f"{paths.rendered_folder(home)}/ca.pem")
    except OSError:
        return ""


def _folder(home: str) -> str:
    return f"{home}/.sandbox/ca"


def _read(path: str, most: int = small_file.MOST) -> str:
    return small_file.read(path, most).decode(errors="replace")
