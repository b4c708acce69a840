"""init/formats/entries.py: files that cannot be read, and mappings that say where they stand."""

import pytest

from init.errors import SandboxError
from init.formats import entries
from init.formats.entries import Entries

FILE = "config/a.yml"
CONTENT = {"a": {"b": [{"c": "d"}, {"c": ["d"]}], "e": ["f", "g"], "on": "Yes", "odd": "perhaps", "none": ""}}


def test_what_is_there_is_returned() -> None:
    inner = Entries(CONTENT, FILE).inner("a")
    assert inner.names() == ["b", "e", "on", "odd", "none"]
    assert inner.items("b")[0].text("c") == "d"
    assert inner.texts("e") == ("f", "g")
    assert inner.truth("on", default=False)
    assert inner.place("on") == "config/a.yml, a.on"


@pytest.mark.parametrize("name", ["none", "missing"])
def test_what_is_empty_or_left_out_is_nothing(name: str) -> None:
    inner = Entries(CONTENT, FILE).inner("a")
    assert (inner.text(name), inner.texts(name), inner.items(name)) == ("", (), [])
    assert inner.inner(name).names() == []
    assert inner.truth(name, default=True)


def test_what_is_of_another_form_is_told_with_its_place() -> None:
    inner = Entries(CONTENT, FILE).inner("a")
    for what, ask in (
        ("config/a.yml, a: this has the unknown entry 'b'", lambda: inner.names(("e", "on"))),
        ("config/a.yml, a.b[1]: this has c that is no text", lambda: inner.items("b")[1].text("c")),
        ("config/a.yml, a.b[0]: this is no text", lambda: inner.texts("b")),
        ("config/a.yml, a.e[0]: this is no mapping", lambda: inner.items("e")),
        ("config/a.yml, a.e: this is no mapping", lambda: inner.inner("e")),
        ("config/a.yml, a: this has on that is no list", lambda: inner.texts("on")),
        ("config/a.yml, a: this has odd: 'perhaps'", lambda: inner.truth("odd", default=True)),
        ("config/a.yml: this is no mapping", lambda: Entries("text", FILE)),
    ):
        with pytest.raises(SandboxError) as caught:
            ask()
        assert caught.value.what == what
        assert caught.value.fix


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (FileNotFoundError(2, "No such file or directory", "/etc/a.yml"), "config/a.yml is missing"),
        (
            PermissionError(13, "Permission denied", "/etc/a.yml"),
            "config/a.yml cannot be read: Permission denied",
        ),
        (UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "x"), "config/a.yml is no UTF-8 text, from byte 1 on"),
        (ValueError("line 1, column 2: odd"), "config/a.yml is not valid: line 1, column 2: odd"),
    ],
)
def test_why_a_file_cannot_be_read_is_told_without_the_containers_path(
    error: OSError | ValueError, what: str
) -> None:
    told = entries.unreadable(FILE, error)
    assert told.what == what
    assert "/etc" not in told.fix


def test_a_file_that_the_agent_may_not_read_is_opened_not_corrected() -> None:
    told = entries.unreadable(".opencode/skills", PermissionError(13, "Permission denied"))
    assert "chmod -R a+rX config .opencode" in told.fix
    assert "keys" in told.fix
