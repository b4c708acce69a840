"""From an allowed name to a connection: looked up once, every address examined, and those used.

A name server of the attacker's may answer otherwise each time; what was examined is what is connected to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl

from gateway import addresses
from gateway.connection import Connection
from gateway.refusal import Refusal
from gateway.wire import http_head

# Seconds for the look-up, and for one address.
_LOOK_UP, _CONNECT = 10.0, 5.0
# Addresses that are tried.
_MOST_TRIED = 6


async def connect(host: str, port: int, *, private: bool, trust: ssl.SSLContext | None = None) -> Connection:
    """Return a connection to a name.

    Args:
        host: a name that the policy allowed.
        port: of the server.
        private: whether it may be at a private address.
        trust: how its certificate is verified; None where it is the client who speaks TLS, or nobody.

    Raises:
        Refusal: no address may be connected to, or none answers.
    """
    why: OSError | None = None
    for address in await _look_up(host, port, private=private):
        try:
            async with asyncio.timeout(_CONNECT):
                return await _open(address, port, host, trust)
        except ssl.SSLError as error:
            raise Refusal("tls", f"{host}:{port} is not trusted: {_reason(error)}") from error
        except OSError as error:  # TimeoutError is one
            why = error
    text = (why.strerror if why else None) or "it does not answer in time"
    raise Refusal("unreachable", f"{host}:{port} cannot be reached: {text}") from why


def examine(host: str, found: list[str], *, private: bool) -> list[str]:
    """Return the addresses that a name resolved to, once each.

    Raises:
        Refusal: one of them must not be connected to. A name with both kinds of address is somebody's trick.
    """
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if addresses.is_never(address):
            raise Refusal("private-address", f"{host} is at {address}, which nothing may reach")
        if addresses.is_private(address) and not private:
            raise Refusal(
                "private-address",
                f"{host} is at {address}, a private address",
            )
    return list(dict.fromkeys(found))


async def _look_up(host: str, port: int, *, private: bool) -> list[str]:
    try:
        async with asyncio.timeout(_LOOK_UP):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refusal("unresolved", f"{host} has no address") from error
    return examine(host, [str(entry[4][0]) for entry in found], private=private)[:_MOST_TRIED]


async def _open(address: str, port: int, host: str, trust: ssl.SSLContext | None) -> Connection:
    reader, writer = await asyncio.open_connection(
        address, port, limit=http_head.MOST_BYTES, ssl=trust, server_hostname=host if trust else None
    )
    if writer.get_extra_info("peername")[0] == writer.get_extra_info("sockname")[0]:
        writer.close()
        raise Refusal("private-address", f"{host} is the gateway itself")
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Connection(reader, writer)


def _reason(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", "") or error.reason or "TLS fails"
