"""Heads of HTTP messages: exact, or refused."""

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.refusal import Refusal
from gateway.wire import chunks, http_head

GOOD = b"POST /v1/x?a=b HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Tab:\ta b\t\r\n\r\n"

ODD = {
    "bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare LF in a field": b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
    "bare CR in a field": b"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nA\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\n: b\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n\r\n",
    "lower case": b"get / HTTP/1.1\r\n\r\n",
    "an empty line first": b"\r\nGET / HTTP/1.1\r\n\r\n",
    "not ASCII": "GET /ä HTTP/1.1\r\n\r\n".encode(),
    "no end": b"GET / HTTP/1.1\r\nA: b\r\n",
    "too many": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n",
    "too long": b"GET / HTTP/1.1\r\nA: " + b"b" * 40_000 + b"\r\n\r\n",
}

LENGTHS = {
    "none": ((), 1, 0),
    "a number": ((("content-length", "12"),), 1, 12),
    "chunked": ((("transfer-encoding", "Chunked"),), 1, None),
}
ODD_LENGTHS = {
    "two": (("content-length", "1"), ("content-length", "2")),
    "the same twice": (("content-length", "1"), ("content-length", "1")),
    "a list": (("content-length", "1, 1"),),
    "a sign": (("content-length", "+1"),),
    "minus": (("content-length", "-1"),),
    "hexadecimal": (("content-length", "0x1"),),
    "empty": (("content-length", ""),),
    "other digits": (("content-length", "\u0661"),),
    "both": (("content-length", "1"), ("transfer-encoding", "chunked")),
    "xchunked": (("transfer-encoding", "xchunked"),),
    "gzip": (("transfer-encoding", "gzip, chunked"),),
    "chunked twice": (("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")),
    "identity": (("transfer-encoding", "identity"),),
    "a tab": (("transfer-encoding", "\x0bchunked"),),
    "too many digits": (("content-length", "1" * 400),),
}


def test_a_request_is_read() -> None:
    request = http_head.request(GOOD)
    assert (request.method, request.target, request.minor) == ("POST", "/v1/x?a=b", 1)
    assert request.fields.items == (("host", "a.example"), ("x-empty", ""), ("x-tab", "a b"))


@pytest.mark.parametrize("head", ODD.values(), ids=ODD)
def test_an_odd_request_is_refused(head: bytes) -> None:
    with pytest.raises(Refusal) as told:
        http_head.request(head)
    assert told.value.reason in ("bad-request", "too-large")


@pytest.mark.parametrize(("items", "minor", "length"), LENGTHS.values(), ids=LENGTHS)
def test_a_body_has_a_length(items: tuple[tuple[str, str], ...], minor: int, length: int | None) -> None:
    assert http_head.length(http_head.Fields(items), minor) == length


@pytest.mark.parametrize("items", ODD_LENGTHS.values(), ids=ODD_LENGTHS)
def test_a_length_that_can_be_read_in_two_ways_is_refused(items: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Refusal, match="body's length"):
        http_head.length(http_head.Fields(items), 1)


def test_chunks_are_none_of_http_1_0() -> None:
    with pytest.raises(Refusal, match="body's length"):
        http_head.length(http_head.Fields((("transfer-encoding", "chunked"),)), 0)


def test_what_is_of_one_connection_is_not_passed_on() -> None:
    fields = http_head.Fields((
        ("connection", "X-A, keep-alive, Authorization"), ("x-a", "1"), ("authorization", "2"),
        ("keep-alive", "3"),
        ("te", "trailers"), ("upgrade", "h2c"), ("proxy-authorization", "4"),
        ("transfer-encoding", "chunked"), ("x-b", "5"),
    ))  # fmt: skip
    assert fields.without(()).items == (("x-b", "5"),)
    assert fields.only(("x-a", "x-b")).items == (("x-b", "5"),)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 200),
        (b"HTTP/1.0 404\r\n\r\n", 404),
        (b"HTTP/1.1 200 \r\nA: b\r\n\r\n", 200),
    ],
)
def test_an_answer_is_read(head: bytes, status: int) -> None:
    assert http_head.answer(head).status == status


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"ICY 200 OK\r\n\r\n", b"\r\n\r\n"]
)
def test_an_odd_answer_is_the_servers_fault(head: bytes) -> None:
    with pytest.raises(Refusal) as told:
        http_head.answer(head)
    assert told.value.reason == "bad-answer"


@given(st.binary(max_size=200))
def test_what_is_taken_is_what_pythons_own_parser_reads(tail: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + tail + b"\r\n\r\n"
    try:
        request = http_head.request(head)
    except Refusal:
        return
    other = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2]))
    assert [(name.lower(), value.strip(" \t")) for name, value in other.items()] == list(request.fields.items)


@given(st.lists(st.tuples(st.from_regex(r"\A[a-z-]{1,9}\Z"), st.from_regex(r"\A[!-~]{0,9}\Z")), max_size=9))
def test_what_is_written_is_read_again(items: list[tuple[str, str]]) -> None:
    fields = http_head.Fields(tuple(items))
    assert http_head.request(http_head.written("GET / HTTP/1.1", fields)).fields == fields


@pytest.mark.parametrize(
    ("line", "size"), [(b"0\r\n", 0), (b"1F\r\n", 31), (b"a;name=value\r\n", 10), (b"00a\r\n", 10)]
)
def test_a_chunk_says_how_long_it_is(line: bytes, size: int) -> None:
    assert chunks.size(line) == size


@pytest.mark.parametrize(
    "line",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"0x1\r\n",
        b"1 2\r\n",
        b" 1\r\n",
        b"1\n",
        b"1\r\r\n",
        b"1;a\nb\r\n",
        b"f" * 16 + b"\r\n",
    ],
)
def test_an_odd_chunk_is_refused(line: bytes) -> None:
    with pytest.raises(Refusal):
        chunks.size(line)
