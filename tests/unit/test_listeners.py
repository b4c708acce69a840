"""Where a gateway's listeners are."""

import socket
from pathlib import Path

import pytest

from init import listeners

PLACES = {
    "default": True, "5d41402abc4b2a76b9719d911017c592": True, "": True, "a" * 65: False, "../x": False,
    "Upper": False, "tcp:10.0.0.2": True, "tcp:fd00::2": True, "tcp:": False, "tcp:0.0.0.0": False,
    "tcp:::": False, "tcp:::ffff:0.0.0.0": False, "tcp:::ffff:10.0.0.2": True, "tcp:gateway": False,
    "tcp:10.0.0.2:80": False, "tcp:010.0.0.2": False, "tcp:10.0.0": False, "tcp:10.0.0.2 ": False,
}  # fmt: skip


@pytest.mark.parametrize(("setting", "good"), PLACES.items(), ids=repr)
def test_a_place_is_a_folders_name_or_one_address(setting: str, good: bool) -> None:
    assert listeners.is_place(setting) is good


def test_a_listener_is_a_socket_until_an_address_is_told(tmp_path: Path) -> None:
    place = str(tmp_path)
    assert listeners.of(place, "tls") == ("tls", socket.AF_UNIX, f"{place}/tls")
    (tmp_path / listeners.ADDRESS).write_text("10.0.0.2")
    assert listeners.of(place, "tls") == ("tls", socket.AF_INET, ("10.0.0.2", 21003))


def test_a_listener_at_an_address_that_is_set() -> None:
    assert listeners.of("tcp:10.0.0.2", "model") == ("model", socket.AF_INET, ("10.0.0.2", 21001))
    assert listeners.of("tcp:fd00::2", "dns") == ("dns", socket.AF_INET6, ("fd00::2", 21004))
