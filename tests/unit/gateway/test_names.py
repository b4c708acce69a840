"""Host names: one form, and nothing that two programs read as two hosts."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import names
from gateway.refusal import Refusal

GOOD = {
    "example.com": "example.com",
    "EXAMPLE.Com": "example.com",
    "example.com.": "example.com",
    "a": "a",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "my_bucket.example": "my_bucket.example",
    "1.example": "1.example",
    "a" * 63 + ".example": "a" * 63 + ".example",
}
BAD = [
    "", ".", "..", "a..b", ".a", "a.b..", "-a.example", "a-.example", "a" * 64 + ".example",
    ".".join(["a" * 60] * 5), "user@example.com", "example.com#", "example.com/",
    "example.com\\@evil.example",
    "exa mple.com", "example.com\0", "example.com\r\n", "exämple.com", "\uff45xample.com", "example。com",
    "ﬃ.example",
    "\u212a.example", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001",
    "1.2.3.4.", "example.1",
    "example.0x1", "[::1]", "::1", "fe80::1%eth0", "*.example.com", "%65xample.com",
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), GOOD.items())
def test_a_name_is_taken_in_one_form(text: str, name: str) -> None:
    assert names.host_name(text) == name


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"no host name|is an address"):
        names.host_name(text)


@given(st.ip_addresses())
def test_no_address_is_a_name(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    for text in (str(address), str(int(address)), hex(int(address))):
        with pytest.raises(Refusal):
            names.host_name(text)


@given(st.text())
def test_what_is_taken_is_plain_and_taken_again(text: str) -> None:
    try:
        name = names.host_name(text)
    except Refusal:
        return
    assert name.isascii()
    assert name == name.lower().strip(".") == names.host_name(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com:443", ("example.com", 443)),
        ("example.com:00443", ("example.com", 443)),
        ("example.com", ("example.com", 8)),
        ("Example.com.:65535", ("example.com", 65535)),
    ],
)
def test_an_authority_is_a_name_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert names.host_and_port(text, 8) == expected


@pytest.mark.parametrize(
    "port", ["", "0", "65536", "-1", "+443", "4_43", "٤٤٣", "443 ", "443/", "65536443", "443:443"]
)
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(Refusal):
        names.host_and_port(f"example.com:{port}", 8)


def test_a_port_has_to_be_there_where_none_is_usual() -> None:
    with pytest.raises(Refusal):
        names.host_and_port("example.com")
