"""Passes what comes to ports of the sandbox's own loopback on to the gateway's sockets: its only way out.

PID 1 opens the ports and hands them over, sandbox-link FD=SOCKET..., so that they are there before this
program has begun, and stay while it is started again. It decides nothing: the gateway does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket

from init import listeners
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine

# Bytes on their way in one direction of a connection.
_BLOCK = 64 << 10
# Connections at one time; those that come meanwhile wait in the kernel.
_MOST = 256
# Seconds until a gateway that is being started takes a connection, and between two tries.
_PATIENCE, _PAUSE = 5.0, 0.05
# Bytes of a question to a name server, and seconds for its answer.
_MOST_ASKED, _ANSWERED = 1024, 5.0


def main(arguments: list[str]) -> int:
    """Serve until it is killed; return the exit code."""
    ports = [(int(descriptor), name) for descriptor, _, name in (word.partition("=") for word in arguments)]
    asyncio.run(serve([(socket.socket(fileno=descriptor), name) for descriptor, name in ports]))
    return 0


class Wanted(Record):
    """A listener of the gateway, which may be there later than its first client."""

    place: str
    name: str


async def serve(ports: list[tuple[socket.socket, str]]) -> None:
    """Pass on what comes to each of these sockets.

    Args:
        ports: listening sockets and bound datagram sockets, each with the name of the gateway's listener.
    """
    place = listeners.place(os.environ.get("SANDBOX_GATEWAY", ""))
    async with asyncio.TaskGroup() as group:
        for port, name in ports:
            port.setblocking(False)
            passed_on = _streams if port.type == socket.SOCK_STREAM else _datagrams
            group.create_task(passed_on(port, Wanted(place, name), _Crowd()))


class _Crowd:
    """What runs at one time for one port, and waits where it is too much."""

    def __init__(self) -> None:
        self._room, self._running = asyncio.Semaphore(_MOST), set[asyncio.Task[None]]()

    async def room(self) -> None:
        await self._room.acquire()

    def enter(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self.leave)

    def leave(self, task: asyncio.Task[None] | None = None) -> None:
        if task is not None:
            self._running.discard(task)
        self._room.release()


async def _streams(port: socket.socket, wanted: Wanted, crowd: _Crowd) -> None:
    while True:
        await crowd.room()
        try:
            client, _ = await asyncio.get_running_loop().sock_accept(port)
        except OSError:
            # Too many open files, or a client that has left: one of those that are open will end.
            crowd.leave()
            await asyncio.sleep(_PAUSE)
        else:
            crowd.enter(_pass_on(client, wanted))


async def _pass_on(client: socket.socket, wanted: Wanted) -> None:
    client.setblocking(False)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client:
        gateway = await _gateway(wanted)
        if gateway is None:
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_sendall(client, _absent(wanted))
            return
        with gateway:
            await asyncio.gather(_one_way(client, gateway), _one_way(gateway, client))


async def _one_way(source: socket.socket, target: socket.socket) -> None:
    loop, block = asyncio.get_running_loop(), bytearray(_BLOCK)
    view = memoryview(block)
    with contextlib.suppress(OSError):
        while count := await loop.sock_recv_into(source, block):
            await loop.sock_sendall(target, view[:count])
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


async def _gateway(wanted: Wanted) -> socket.socket | None:
    """Return a connection to the gateway, None where there is none for so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    while True:
        listener = listeners.of(wanted.place, wanted.name)
        gateway = socket.socket(listener.family)
        gateway.setblocking(False)
        try:
            async with asyncio.timeout(_PATIENCE):
                await loop.sock_connect(gateway, listener.address)
        except OSError:
            # It is being started, has more waiting than it takes, or is gone.
            gateway.close()
        else:
            if listener.family != socket.AF_UNIX:
                gateway.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return gateway
        if loop.time() > until:
            return None
        await asyncio.sleep(_PAUSE)


def _absent(wanted: Wanted) -> bytes:
    """Return what a program reads where there is no gateway; nothing where it speaks no HTTP to it."""
    if wanted.name not in ("model", "proxy"):
        return b""
    text = "the sandbox's gateway does not answer: tell the user to start the session anew"
    body = json.dumps({"error": text, "reason": "no-gateway"}).encode()
    head = "HTTP/1.1 503 No gateway\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def _datagrams(port: socket.socket, wanted: Wanted, crowd: _Crowd) -> None:
    while True:
        await crowd.room()
        message, client = await asyncio.get_running_loop().sock_recvfrom(port, _MOST_ASKED)
        crowd.enter(_answer(port, client, message, wanted))


async def _answer(port: socket.socket, client: object, message: bytes, wanted: Wanted) -> None:
    """Ask the gateway, with the length in front as over TCP: RFC 1035 section 4.2.2."""
    loop = asyncio.get_running_loop()
    gateway = await _gateway(wanted)
    if gateway is None:
        return
    with gateway, contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ANSWERED):
            await loop.sock_sendall(gateway, len(message).to_bytes(2) + message)
            answer = b""
            while len(answer) < 2 or len(answer) < 2 + int.from_bytes(answer[:2]):
                part = await loop.sock_recv(gateway, _BLOCK)
                if not part:
                    return
                answer += part
            await loop.sock_sendto(port, answer[2:], client)  # type: ignore[arg-type] # as it was received
