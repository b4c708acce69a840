"""init/log.py: lines that nothing quoted in them can turn into something else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init import log

ANY = st.text(st.characters())


@given(ANY, st.dictionaries(st.sampled_from(["path", "count", "first"]), ANY))
def test_a_line_is_printable_whatever_it_quotes(text: str, fields: dict[str, str]) -> None:
    assert log.human({"level": "info", "event": text, **fields}).isprintable()


@given(ANY, ANY.filter(bool))
def test_a_fix_is_one_more_line_and_printable(text: str, fix: str) -> None:
    first, second = log.human({"level": "error", "event": text, "fix": fix}).split("\n")
    assert first.isprintable()
    assert second.isprintable()
    assert second.startswith("  ")


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_printable_is_left_as_it_is(text: str) -> None:
    assert text in log.human({"level": "info", "event": text})


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"event": "up"}, "sandbox: info: up"),
        ({"event": "up", "path": "/a", "count": 2}, "sandbox: info: up (path=/a, count=2)"),
        ({"event": "up", "fix": "Go."}, "sandbox: info: up\n  Go."),
        ({"event": "up", "fix": ""}, "sandbox: info: up"),
        ({"event": "\x1b[2J\r\n"}, r"sandbox: info: \x1b[2J\r\n"),
        ({"event": "up", "path": "a\udcffb\u202e"}, r"sandbox: info: up (path=a\udcffb\u202e)"),
    ],
)
def test_the_form_of_a_line(event: dict[str, object], line: str) -> None:
    assert log.human({"level": "info", **event}) == line


@pytest.mark.parametrize("level", log.LEVELS)
def test_only_lines_of_the_level_and_above_are_written(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(as_json=False, level=level)
    for write in (log.debug, log.info, log.warning, log.error):
        write("said")
    said = capsys.readouterr()
    assert said.out == ""
    order = list(log.LEVELS)
    assert said.err.splitlines() == [f"sandbox: {name}: said" for name in order[order.index(level) :]]


def test_json_lines_hold_level_time_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(as_json=True, level="info")
    log.warning("said \x1b\n", path="a\udcff", count=2)
    said = capsys.readouterr().err
    line = json.loads(said)
    assert said.strip().isprintable()
    assert said.isascii()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "warning", "event": "said \x1b\n", "path": "a\udcff", "count": 2}


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("s3cret", "you sent s3cret, s3cret", "you sent ***, ***"),
        ('a"b\\', '{"key": "a\\"b\\\\"}', '{"key": "***"}'),
        ("", "nothing to hide", "nothing to hide"),
    ],
)
def test_a_secret_is_hidden_as_it_is_and_as_json_writes_it(secret: str, text: str, shown: str) -> None:
    assert log.redact(secret, text) == shown
