"""Search a session for a secret, and have the model server tell it; print what was found and answered.

    python3 find_key.py TERCES FORM...

TERCES is the secret backwards, so that the search does not find itself. The model server is asked to answer
with the key of the request in each form; elsewhere.py does.
"""

import base64
import json
import os
import re
import socket
import stat
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

sys.path.append("/wall")  # where the folder of the tests is in a session

from tests.conformance.attacks.leave_by_proxy import MODEL_PORT, PATIENCE

MOST_BYTES = 16 << 20
# Where files are that a start made, or may have.
FOLDERS = ("/etc", "/run", "/home", "/tmp", "/var", "/dev/shm", "/opt/sandbox", "/mnt", "/root", "/srv")  # noqa: S108 - searched


def forms(secret: str) -> list[bytes]:
    """Return how a secret may be written."""
    plain = secret.encode()
    return [
        plain, json.dumps(secret)[1:-1].encode(), urllib.parse.quote(secret, safe="").encode(),
        base64.b64encode(plain).rstrip(b"="), plain.hex().encode(),
    ]  # fmt: skip


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path, _, names in os.walk(folder):
            for name in names:
                yield Path(path, name)


def of_processes() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        if process.name != str(os.getpid()):
            yield from (process / name for name in ("environ", "cmdline", "comm", "mountinfo"))
    yield from Path("/proc/net").glob("*")


def content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError:
        return b""


def memories() -> Iterator[tuple[str, bytes]]:
    """Return the memory of all processes that let us read it."""
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            maps = (process / "maps").read_text(encoding="utf-8", errors="replace")
            with (process / "mem").open("rb", buffering=0) as memory:
                for begin, end in re.findall(r"(?m)^([0-9a-f]+)-([0-9a-f]+) rw", maps):
                    memory.seek(int(begin, 16))
                    yield (
                        f"memory of {process.name}",
                        memory.read(min(MOST_BYTES, int(end, 16) - int(begin, 16))),
                    )
        except (OSError, OverflowError):
            continue


def found(secret: str) -> list[str]:
    wanted = forms(secret)
    places = [(str(path), content(path)) for path in (*of_processes(), *files())]
    return [place for place, data in (*places, *memories()) if any(form in data for form in wanted)]


def whole(request: bytes) -> bytes:
    """Send a request, and return all of its answer."""
    with socket.create_connection(MODEL_PORT, PATIENCE) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def asked(form: str) -> str:
    request = f"GET /local/v1/models?echo={form} HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
    try:
        return whole(request.encode()).decode("latin-1")
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    secret, chosen = sys.argv[1][::-1], sys.argv[2:]
    print(json.dumps({"found": found(secret), "told": {form: asked(form) for form in chosen}}))


if __name__ == "__main__":
    main()
