"""What the doctor prints: no control character, no secret, and no more than somebody reads."""

import io
import json

import pytest

from init.doctor.report import MOST, Report

# What a terminal takes for a command: ESC, and the C1 characters that some take for it, U+009B among them.
HOSTILE = "\x1b]0;title\x07\x9b2J\x85\u202e"


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def made(out: io.StringIO) -> Report:
    return Report(out, io.StringIO())


def test_no_value_steers_a_terminal(made: Report, out: io.StringIO) -> None:
    made.section("model")
    made.fail("list", f"it serves {HOSTILE}", f"Mend {HOSTILE}")
    assert all(line.isprintable() for line in out.getvalue().splitlines())
    text = made.as_json()
    assert text.isascii()
    (finding,) = json.loads(text)["findings"]
    assert all(character.isprintable() for character in finding["detail"] + finding["fix"])


def test_a_value_is_as_long_as_somebody_reads(made: Report) -> None:
    made.section("model")
    made.good("list", "x" * (MOST + 1000))
    (finding,) = json.loads(made.as_json())["findings"]
    assert len(finding["detail"]) < MOST + 100
    assert f"{MOST + 1000} characters" in finding["detail"]


def test_a_secret_is_not_shown(made: Report, out: io.StringIO) -> None:
    made.secrets.append("s3cret")
    made.section("model")
    made.warn("answer", "it says s3cret", "Mend s3cret")
    assert "s3cret" not in out.getvalue() + made.as_json()
