"""scripts/build/profiles.py: what mirrors tell of themselves, and what ends no build."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scripts.build import profiles

PAGE = "<a href=\"../../files/a.whl#sha256=0\">a</a> <a href='https://files.example.test/b.whl'>b</a>"
JSON_PAGE = json.dumps({"files": [{"url": "https://files.example.test:8443/a"}, {"url": "/b"}]})
NPM_PAGE = json.dumps({"versions": {"1.0.0": {"dist": {"tarball": "http://tarballs.example.test/once.tgz"}}}})
Serve = Callable[[dict[str, str]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve pages by their path on the loopback; return the address, with a name and a password in it."""
    servers = []

    def run(pages: dict[str, str]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                word = base64.b64encode(b"me:s3cret").decode()
                known = self.headers["Authorization"] == f"Basic {word}"
                self.send_response(200 if known and self.path in pages else 404)
                self.end_headers()
                self.wfile.write(pages.get(self.path, "").encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://me:s3cret@localhost:{server.server_port}"

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()


def own(address: str) -> dict[str, Any]:
    return {"host": address.rpartition("@")[2], "private": True, "tls": False}


@pytest.mark.parametrize(
    ("page", "files"), [(PAGE, "files.example.test"), (JSON_PAGE, "files.example.test:8443")]
)
def test_a_mirror_of_python_packages_tells_where_its_files_are(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, page: str, files: str
) -> None:
    address = serve({"/simple/pip/": page})
    monkeypatch.setenv("PYPI_INDEX", f"{address}/simple/")
    # Only the user's own is trusted to be at a private address, not what it names.
    assert profiles.entries(profiles.python()) == ([own(address), files], [])


def test_a_mirror_of_npm_packages_tells_where_its_files_are(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = serve({"/npm/once": NPM_PAGE})
    monkeypatch.setenv("NPM_REGISTRY", f"{address}/npm")
    plain = {"host": "tarballs.example.test:80", "tls": False}
    assert profiles.entries(profiles.npm()) == ([own(address), plain], [])


def test_a_mirror_that_does_not_answer_ends_no_build_and_no_password_is_kept(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = serve({})
    monkeypatch.setenv("PYPI_INDEX", address)
    told = profiles.python()
    assert profiles.entries(told)[0] == [own(address)]
    assert "the mirror did not tell" in told.lacks
    assert "s3cret" not in told.lacks + json.dumps(profiles.entries(told))


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:81/simple", "https://[2001:db8::1]/", "https://host:port/"]
)
def test_what_cannot_be_on_the_list_is_said(url: str) -> None:
    lines, lacks = profiles.entries(profiles.Told((), (url,)))
    assert lines == []
    assert len(lacks) == 1


def test_ports_and_schemes_are_told_as_the_list_has_them() -> None:
    urls = (
        "https://a.example",
        "https://a.example:443/x",
        "http://A.example",
        "https://b.example:8443",
        "http://c.example:443",
    )
    lines, _ = profiles.entries(profiles.Told(urls))
    assert lines == [
        "a.example", {"host": "a.example:80", "tls": False}, "b.example:8443",
        {"host": "c.example", "tls": False},
    ]  # fmt: skip
