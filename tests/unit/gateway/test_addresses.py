"""Addresses: which nobody may connect to, and which only by an entry that says so."""

import ipaddress

import pytest

from gateway import addresses, upstream
from gateway.refusal import Refusal

NEVER = [
    "0.0.0.0",  # noqa: S104 - to be refused, not to listen at
    "0.1.2.3", "127.0.0.1", "127.64.0.1", "169.254.169.254", "168.63.129.16", "100.100.100.200",
    "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "192.0.0.192", "::", "::1", "fe80::1", "ff02::1", "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "2002:7f00:1::", "2001:0:1:2:3:4:5:6",
    "64:ff9b:1:7f00:0:100::", "64:ff9b:1::a00:1", "::ffff:0:127.0.0.1",
]  # fmt: skip
PRIVATE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1", "fc00::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "fec0::1", "192.0.0.8",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "172.15.0.1", "172.32.0.1", "203.0.113.7", "2606:4700::1111", "64:ff9b::101:101",
    "100.128.0.1",
    "::ffff:1.1.1.1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("text", NEVER)
def test_nothing_allows_these(text: str) -> None:
    assert addresses.is_never(ipaddress.ip_address(text))
    with pytest.raises(Refusal, match="which nothing may reach"):
        upstream.examine("example.com", [text], private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_only_an_entry_that_says_so_allows_these(text: str) -> None:
    assert not addresses.is_never(ipaddress.ip_address(text))
    with pytest.raises(Refusal, match="private address"):
        upstream.examine("example.com", [text], private=False)
    assert upstream.examine("example.com", [text], private=True) == [text]


@pytest.mark.parametrize("text", PUBLIC)
def test_an_allowed_name_may_be_there(text: str) -> None:
    assert upstream.examine("example.com", [text, text], private=False) == [text]


def test_a_name_with_a_public_and_a_private_address_is_refused() -> None:
    with pytest.raises(Refusal, match="private address"):
        upstream.examine("example.com", ["1.1.1.1", "10.0.0.1"], private=False)


def test_an_address_with_a_zone_is_examined() -> None:
    with pytest.raises(Refusal, match="which nothing may reach"):
        upstream.examine("example.com", ["fe80::1%2"], private=True)
