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


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/etc/sandbox/config/a.json", "config/a.json"),
        ("/etc/sandbox/opencode/skills", ".opencode/skills"),
        ("/etc/sandbox/else", "/etc/sandbox/else"),
    ],
)
def test_a_mounted_file_has_the_name_that_its_user_knows(path: str, name: str) -> None:
    assert paths.on_host(path) == name
