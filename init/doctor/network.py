"""What the session reaches: nothing but its gateway, and by that only what is on the list. It is tried."""

from __future__ import annotations

import http.client
import json
import socket

from init import cluster, paths
from init.errors import SandboxError
from init.session import inside, link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.doctor.report import Report
    from init.settings import Settings

# Nobody's name, RFC 6761, and so on no list; start.sh does not count it: host/journal.py.
PROBE = "sandbox-doctor.invalid"
# Seconds for an answer of the gateway's.
PATIENCE = 10.0
# netdevice(7).
_IFF_UP = 1
_REPORT = "Report it: this is what the gateway is for."
_ANEW = "Start the session anew."


def network(report: Report, settings: Settings) -> None:
    """Tell which ways out there are, and try one that must not be."""
    if not settings.gateway:
        report.warn(
            "way out",
            "the network is open: the agent reaches what this machine does, and can send away all it reads",
            "EGRESS=model (or list) in .env has a gateway take its place: docs/egress.md.",
        )
        return
    if cluster.is_pod():
        _policy(report)
    elif settings.egress_via == "network":
        _closed(report, settings)
    else:
        _interfaces(report)
    _name_servers(report)
    try:
        link.gateway(settings.gateway)
    except SandboxError:
        # Once, where its settings are examined: mostly they are what keeps it from starting.
        report.skip("gateway", "it is not there, and what is asked of the model says why")
        return
    refused = _gateway(report)
    if refused is not None:
        _by_proxy(report)
        _by_name(report)
        which = cluster.fix("on your machine ./start.sh egress tells which", "the gateway's log tells which")
        report.good("refused", f"{refused} attempts so far; {which}")


def _policy(report: Report) -> None:
    """Tell whether something shuts a pod in, as far as that can be tried."""
    reached = inside.open_api()
    if reached:
        report.fail(
            "policy",
            f"the cluster's API at {reached} is reached: no NetworkPolicy shuts this pod in",
            inside.POLICY_FIX,
        )
    else:
        report.good("policy", "the cluster's API, which each pod is told of, is not reached")


def _closed(report: Report, settings: Settings) -> None:
    """Tell whether the network has nothing but the gateway."""
    try:
        inside.require_closed(settings.gateway)
    except SandboxError as error:
        report.fail("interfaces", error.what, error.fix)
    else:
        report.good("interfaces", "a network that has nothing but the gateway")


def _interfaces(report: Report) -> None:
    others = [name for _, name in socket.if_nameindex() if name != "lo" and _is_up(name)]
    if others:
        report.fail("interfaces", f"besides the loopback there is {', '.join(others)}", _REPORT)
    else:
        report.good("interfaces", "nothing but the loopback")


def _is_up(name: str) -> bool:
    """Tell whether an interface is in use; some kernels put idle ones into every network namespace."""
    try:
        with open(f"/sys/class/net/{name}/flags", encoding="ascii") as file:
            return bool(int(file.read(), 16) & _IFF_UP)
    except (OSError, ValueError):
        return True


def _name_servers(report: Report) -> None:
    try:
        with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError as error:
        report.fail("name server", f"/etc/resolv.conf cannot be read: {error.strerror}", _REPORT)
        return
    servers = [words[1] for words in lines if words[:1] == ["nameserver"] and words[1:]]
    if servers == [paths.LOOPBACK]:
        report.good("name server", "none but the gateway, which answers by the list and asks nobody")
    else:
        report.fail("name server", f"it is {', '.join(servers) or 'not set'}, not {paths.LOOPBACK}", _REPORT)


def _gateway(report: Report) -> int | None:
    """Ask the gateway how many attempts it refused; None where it does not answer."""
    connection = http.client.HTTPConnection(paths.LOOPBACK, paths.MODEL_PORT, timeout=PATIENCE)
    try:
        connection.request("GET", "/.refused")
        told = json.loads(connection.getresponse().read(10_000))
        refused = int(told["refused"]) if "refused" in told else None
    except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
        report.fail("gateway", f"it does not answer: {error}", _ANEW)
        return None
    finally:
        connection.close()
    if refused is None:
        report.fail("gateway", f"it does not tell what it refused: {told.get('error')}", _ANEW)
    else:
        report.good("gateway", "it answers")
    return refused


def _by_proxy(report: Report) -> None:
    """Ask the proxy for a host that is on no list."""
    connection = http.client.HTTPConnection(paths.LOOPBACK, paths.PROXY_PORT, timeout=PATIENCE)
    try:
        connection.set_tunnel(PROBE, 443)
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        # http.client says no more of such an answer than its first line.
        if " 403 " in str(error):
            report.good("proxy", f"{PROBE}, which is on no list, is refused")
        else:
            report.fail("proxy", f"{PROBE} is not refused as it should be: {error}", _ANEW)
    else:
        report.fail("proxy", f"{PROBE}, which is on no list, is passed on", _REPORT)
    finally:
        connection.close()


def _by_name(report: Report) -> None:
    """Ask for the address of a host that is on no list."""
    try:
        found = socket.getaddrinfo(PROBE, 443)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            report.good("name", f"{PROBE} has no address")
        else:
            report.warn("name", f"whether {PROBE} has an address is not told: {error.strerror}", _ANEW)
    else:
        report.fail("name", f"{PROBE}, which is on no list, has the address {found[0][4][0]}", _REPORT)
