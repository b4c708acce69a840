"""Heads and chunked bodies of HTTP/1, which Python's own server and client read, too."""

import asyncio
import functools
import http.client
import http.server
import io
import re
from collections.abc import Coroutine
from random import Random
from typing import Any

from gateway.connection import Connection
from gateway.refusal import Refusal
from gateway.wire import http_head
from tests.fuzzing.subject import Subject, refusable


class _Reader(http.server.BaseHTTPRequestHandler):
    """Python's server reads a request, and answers nobody."""

    def __init__(self, head: bytes) -> None:
        self.rfile, self.wfile = io.BytesIO(head), io.BytesIO()
        self.raw_requestline = self.rfile.readline(1 << 20)
        self.requestline, self.client_address = "", ("", 0)
        self.is_taken = self.parse_request()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _check_request(data: bytes, read: http_head.Request, _random: Random) -> None:
    other = _Reader(data)
    if other.is_taken:
        assert (other.command, other.request_version) == (read.method, f"HTTP/1.{read.minor}")
        # Python's own takes one slash of many in front.
        assert other.path.lstrip("/") == read.target.lstrip("/")
        _check_fields(other.headers, read.fields)
    _check_length(data, read)
    again = http_head.written(f"{read.method} {read.target} HTTP/1.{read.minor}", read.fields)
    assert http_head.request(again) == read
    assert again.count(b"\r\n") == again.count(b"\r") == again.count(b"\n") == len(read.fields.items) + 2


def _check_fields(other: Any, fields: http_head.Fields) -> None:
    assert [(name.lower(), value.strip(" \t")) for name, value in other.items()] == list(fields.items)


def _check_length(data: bytes, read: http_head.Request | http_head.Answer) -> None:
    """Whatever a lenient reader may take for a length must be the one that we take."""
    try:
        length = http_head.length(read.fields, read.minor)
    except Refusal:
        return
    said = re.findall(rb"(?im)^[ \t]*content-length[ \t\0]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", data)
    coded = re.findall(rb"(?im)^[ \t]*transfer-encoding[ \t\0]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", data)
    if length is None:
        assert (said, [value.lower() for value in coded]) == ([], [b"chunked"])
    else:
        assert coded == []
        assert said == [] if length == 0 and not said else [int(value) for value in said] == [length]


def _check_answer(data: bytes, read: http_head.Answer, _random: Random) -> None:
    other = http.client.HTTPResponse(_Socket(data))  # type: ignore[arg-type] # it only makes a file of it
    try:
        other.begin()
    except (http.client.HTTPException, ValueError):
        return
    # Python's own passes over "100 Continue", and reads what follows.
    if read.status != 100:
        assert (other.status, other.version) == (read.status, 10 + read.minor)
        assert (other.reason or "") == read.phrase.strip()
        _check_fields(other.headers, read.fields)
    _check_length(data, read)


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


_REQUESTS = (
    b"GET /local/v1/models HTTP/1.1\r\nHost: 127.0.0.1:21001\r\nUser-Agent: curl/8.5\r\nAccept: */*\r\n\r\n",
    b"CONNECT git.example.test:443 HTTP/1.1\r\nHost: git.example.test:443\r\n\r\n",
    b"POST http://a.example/x?y=z HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nExpect: "
    b"100-continue\r\nConnection: close, x-a\r\nX-A: 1\r\n\r\n",
    b"POST /v1/messages HTTP/1.0\r\ncontent-length: 17\r\nx-api-key: k\r\nconnection:keep-alive\r\n\r\n",
)
_ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n",
    b"HTTP/1.0 404 Not Found\r\nContent-Length: 12\r\nServer: uvicorn\r\n\r\n",
    b"HTTP/1.1 103\r\nLink: </a>; rel=preload\r\n\r\n",
)
_HTTP = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xa0",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"chunked",
    b"identity",
    b"transfer-encoding:\tchunked\r\n", b"Content-Length : 5\r\n", b" Content-Length: 5\r\n", b", 5", b"+5",
    b"Host: b.example\r\n", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"HTTP/0.9", b"GET ", b"\xef\xbb\xbf",
    b"Connection: host, content-length\r\n", b"A: b\r\n c\r\n", b"%0d%0a", b"#", b"@", b"\\", b"..", b"//",
)  # fmt: skip


def _body(data: bytes) -> bytes:
    reader = asyncio.StreamReader(limit=http_head.MOST_BYTES, loop=_loop())
    reader.feed_data(data)
    reader.feed_eof()

    async def whole() -> bytes:
        # Nothing is ever written.
        connection = Connection(reader, None)  # type: ignore[arg-type]
        return b"".join([block async for block in connection.body(None)])

    return _at_once(whole())


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _at_once(work: Coroutine[Any, Any, bytes]) -> bytes:
    """Run what never waits, since all is there."""
    try:
        work.send(None)
    except StopIteration as ended:
        return bytes(ended.value)
    work.close()
    raise AssertionError("it waits for more where all is there")


def _check_chunks(data: bytes, read: bytes, _random: Random) -> None:
    other = http.client.HTTPResponse(_Socket(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data))  # type: ignore[arg-type]
    other.begin()
    assert other.read() == read


_CHUNKED = (
    b"5\r\nhello\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n00a ; z\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
    b"1F\r\n" + b"x" * 31 + b"\r\n1\r\n\n\r\n0\r\n\r\n",
)  # fmt: skip
_CHUNKS = (
    b"\r\n", b"\n", b"\r", b"0\r\n\r\n", b"0\r\n", b"5\r\n", b"0x5\r\n", b"+5\r\n", b"-1\r\n", b" 5\r\n",
    b"5 \r\n",
    b";", b"1_0\r\n", b"ffffffffffffffff\r\n", b"\0", b"A: b\r\n", b"\t",
)  # fmt: skip

REQUEST = Subject(refusable(http_head.request), _check_request, _REQUESTS, _HTTP)
ANSWER = Subject(refusable(http_head.answer), _check_answer, _ANSWERS, _HTTP)
CHUNKS = Subject(refusable(_body), _check_chunks, _CHUNKED, _CHUNKS)
