"""Bytes both ways between two connections, until both have ended."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.connection import Gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.connection import Connection


async def both_ways(client: Connection, server: Connection) -> None:
    """Pass on what comes from either. One that has ended may still be sent to, as in TCP."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_one_way(client, server))
        group.create_task(_one_way(server, client))


async def _one_way(source: Connection, target: Connection) -> None:
    with contextlib.suppress(Gone, OSError):
        while block := await source.some():
            await target.send(block)
    target.end()
