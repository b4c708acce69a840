"""One HTTP request to a server, and its answer back. A connection has no second one to smuggle in."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.connection import Gone
from gateway.refusal import Refusal
from gateway.wire import chunks, http_head
from gateway.wire.http_head import Fields
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import NoReturn

    from gateway.connection import Connection
    from gateway.redaction import Redaction
    from gateway.wire.http_head import Answer, Request

# "100 Continue" and "103 Early Hints": RFC 9110 section 15.2.
_MOST_INTERIM = 8
_SWITCHING_PROTOCOLS = 101
_WITHOUT_BODY = (204, 304)
# Said anew for each of the two connections.
_FRAMING = frozenset(("content-length", "expect"))


class Passage(Record):
    """How a request goes on.

    Attributes:
        target: what is asked for there.
        fields: those that are sent; how long the body is is said anew.
        redaction: takes the key out of the answer.
        unwanted: names of the answer's fields that stay here.
        added: fields that the answer is given.
    """

    target: str
    fields: Fields
    redaction: Redaction
    unwanted: frozenset[str] = frozenset()
    added: tuple[tuple[str, str], ...] = ()


async def pass_on(client: Connection, server: Connection, request: Request, passage: Passage) -> int:
    """Send a request whose head was read, pass the answer back, and return its status.

    Args:
        client: whose request it is; its body was not read yet.
        server: where to.
        request: as it was read.
        passage: how it goes on.

    Raises:
        Gone: the client has left; the server's connection is to be closed, so that it stops its work.
        Refusal: the request's body is odd, or the answer is. What was sent of the answer stays sent.
    """
    length = http_head.length(request.fields, request.minor)
    framing = _framing(length, said=bool(request.fields.all("content-length")))
    sent = Fields((*passage.fields.without(_FRAMING).items, *framing))
    with contextlib.suppress(Gone):  # it may have answered all the same
        await server.send(http_head.written(f"{request.method} {passage.target} HTTP/1.1", sent))
    if request.fields.all("expect"):
        await client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    upload = asyncio.create_task(_upload(client, server, length))
    answering = asyncio.create_task(_answer(client, server, request, passage))
    try:
        done, _ = await asyncio.wait((upload, answering), return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering in done else upload.result()
    finally:
        upload.cancel()
        answering.cancel()
        await asyncio.gather(upload, answering, return_exceptions=True)


async def _upload(client: Connection, server: Connection, length: int | None) -> NoReturn:
    """Send the body; then wait for the client to leave, as somebody does who has waited long enough."""
    try:
        async for block in client.body(length):
            await _sent(server, chunks.written(block) if length is None else block)
        if length is None:
            await _sent(server, chunks.LAST)
    except _ServerGone:
        # It may have answered before it had all of the body.
        await _for_ever()
    if not await client.some(1):
        raise Gone
    # A second request, which nobody reads.
    await _for_ever()
    raise AssertionError


async def _answer(client: Connection, server: Connection, request: Request, passage: Passage) -> int:
    redaction = passage.redaction
    answer = await _final(server)
    if passage.redaction.has_key and set(answer.fields.all("content-encoding")) - {"identity"}:
        raise Refusal("bad-answer", "the server's answer is compressed, which was not asked for")
    length = _length(answer, request)
    said = length is not None or request.method == "HEAD"
    as_chunks = answer.fields.all("transfer-encoding") and request.minor == 1 and length is None
    framing = [("connection", "close"), *passage.added]
    if as_chunks:
        framing.append(("transfer-encoding", "chunked"))
    elif said:
        framing += [("content-length", value) for value in answer.fields.all("content-length")]
    fields = Fields((*answer.fields.without(passage.unwanted | _FRAMING).items, *framing))
    shown = Fields(tuple((name, redaction.whole(value)) for name, value in fields.items))
    client.is_answered = True
    await client.send(http_head.written(f"HTTP/1.1 {answer.status} {redaction.whole(answer.phrase)}", shown))
    write = chunks.written if as_chunks else bytes
    with _as_bad_answer():
        async for block in _blocks(server, answer, length):
            if clean := redaction.feed(block):
                await client.send(write(clean))
    if rest := redaction.end():
        await client.send(write(rest))
    if as_chunks:
        await client.send(chunks.LAST)
    return answer.status


async def _final(server: Connection) -> Answer:
    for _ in range(_MOST_INTERIM):
        try:
            # A model may think for an hour before it says a word.
            with _as_bad_answer():
                answer = http_head.answer(await server.head(seconds=None))
        except Gone as error:
            raise Refusal("bad-answer", "the server closed the connection without an answer") from error
        if answer.status >= 200:
            return answer
        if answer.status == _SWITCHING_PROTOCOLS:
            break
    raise Refusal("bad-answer", "the server does not answer the request")


def _length(answer: Answer, request: Request) -> int | None:
    """Return the bytes of an answer's body; None where it is chunked or has no end: RFC 9112 section 6.3."""
    with _as_bad_answer():
        length = http_head.length(answer.fields, answer.minor)
    if request.method == "HEAD" or answer.status in _WITHOUT_BODY:
        return 0
    return length if answer.fields.all("content-length") else None


async def _blocks(server: Connection, answer: Answer, length: int | None) -> AsyncIterator[bytes]:
    if length is not None or answer.fields.all("transfer-encoding"):
        try:
            async for block in server.body(length):
                yield block
        except Gone as error:
            raise Refusal("bad-answer", "it ends before its end") from error
        return
    while block := await server.some():
        yield block


def _framing(length: int | None, *, said: bool) -> list[tuple[str, str]]:
    if length is None:
        return [("connection", "close"), ("transfer-encoding", "chunked")]
    return [("connection", "close"), *([("content-length", str(length))] if said else [])]


class _ServerGone(Exception):  # noqa: N818 - not an error: it may have answered
    """The server takes no more."""


async def _sent(server: Connection, data: bytes) -> None:
    try:
        await server.send(data)
    except Gone as error:
        raise _ServerGone from error


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@contextlib.contextmanager
def _as_bad_answer() -> Iterator[None]:
    """What would be the client's fault in a request is the server's in an answer."""
    try:
        yield
    except Refusal as refusal:
        if refusal.reason == "bad-answer":
            raise
        raise Refusal("bad-answer", f"the server's answer: {refusal.text}") from refusal
