"""Names with ports, and paths of a model server, which Python's readers of URLs and addresses read, too."""

import ipaddress
import posixpath
import socket
import urllib.parse
from random import Random

from gateway import endpoints, names
from tests.fuzzing.subject import Subject, refusable


def _authority(data: bytes) -> tuple[str, int]:
    return names.host_and_port(data.decode("latin-1"))


def _check_authority(data: bytes, read: tuple[str, int], _random: Random) -> None:
    host, port = read
    parts = urllib.parse.urlsplit(f"//{data.decode('latin-1')}")
    assert ((parts.hostname or "").removesuffix("."), parts.port) == (host, port)
    assert (parts.username, parts.path, parts.query, parts.fragment) == (None, "", "", "")
    for reader in (ipaddress.ip_address, socket.inet_aton):
        try:
            reader(host)
        except (OSError, ValueError):
            continue
        raise AssertionError(f"{host} is an address for {reader.__name__}")
    assert names.host_and_port(f"{host}:{port}") == read


_AUTHORITIES = (
    b"git.example.test:443", b"GIT.Example.Test.:00443", b"xn--bcher-kva.example:8443", b"a_b-c.d0:1",
    b"x:65535",
)  # fmt: skip
_AUTHORITY = (
    b".", b"..", b":", b"@", b"#", b"?", b"/", b"\\", b"[::1]", b"127.0.0.1", b"0x7f.1", b"0177.1",
    b"2130706433",
    b"localhost", b"%2e", b"\0", b" ", b"\t", b"\r\n", b"\xe3\x80\x82", b"\xad", b"-", b"_", b"0x",
    b"65536", b"+1",
    b":443:80", b"\xb2", b"\xaa",
)  # fmt: skip


def _asked(data: bytes) -> str:
    method, _, target = data.decode("latin-1").partition(" ")
    endpoints.check(method, target)
    return target


def _check_asked(_data: bytes, target: str, _random: Random) -> None:
    """However a server reads the path, it stays what it is."""
    path = target.partition("?")[0]
    read = path
    for _ in range(3):
        read = urllib.parse.unquote(read)
        assert posixpath.normpath(f"/{read}") == f"/{read}"
        assert urllib.parse.urlsplit(f"http://h/{read}").path == f"/{read}"
        assert not set(read) & set("\\;#?&\r\n\t \0")
    assert read.count("/") == path.count("/") + path.count("%2F")
    assert set(target) <= set(map(chr, range(0x21, 0x7F)))


_TARGETS = (
    b"GET v1/models", b"POST v1/chat/completions", b"POST v1/messages?beta=true", b"GET models/Qwen/Qwen3-8B",
    b"GET v1/models/Qwen%2FQwen3:8b", b"GET api/v0/models/a@b", b"POST api/show", b"GET props",
)  # fmt: skip
_TARGET = (
    b"..", b"/", b"//", b"/../", b"%2e", b"%2E%2E", b"%2F", b"%2f", b"%5c", b"\\", b";", b"?", b"#", b"%00",
    b"%25",
    b"%252F", b"metrics", b"GET ", b"POST ", b"DELETE ", b"v1/", b".", b"%3A", b"\r\n", b" ", b"\xc0\xaf",
)  # fmt: skip

AUTHORITY = Subject(refusable(_authority), _check_authority, _AUTHORITIES, _AUTHORITY)
ENDPOINT = Subject(refusable(_asked), _check_asked, _TARGETS, _TARGET)
