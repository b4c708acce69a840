#!/usr/bin/python3
"""Writes the lists of hosts that go by a name: `profiles.py FILE`, as a step of the image's build.

Each host is what its tool tells: no registry is named here. A mirror takes its place where there is one, and
is asked where it sends for files. What cannot be told ends no build: it is said, and the list keeps it.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

TOOLS = "/opt/tools/bin:/opt/python/bin:/opt/rust/bin"
# What git, its archives and releases need: no tool knows it, and it is no registry of packages.
GITHUB = (
    "github.com", "api.github.com", "codeload.github.com", "raw.githubusercontent.com",
    "objects.githubusercontent.com", "release-assets.githubusercontent.com",
)  # fmt: skip
# Small pages of packages that every mirror has, and how each names a file.
PYTHON_PAGE, NPM_PAGE = "pip/", "once"
PYTHON_FILE = r"""(?:\bhref\s*=|"url"\s*:)\s*["']([^"'#]+)"""
NPM_FILE = r'"tarball"\s*:\s*"([^"]+)"'
# Of a page, and seconds for an answer.
MOST_BYTES, PATIENCE = 4 << 20, 10
# Port 1 is nobody's: who fetches by it tells what it would have fetched, and does so at once.
NOBODY = "http://127.0.0.1:1"


class Told(NamedTuple):
    """What a tool told: its own addresses, the user's mirror of them, and what it could not tell."""

    urls: Iterable[str] = ()
    mirrors: Iterable[str] = ()
    lacks: str = ""


def python() -> Told:
    mirror = os.environ.get("PYPI_INDEX", "")
    if mirror:
        return with_files(
            mirror, PYTHON_PAGE, PYTHON_FILE, "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
        )
    try:
        # Not its settings, which are this build's: what it was made with.
        from pip._internal.models.index import PyPI  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    except ImportError as error:
        return Told(lacks=f"pip does not tell its index: {error}")
    return Told((PyPI.simple_url, f"https://{PyPI.file_storage_domain}"))


def npm() -> Told:
    mirror = os.environ.get("NPM_REGISTRY", "")
    if mirror:
        return with_files(mirror, NPM_PAGE, NPM_FILE, "application/vnd.npm.install-v1+json")
    told = output("npm", "config", "get", "registry")
    return Told((told.strip(),)) if "://" in told else Told(lacks=f"npm does not tell its registry: {told}")


def debian() -> Told:
    # apt-install has written a mirror into apt's own list.
    told = re.findall(
        r"^'(?:mirror\+)?(https?://[^']+)'", output("apt-get", "update", "--print-uris"), re.MULTILINE
    )
    mirror = urlsplit(os.environ.get("APT_MIRROR", "")).hostname
    ours = [url for url in told if urlsplit(url).hostname == mirror]
    return Told([url for url in told if url not in ours], ours, "" if told else "apt names no sources")


def rust() -> Told:
    """Have cargo ask where nobody answers: its message names the index, which knows where the files are."""
    if not shutil.which("cargo"):
        return Told(lacks="the image has no cargo, which would tell")
    with tempfile.TemporaryDirectory() as folder:
        manifest = (
            '[package]\nname = "asks"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nlibc = "0.2"\n'
        )
        (Path(folder) / "src").mkdir()
        (Path(folder) / "src" / "lib.rs").touch()
        (Path(folder) / "Cargo.toml").write_text(manifest, encoding="utf-8")
        said = output("cargo", "generate-lockfile", folder=folder)
    found = re.search(r"`(https://[^`]+/)config\.json`", said)
    if not found:
        return Told(lacks=f"cargo does not tell its index: {said[-200:]}")
    try:
        files = json.loads(fetch(found[1] + "config.json", "application/json")[1])["dl"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Told((found[1],), lacks=f"the index did not tell the build where crates are: {error}")
    return Told((found[1], str(files)))


def go() -> Told:
    if not shutil.which("go"):
        return Told(lacks="the image has no go, which would tell")
    told = json.loads(output("go", "env", "-json", "GOPROXY", "GOSUMDB"))
    proxies = [url for url in re.split("[,|]", told["GOPROXY"]) if "://" in url]
    sums = re.split(r"[ +]", told["GOSUMDB"])[0]
    return Told((*proxies, *([f"https://{sums}"] if "." in sums else [])))


def github() -> Told:
    return Told(f"https://{host}" for host in GITHUB)


def with_files(mirror: str, page: str, file: str, accept: str) -> Told:
    """Return a mirror's address, and where its page of a package sends for files."""
    try:
        final, text = fetch(f"{mirror.rstrip('/')}/{page}", accept)
    except (OSError, ValueError) as error:
        return Told((), (mirror,), f"the mirror did not tell the build where its files are: {error}")
    return Told((urljoin(final, link) for link in (final, *re.findall(file, text))), (mirror,))


def fetch(url: str, accept: str) -> tuple[str, str]:
    """Return where an address leads to, and what is there."""
    parts, fields = urlsplit(url), {"Accept": accept}
    if parts.username:
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        fields["Authorization"] = f"Basic {base64.b64encode(word.encode()).decode()}"
    # S310: what the tools would fetch.
    request = urllib.request.Request(parts._replace(netloc=host_of(url)).geturl(), headers=fields)  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return answer.url, answer.read(MOST_BYTES).decode("utf-8", "replace")


def host_of(url: str) -> str:
    """Return the host and the port of an address, without anybody's name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def output(*command: str, folder: str = "/") -> str:
    """Return what a program prints, on both ways, where nothing but itself tells it anything."""
    with tempfile.TemporaryDirectory() as home:
        own = {"PATH": os.environ["PATH"], "HOME": home, "CARGO_HTTP_PROXY": NOBODY, "CARGO_NET_RETRY": "0"}
        try:
            done = subprocess.run(  # noqa: S603 - as written above
                command, cwd=folder, env=own, text=True, timeout=60, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
    return done.stdout


def entries(told: Told) -> tuple[list[object], list[str]]:
    """Return lines as in config/egress.yml, and what cannot be one.

    A mirror may be in the user's own network, and what it names may not, unless the name is the same.
    """
    own = {urlsplit(url).hostname for url in told.mirrors}
    lines: dict[str, object] = {}
    lacks = []
    for url in (*told.mirrors, *told.urls):
        try:
            parts = urlsplit(url)
            host, port = str(parts.hostname).encode("idna").decode(), parts.port
        except ValueError:
            lacks.append(f"{host_of(url)!r} is no host")
            continue
        if is_address(host):
            lacks.append(f"{host} is an address, and only names can be allowed: give the mirror a name")
            continue
        plain = parts.scheme == "http"
        named = host if (port or (80 if plain else 443)) == 443 else f"{host}:{port or 80}"
        said = {"private": True} if parts.hostname in own else {}
        said |= {"tls": False} if plain else {}
        lines.setdefault(named, {"host": named, **said} if said else named)
    return list(lines.values()), list(dict.fromkeys(lacks))


def is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def main() -> None:
    os.environ["PATH"] = f"{TOOLS}:{os.environ['PATH']}"
    profiles = {}
    for tell in (python, npm, debian, rust, go, github):
        told = tell()
        allow, lacks = entries(told)
        missing = "; ".join([told.lacks, *lacks] if told.lacks else lacks)
        profiles[tell.__name__] = {"allow": allow, "lacks": " ".join(missing.split())}
        print(f"profile {tell.__name__}: {len(allow)} hosts{missing and f'; {missing}'}")
    Path(sys.argv[1]).write_text(json.dumps(profiles, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
