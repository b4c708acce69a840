"""The proxy that the environment names: which servers are asked through it, and which are not.

Docker gives every container the proxies of its client's configuration (`proxies` in ~/.docker/config.json),
which nobody wrote with a model server in mind. A proxy is the way out, to the internet. So a server whose
address is not public is asked directly, and the tools are told so, too.
"""

from __future__ import annotations

import functools
import os
from urllib.parse import urlsplit

from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import urllib.request
    from collections.abc import Iterable, Mapping

# Which programs read it: curl and Python the first, many of Go and JavaScript the second as well.
EXCEPTIONS = ("no_proxy", "NO_PROXY")

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")

# Names that only a network of one's own has: RFC 6762, RFC 6761, and what ICANN keeps for private use.
_OWN_NAMES = (".local", ".localhost", ".internal")


class Proxy(Record):
    """A proxy.

    Attributes:
        variable: that names it, as the environment has it.
        address: its URL, a password in it included.
    """

    variable: str
    address: str

    @property
    def shown(self) -> str:
        """Return its address without a name and a password."""
        scheme, _, rest = self.address.rpartition("://")
        place = rest.rpartition("@")[2].rstrip("/")
        return f"{scheme}://{place}" if scheme else place


def named(url: str) -> Proxy | None:
    """Return the proxy that the environment names for URLs such as this, None where there is none."""
    # Here and below: where no proxy is named, or a gateway is, most of a start would be loading it.
    import urllib.request

    scheme = urlsplit(url).scheme
    address = urllib.request.getproxies().get(scheme)
    if not address:
        return None
    lower = f"{scheme}_proxy"
    return Proxy(lower if os.environ.get(lower) else lower.upper(), address)


def between(url: str) -> Proxy | None:
    """Return the proxy through which a server is asked, None where it is asked directly."""
    import urllib.request

    proxy, parts = named(url), urlsplit(url)
    if proxy is None or urllib.request.proxy_bypass(parts.netloc):
        return None
    return None if _is_own(parts.hostname or "") else proxy


def handler(url: str) -> urllib.request.ProxyHandler:
    """Return what takes a request its way."""
    import urllib.request

    proxy = between(url)
    return urllib.request.ProxyHandler({urlsplit(url).scheme: proxy.address} if proxy else {})


def exceptions(urls: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep programs from asking a proxy for these servers; none without a proxy."""
    if not any(environ.get(name) for name in environ if name.lower() in _VARIABLES):
        return {}
    hosts = [urlsplit(url).hostname or "" for url in urls if between(url) is None]
    known = [name.strip() for variable in EXCEPTIONS for name in environ.get(variable, "").split(",")]
    if not hosts or "*" in known:
        return {}
    return dict.fromkeys(EXCEPTIONS, ",".join(filter(None, dict.fromkeys((*known, *hosts)))))


# One answer for all that is asked and told; and a name that nobody knows takes its time.
@functools.cache
def _is_own(host: str) -> bool:
    """Tell whether a host is in a network of the user's own: none of its addresses is a public one."""
    import ipaddress
    import socket

    if "." not in host.rstrip(".") and ":" not in host:
        return True
    if host.endswith(_OWN_NAMES):
        return True
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        # Nobody here knows it, so it is the proxy's to know.
        return False
    return not any(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found)
