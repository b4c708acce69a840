"""One connection: what is read of it is bounded in bytes, and where nobody has to think, in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from gateway.refusal import Refusal
from gateway.wire import chunks, http_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# Seconds for a head, or for a name: who speaks has it at hand.
PATIENCE = 10.0
# Bytes that are read at once. A direction of a connection holds four of them at most: what is passed on, and
# what was read meanwhile: asyncio pauses at twice the longest head.
BLOCK = 32 << 10
# Bytes on their way to a client, which the kernel counts as the gateway's memory: it takes twice as many.
_SENT = 32 << 10


class Gone(Exception):  # noqa: N818 - not an error: there is nobody to answer
    """The other side has closed the connection."""


class Protocol(asyncio.StreamReaderProtocol, asyncio.BufferedProtocol):
    """asyncio's streams, but that a read is bounded: 200 tunnels with slow readers are too much else.

    Args:
        serve: is called for each client; None where it is we who connect.
    """

    # Of all connections: what is in it is copied before the next one reads.
    _block = bytearray(BLOCK)

    def __init__(self, serve: Serve | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=http_head.MOST_BYTES, loop=loop)
        super().__init__(self.reader, serve, loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have little wait for a slow reader, in the transport and in the kernel."""
        super().connection_made(transport)
        plain = transport.get_extra_info("socket")
        if plain.family == socket.AF_UNIX:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT)
        if isinstance(transport, asyncio.WriteTransport):
            # Not 0: TLS pauses at that with nothing to send, and does not go on.
            transport.set_write_buffer_limits(1)

    def get_buffer(self, _hint: int) -> memoryview:
        """Return where the next bytes are put.

        TLS fills it part by part, and a part of a bytearray is a copy.
        """
        return memoryview(self._block)

    def buffer_updated(self, count: int) -> None:
        """Keep what came."""
        with memoryview(self._block) as block:
            self.data_received(bytes(block[:count]))


class Connection:
    """A connection in both directions.

    Args:
        reader: what comes.
        writer: where to.

    Attributes:
        received: bytes that came.
        sent: bytes that went.
        is_answered: whether the answer to a client has begun, so that no other can be sent.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.received = self.sent = 0
        self.is_answered = False

    async def head(self, seconds: float | None = PATIENCE) -> bytes:
        """Return the head of an HTTP message, with the empty line.

        Args:
            seconds: until it must be there; None waits as long as it takes.

        Raises:
            Gone: nothing came.
            Refusal: it is too large, not whole, or too slow.
        """
        try:
            async with asyncio.timeout(seconds):
                return self._took(await self._reader.readuntil(http_head.END))
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise Refusal("bad-request", "the head is not whole") from error
            raise Gone from error
        except asyncio.LimitOverrunError as error:
            raise Refusal("too-large", f"a head of more than {http_head.MOST_BYTES >> 10} KiB") from error
        except TimeoutError as error:
            raise Refusal("slow", "the head did not come in time") from error
        except OSError as error:
            raise Gone from error

    async def some(self, most: int = BLOCK) -> bytes:
        """Return what is there, once something is; b"" at the end."""
        try:
            return self._took(await self._reader.read(most))
        except OSError:
            # Who breaks a connection off has ended it, too.
            return b""

    async def exactly(self, count: int) -> bytes:
        """Return this many bytes.

        Raises:
            Gone: they do not come.
        """
        try:
            return self._took(await self._reader.readexactly(count))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone from error

    async def body(self, length: int | None) -> AsyncIterator[bytes]:
        """Yield the blocks of a body, as they come.

        Args:
            length: in bytes; None where it is chunked.

        Raises:
            Gone: it ends before its end.
            Refusal: it is not chunked as it says.
        """
        if length is not None:
            async for block in self._exactly(length):
                yield block
            return
        while size := chunks.size(await self._line()):
            async for block in self._exactly(size):
                yield block
            if await self._line() != b"\r\n":
                raise Refusal("bad-request", "the body is not chunked as it says")
        # The trailer section, of which nothing is kept.
        for _ in range(100):
            if await self._line() == b"\r\n":
                return
        raise Refusal("too-large", "the trailer has too many fields")

    async def send(self, data: bytes) -> None:
        """Send bytes, once those before are on their way.

        Raises:
            Gone: nobody takes them.
        """
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise Gone from error
        self.sent += len(data)

    def end(self) -> None:
        """Tell the other side that nothing more comes, as far as the kind of connection can tell it."""
        with contextlib.suppress(OSError, RuntimeError):
            if self._writer.can_write_eof():
                self._writer.write_eof()

    async def close(self) -> None:
        """Close it, once what was sent is on its way: nobody who does not read is waited for."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
                return
        self._writer.transport.abort()

    async def _exactly(self, length: int) -> AsyncIterator[bytes]:
        while length:
            block = await self.some(min(length, BLOCK))
            if not block:
                raise Gone
            length -= len(block)
            yield block

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readuntil(b"\r\n")
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone from error
        except asyncio.LimitOverrunError as error:
            raise Refusal("bad-request", "the body is not chunked as it says") from error
        if len(line) > chunks.MOST_BYTES:
            raise Refusal("bad-request", "the body is not chunked as it says")
        return self._took(line)

    def _took(self, data: bytes) -> bytes:
        self.received += len(data)
        return data
