"""Where the gateway listens: at sockets on a volume, or at an address where those cannot be shared.

SANDBOX_GATEWAY has the name of a folder on the volume, or tcp:ADDRESS. In the folder are the sockets, or the
file ADDRESS: on a network of Docker's the gateway's address is known once it has begun.
"""

from __future__ import annotations

import _socket

from init import paths
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    Address = str | tuple[str, int]

TCP = "tcp:"
ADDRESS = "address"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
# What listens, with its port at the gateway's own address.
PORTS = {"model": paths.MODEL_PORT, "proxy": paths.PROXY_PORT, "tls": 21003, "dns": 21004}


class Listener(Record):
    """One of them, as socket(2) and connect(2) want it."""

    name: str
    family: int
    address: Address


def place(setting: str) -> str:
    """Return where a gateway is: a folder's path, or tcp:ADDRESS as it was set."""
    return setting if not setting or setting.startswith(TCP) else f"{paths.GATEWAY}/{setting}"


def is_place(setting: str) -> bool:
    """Tell whether a setting is the name of a folder, or one address."""
    if setting.startswith(TCP):
        return is_one_address(setting.removeprefix(TCP))
    return len(setting) <= 64 and not setting.strip(_LETTERS)


def is_one_address(text: str) -> bool:
    """Tell whether a text is an IP address, and not that of all interfaces."""
    try:
        # An IPv4 address in an IPv6 one, RFC 4291 section 2.5.5.2, could be that of all again.
        packed = _socket.inet_pton(family(text), text).removeprefix(bytes(10) + b"\xff\xff")
    except (OSError, ValueError):
        return False
    return any(packed)


def of(gateway: str, name: str) -> Listener:
    """Return one of a gateway's listeners.

    Args:
        gateway: its place.
        name: one of PORTS.
    """
    address = gateway.removeprefix(TCP)
    if address == gateway:
        try:
            with open(f"{gateway}/{ADDRESS}", encoding="ascii") as file:
                address = file.read()
        except FileNotFoundError:
            return Listener(name, _socket.AF_UNIX, f"{gateway}/{name}")
    return Listener(name, family(address), (address, PORTS[name]))


def answers(listener: Listener, seconds: float) -> bool:
    """Tell whether a listener takes a connection in this time."""
    connection = _socket.socket(listener.family, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(seconds)
        connection.connect(listener.address)
    except OSError:
        return False
    finally:
        connection.close()
    return True


def family(address: str) -> int:
    """Return the family of an IP address: AF_INET or AF_INET6."""
    return _socket.AF_INET6 if ":" in address else _socket.AF_INET
