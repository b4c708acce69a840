"""The key in an answer, however it is written and cut."""

import base64
import html
import json
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redaction import Redaction

KEY = 'sk-"abc/def+ghi'
FORMS = [
    KEY, json.dumps(KEY), json.dumps(KEY).replace("/", "\\/"), urllib.parse.quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode(), base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    base64.urlsafe_b64encode(f"a {KEY}".encode()).decode(), KEY.encode().hex(), KEY.encode().hex().upper(),
    html.escape(KEY), "".join(f"&#{ord(one)};" if one in '-"/+' else one for one in KEY),
    "".join(f"\\u{ord(one):04X}" if one in '"/+' else one for one in KEY),
    re.sub("%..", lambda match: match[0].lower(), urllib.parse.quote(KEY, safe="")),
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
    assert b"*" * 15 in shown
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


def test_a_short_key_is_not_found_where_it_is_not() -> None:
    assert passed("EMPTY", [b"EMPTY base64 of it: RU1QVFk 454d505459"]).startswith(b"***** base64")
    assert passed("ab", [b"6162 YWI"]) == b"6162 YWI"


def test_without_a_key_nothing_is_touched() -> None:
    assert passed("", [b"a", b"***"]) == b"a***"
    assert Redaction("").whole("a") == "a"


def test_a_field_of_the_head_is_looked_at_whole() -> None:
    assert Redaction("secret").whole("Bearer secret!") == "Bearer ******!"
