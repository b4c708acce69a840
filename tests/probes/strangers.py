"""Prints the files below /opt that belong to no package of apt, PyPI, npm, and to no toolchain."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

WHEELS = ["/opt/sandbox", "/opt/tools/lib/python3/site-packages"]
# Written by the Dockerfile and its scripts, or by uv and rustup beside what they install.
OURS = re.compile(
    r"/opt/sandbox/(__main__\.py|(gateway|init)/.*|prebuilt\.marshal|profiles\.json|block-signals|VERSION)"
    r"|/opt/tools/[^/]+/package(-lock)?\.json"
    r"|/opt/python/(\.gitignore|cpython-.*)"
    r"|/opt/rust/(settings\.toml|update-hashes/.*|toolchains/[^/]+/.*)"
)


def owned() -> Iterator[str]:
    for listed in Path("/var/lib/dpkg/info").glob("*.list"):
        # Some packages still name their files by the links /bin, /sbin and /lib.
        yield from (os.path.realpath(path) for path in listed.read_text().splitlines()[1:])
    for file in (file for wheel in distributions(path=WHEELS) for file in wheel.files or ()):
        path = Path(os.path.normpath(file.locate()))
        if file.hash is None or (path.is_file() and digest(path) == file.hash.value):
            yield str(path)


def digest(path: Path) -> str:
    """Return a file's hash as a wheel's RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def locked(path: str, packages: set[str]) -> bool:
    """Tell whether a tool's lock names the package that a path is in: the innermost that npm lays.

    A node_modules elsewhere in a package is a part of it.
    """
    package = re.match(r"(/opt/tools/[^/]+(?:/node_modules/(?:@[^/]+/)?[^/]+)+)/", path)
    return package is not None and package[1] in packages


def is_wrapper(path: str) -> bool:
    """Tell whether a path is a tool's program that has bun run a file of that tool's packages."""
    name = re.fullmatch(r"/opt/tools/bin/([^/]+)", path)
    return name is not None and f"{path.replace('/bin/', '/')}/node_modules/" in Path(path).read_text(
        "utf-8", "replace"
    )


def main() -> None:
    known = set(owned())
    packages = {
        str(lock.parent / place)
        for lock in Path("/opt/tools").glob("*/package-lock.json")
        for place in json.loads(lock.read_text())["packages"]
    }
    for folder, folders, files in os.walk("/opt"):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for path in (f"{folder}/{name}" for name in (*files, *links)):
            # Bytecode is its module's, and a link is whose it leads to.
            source = re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", os.path.realpath(path))
            if not (
                source in known
                or path in known
                or OURS.fullmatch(source)
                or locked(source, packages)
                or is_wrapper(source)
            ):
                print(path)


if __name__ == "__main__":
    main()
