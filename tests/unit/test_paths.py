"""init/paths.py: where things are."""

import pytest

from init import paths


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("~/.rc", "/h/.rc"),
        ("~/", "/h/"),
        ("{data}/share", "/home/agent/data/share"),
        ("{data}", "/home/agent/data"),
        ("/etc/rc", "/etc/rc"),
        ("a~/b", "a~/b"),
        ("a{data}", "a{data}"),
        ("~other/.rc", "~other/.rc"),
        ("", ""),
    ],
)
def test_a_leading_tilde_is_home_and_a_leading_data_is_data(template: str, place: str) -> None:
    assert paths.place(template, "/h") == place


def test_what_the_agent_can_write_comes_last_on_its_path() -> None:
    writable = [entry.startswith("/home/") for entry in paths.PATH.split(":")]
    assert writable == sorted(writable)
    assert all(entry.startswith("/") for entry in paths.PATH.split(":"))
