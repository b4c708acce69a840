"""Bytes both ways between two connections, until both have ended."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.connection import Gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.connection import Connection


async def both_ways(client: Connection, server: Connection) -> None:
    """Pass on what comes from either. One that has ended may still be sent to, as in TCP.

    One that takes nothing any more has left: what it sent before need not wait for the other, who may never
    read it.
    """
    ways = {asyncio.create_task(_one_way(client, server)), asyncio.create_task(_one_way(server, client))}
    try:
        with contextlib.suppress(Gone):
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
            for way in done:
                way.result()
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _one_way(source: Connection, target: Connection) -> None:
    while block := await source.some():
        await target.send(block)
    target.end()
