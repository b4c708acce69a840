"""Which addresses may be connected to: a name that is allowed may resolve to what its owner likes."""

from __future__ import annotations

import ipaddress

TYPE_CHECKING = False
if TYPE_CHECKING:
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Not by any entry: this machine, its neighbours on the wire, many at once, none, and the services by which a
# cloud tells a machine its keys, where those are not link-local. IANA's special-purpose registries, RFC 6890.
# "Not global" would be too much: documentation addresses serve as private ones in some companies.
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
            "100.100.100.200/32",  # Alibaba Cloud's metadata
            "168.63.129.16/32",    # Azure's wire server
            "192.0.0.192/32",      # Oracle Cloud's metadata
            "::/128", "::1/128", "fe80::/10", "ff00::/8",
            "fd00:ec2::/32",       # Amazon's metadata and its like
            "fd20:ce::/32",        # Google's metadata
            # An address in an address, in one's own network or out of use: Teredo, 6to4, RFC 8215, 2765.
            "2001::/32", "2002::/16", "64:ff9b:1::/48", "::ffff:0:0:0/96",
        ),
    )
)  # fmt: skip

# By an entry that says `private: true`. RFC 1918, RFC 6598, RFC 4193, RFC 2544, RFC 6890, RFC 3879.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "fc00::/7", "fec0::/10",
        ),
    )
)  # fmt: skip

# RFC 6052: what DNS64 makes of a public IPv4 address; the last 32 bits are that address.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def is_never(address: Address) -> bool:
    """Tell whether no entry can allow this address."""
    return _is_in(_plain(address), _NEVER)


def is_private(address: Address) -> bool:
    """Tell whether only an entry that says so can allow this address."""
    return _is_in(_plain(address), _PRIVATE)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, RFC 4291 section 2.5.5; else the address."""
    if address.version == 4:
        return address
    embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped or address in _NAT64:
        return embedded
    if address in _COMPATIBLE and int(address) > 1:
        return embedded
    return address
