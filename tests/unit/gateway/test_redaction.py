"""The key in an answer, however it is written and cut."""

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redaction import Redaction

KEY = 'sk-"abc/def+ghi'
FORMS = [
    KEY, json.dumps(KEY), json.dumps(KEY).replace("/", "\\/"), urllib.parse.quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode(),
]  # fmt: skip


def passed(key: str, blocks: list[bytes]) -> bytes:
    redaction = Redaction(key)
    return b"".join(map(redaction.feed, blocks)) + redaction.end()


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_no_form_of_the_key_comes_through(form: str, data: st.DataObject) -> None:
    text = f'{{"error": "you sent {form} and {form}"}}'.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    blocks = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    shown = passed(KEY, blocks)
    assert len(shown) == len(text)
    assert b"you sent ***" in shown or b'you sent "**' in shown
    assert form.encode() not in shown
    assert b"abc" not in shown


@given(st.text(min_size=1, alphabet="ab").filter(str.isascii), st.lists(st.binary(max_size=8)))
def test_the_length_stays_and_other_bytes_do(key: str, blocks: list[bytes]) -> None:
    shown, text = passed(key, blocks), b"".join(blocks)
    assert len(shown) == len(text)
    assert key.encode() not in shown
    assert all(after in (before, ord("*")) for before, after in zip(text, shown, strict=True))


def test_what_is_no_begin_of_the_key_goes_on_at_once() -> None:
    redaction = Redaction("secret")
    assert redaction.feed(b"data: {}\n\n") == b"data: {}\n\n"
    assert redaction.feed(b"data: s") == b"data: "
    assert redaction.feed(b"ay") == b"say"


def test_without_a_key_nothing_is_touched() -> None:
    assert passed("", [b"a", b"***"]) == b"a***"
    assert Redaction("").whole("a") == "a"


def test_a_field_of_the_head_is_looked_at_whole() -> None:
    assert Redaction("secret").whole("Bearer secret!") == "Bearer ******!"
