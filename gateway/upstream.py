"""From an allowed name to a connection: looked up once, every address examined, and those used.

A name server of the attacker's may answer otherwise each time; what was examined is what is connected to.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl

from gateway import addresses
from gateway.connection import Connection, Protocol
from gateway.policy import HTTPS
from gateway.refusal import Refusal, allowing

# Seconds for the look-up, and for all addresses that are tried.
_LOOK_UP, _CONNECT = 10.0, 10.0
# Addresses that are tried, and those that share the time evenly: the others take what refusals leave.
_MOST_TRIED, _SHARING = 6, 3


async def connect(host: str, port: int, *, private: bool) -> Connection:
    """Return a connection to a name.

    Args:
        host: a name that the policy allowed.
        port: of the server.
        private: whether it may be at a private address.

    Raises:
        Refusal: no address may be connected to, or none answers.
    """
    try:
        found = await look_up(host, port)
    except OSError as error:
        raise Refusal("unresolved", f"{host} has no address") from error
    examined = examine(host, found, private=private, port=port)
    try:
        return await dial(examined, port)
    except OSError as error:
        text = error.strerror or "it does not answer in time"
        raise Refusal("unreachable", f"{host}:{port} cannot be reached: {text}") from error


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name.

    Raises:
        OSError: there is none, or no answer in time.
    """
    with contextlib.suppress(ValueError):
        # Look-ups are threads, of which there are few: slow names keep nobody from an address.
        return [str(ipaddress.ip_address(host))]
    async with asyncio.timeout(_LOOK_UP):
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "no host name") from error
    return [str(entry[4][0]) for entry in found]


async def dial(
    found: list[str], port: int, *, host: str = "", trust: ssl.SSLContext | None = None
) -> Connection:
    """Return a connection to the first of these addresses that takes it.

    Args:
        found: addresses.
        port: of the server.
        host: whose certificate it must be, where TLS is spoken from here.
        trust: how it is verified; None where it is the client who speaks TLS, or nobody.

    Raises:
        OSError: none takes it, or its certificate is not accepted (ssl.SSLError).
        Refusal: it is the gateway itself.
    """
    failed: OSError = TimeoutError()
    share = _CONNECT / max(1, min(len(found), _SHARING))
    async with asyncio.timeout(_CONNECT):
        for address in found[:_MOST_TRIED]:
            try:
                async with asyncio.timeout(share):
                    return await _open(address, port, host, trust)
            except ssl.SSLError:
                raise
            except OSError as error:
                failed = error
    raise failed


def examine(host: str, found: list[str], *, private: bool, port: int = HTTPS) -> list[str]:
    """Return the addresses that a name resolved to, once each.

    Raises:
        Refusal: one of them must not be connected to. A name with both kinds of address is somebody's trick.
    """
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if addresses.is_never(address):
            raise Refusal("private-address", f"{host} is at {address}, which nothing may reach", never=True)
        if addresses.is_private(address) and not private:
            raise Refusal(
                "private-address",
                f"{host} is at {address}, a private address",
                allow=allowing(host, port, "--private"),
            )
    return list(dict.fromkeys(found))


async def _open(address: str, port: int, host: str, trust: ssl.SSLContext | None) -> Connection:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(
        Protocol, address, port, ssl=trust, server_hostname=host if trust else None
    )
    writer = asyncio.StreamWriter(transport, protocol, protocol.reader, loop)
    if writer.get_extra_info("peername")[0] == writer.get_extra_info("sockname")[0]:
        writer.close()
        raise Refusal("private-address", f"{address} is the gateway itself", never=True)
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Connection(protocol.reader, writer)
