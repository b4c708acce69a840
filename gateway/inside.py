"""The gateway's address for its session, where sockets cannot be shared: on the inside, and nowhere else.

Who else reaches a listener uses the key. So it never listens at all addresses. Where Docker gave it one on
a network of the session's own, it says in the folder on the volume which one that is.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from pathlib import Path

from init import listeners
from init.errors import SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_VIA = ("", "sockets", "network")
# ioctl(2), netdevice(7): an interface's address. A struct ifreq has 40 bytes, the address's from 20 to 24.
_SIOCGIFADDR, _IFREQ = 0x8915, struct.Struct("16s24x")


def address(variables: Mapping[str, str]) -> str:
    """Return where to listen; "" for sockets in the folder.

    Args:
        variables: SANDBOX_GATEWAY may have the address, EGRESS_VIA=network has it found.

    Raises:
        SandboxError: there is no such address, or it is not clear which one it is.
    """
    setting, via = variables.get("SANDBOX_GATEWAY", ""), variables.get("EGRESS_VIA", "")
    if not listeners.is_place(setting):
        raise SandboxError(
            f"SANDBOX_GATEWAY={setting!r} is neither the name of a folder nor tcp:ADDRESS",
            "Give one address of the gateway's own, on which nobody but the sandbox reaches it.",
        )
    if via not in _VIA:
        raise SandboxError(f"EGRESS_VIA={via!r} is not known", "EGRESS_VIA is sockets or network.")
    if setting.startswith(listeners.TCP):
        return setting.removeprefix(listeners.TCP)
    return _own() if via == "network" else ""


def tell(folder: Path, at: str) -> None:
    """Say in the folder where the gateway listens, once it does.

    Raises:
        OSError: it cannot be written.
    """
    # Who looks sees all of it, or nothing.
    new = folder / ".new"
    new.write_text(at, encoding="ascii")
    new.chmod(0o644)
    new.replace(folder / listeners.ADDRESS)


def _own() -> str:
    """Return the address on the network that leads nowhere.

    Raises:
        SandboxError: there is not exactly one such network, and one that leads out.
    """
    lines = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    routes = [line.split() for line in lines]
    outside = {route[0] for route in routes if int(route[7], 16) == 0}
    found = {route[0] for route in routes} - outside
    if len(outside) != 1 or len(found) != 1:
        raise SandboxError(
            f"the gateway is on {len(outside)} networks that lead out and {len(found)} that do not,"
            " and needs one of each",
            "Start it by ./start.sh, which makes them; compose.internal.yml has them.",
        )
    return _address_of(found.pop())


def _address_of(interface: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        told = fcntl.ioctl(asked, _SIOCGIFADDR, _IFREQ.pack(os.fsencode(interface)))
    return socket.inet_ntoa(told[20:24])
