"""A network on which there is nothing but the gateway, where sockets cannot be shared: is it that?

PID 1 cannot see what the engine was told, so it asks the network. What it can see, it refuses to start with.
"""

from __future__ import annotations

import _socket
import errno
import os
import sys
import time

from init import cluster, listeners
from init.errors import SandboxError

# Seconds until a machine on the same wire has answered, which takes it less than one thousandth; and until a
# server somewhere in the cluster has.
_NEXT_DOOR, _IN_THE_CLUSTER = 0.1, 1.0
_LOOK_AGAIN = 0.005
# Seconds until a cluster's network keeps to the policy of a new pod, and between two tries.
_SETTLING, _TRY_AGAIN = 5.0, 0.5
# Nobody's: what counts is whether there is a machine. RFC 863.
_DISCARD = 9
# Flag of a complete entry: if_arp(7), ATF_COM.
_COMPLETE = 2

POLICY_FIX = (
    "Is there a NetworkPolicy for it (kubectl get networkpolicy), and does the network plugin keep to it?"
    " Some do not, such as flannel alone: docs/kubernetes.md."
)
_FIX = "Start it by ./start.sh, which makes such a network for each session: docs/egress.md."


def require_closed(gateway: str) -> None:
    """Refuse a network that leads anywhere but to the gateway, as far as that can be seen from here.

    Args:
        gateway: its place.

    Raises:
        SandboxError: it does.
    """
    if cluster.is_pod():
        _require_policy()
        return
    if _has_ipv6():
        raise SandboxError("the session's network has IPv6, which leads past the gateway", _FIX)
    known = listeners.of(gateway, "model").address[0]
    for machine in _routers() - {known}:
        if not _is_own(machine) and _answers(machine):
            raise SandboxError(
                f"EGRESS_VIA=network, but {machine} answers on that network: it leads past the gateway",
                _FIX,
            )


def has_network() -> bool:
    """Tell whether there is more than the loopback: an IPv4 route, or an IPv6 address."""
    return bool(_routes()) or _has_ipv6()


def _routes() -> list[list[str]]:
    """Return the lines of the table of IPv4 routes: proc_net(5)."""
    with open("/proc/net/route", encoding="ascii") as table:
        # The first line has the titles.
        return [line.split() for line in table.readlines()[1:]]


def _has_ipv6() -> bool:
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as table:
            return any(line.split()[-1] != "lo" for line in table)
    except FileNotFoundError:
        return False


def _routers() -> set[str]:
    """Return who may lead on: each route's router, and the first address of each network, a bridge's."""
    found = set()
    for _, destination, router, *_ in _routes():
        # As the machine has it in its memory, in hexadecimal digits.
        packed = int(router, 16).to_bytes(4, sys.byteorder)
        if not any(packed):
            first = int(destination, 16).to_bytes(4, sys.byteorder)
            packed = first[:3] + bytes((first[3] | 1,))
        found.add(_socket.inet_ntop(_socket.AF_INET, packed))
    return found


def _is_own(machine: str) -> bool:
    """Tell whether it is this container: gVisor lists a route to itself."""
    probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        probe.connect((machine, _DISCARD))
        return bool(probe.getsockname()[0] == machine)
    except OSError:
        return False
    finally:
        probe.close()


def _answers(machine: str) -> bool:
    """Tell whether there is a machine with this address next door: it is known by ARP, or answers."""
    probe = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    probe.setblocking(False)
    deadline = time.monotonic() + _NEXT_DOOR
    try:
        while (code := probe.connect_ex((machine, _DISCARD))) in (errno.EINPROGRESS, errno.EALREADY):
            if _is_neighbour(machine):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_AGAIN)
    finally:
        probe.close()
    return code in (0, errno.EISCONN, errno.ECONNREFUSED)


def _is_neighbour(machine: str) -> bool:
    """Tell whether the kernel learnt who has this address: proc_net(5), arp."""
    with open("/proc/net/arp", encoding="ascii") as table:
        entries = [line.split() for line in table.readlines()[1:]]
    return any(entry[0] == machine and int(entry[2], 16) & _COMPLETE for entry in entries)


def _require_policy() -> None:
    """Refuse a pod that nothing shuts in.

    Raises:
        SandboxError: it reaches the cluster's API, also after a while.
    """
    # A plugin may need a moment until it keeps to the policy of a new pod.
    until = time.monotonic() + _SETTLING
    while reached := open_api():
        if time.monotonic() > until:
            raise SandboxError(
                f"the pod reaches the cluster's API at {reached}, so that no NetworkPolicy shuts it in",
                POLICY_FIX,
            )
        time.sleep(_TRY_AGAIN)


def open_api() -> str:
    """Return the address of the cluster's API where the pod reaches it, "" where it does not.

    Of all that must fail it is what each pod is told of. A policy may drop or refuse: what counts is whether
    a connection comes about.
    """
    host, port = os.environ[cluster.API], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    server = listeners.Listener("API", listeners.family(host), (host, int(port)))
    return f"{host} port {port}" if listeners.answers(server, _IN_THE_CLUSTER) else ""
