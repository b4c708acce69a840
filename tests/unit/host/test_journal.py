"""What the gateway writes down, read and counted on the user's machine. Its names are the agent's choice."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import journal, refused
from host.gateway import tell
from host.journal import Tally

STAMP = "2026-11-26T18:00:00Z"


def line(**facts: object) -> bytes:
    return json.dumps(
        {"time": STAMP, "kind": "proxy", "decision": "deny", "reason": "not-allowed", **facts}
    ).encode()


def tally(*lines: bytes) -> Tally:
    return Tally().add(lines)


COMMANDS = {
    "a name": ({"host": "a.example", "port": 443}, "a.example"),
    "a name that was looked up": ({"kind": "dns", "host": "A.Example."}, "a.example"),
    "another port": ({"host": "a.example", "port": 8443}, "a.example:8443"),
    "plain http": ({"host": "a.example", "port": 80, "way": "http"}, "a.example:80"),
    "plain http elsewhere": ({"host": "a.example", "port": 8080, "way": "http"}, "--no-tls a.example:8080"),
    "no TLS": ({"host": "a.example", "port": 22, "reason": "not-tls"}, "--no-tls a.example:22"),
    "a private address": ({"host": "a.lan", "port": 443, "reason": "private-address"}, "--private a.lan"),
    "an address of nobody": ({"host": "a.lan", "port": 443, "reason": "private-address", "never": True}, ""),
    "a path of the model server": ({"kind": "model", "host": "m", "port": 8000, "reason": "endpoint"}, ""),
    "another name in TLS": ({"host": "a.example", "port": 443, "reason": "name-differs"}, ""),
    "an address": ({"host": "10.0.0.1", "port": 80, "reason": "bad-request"}, ""),
    "an address that was looked up": ({"kind": "dns", "host": "10.0.0.1"}, ""),
    "a name that is none": ({"kind": "dns", "host": "a b;rm -rf"}, ""),
    "a name that is an option": ({"kind": "dns", "host": "--private"}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "command"), COMMANDS.values(), ids=COMMANDS)
def test_what_would_allow_it(facts: dict[str, object], command: str) -> None:
    (found,) = tally(line(**facts)).newest()
    assert found.command == command
    assert found.why


NOT_REFUSED = {
    "what passed": line(decision="allow"),
    "what failed": line(reason="unreachable", host="a.example"),
    "what was odd": line(reason="bad-request"),
    "what the doctor tried": line(host="sandbox-doctor.invalid"),
    "no JSON": b"Traceback (most recent call last):",
    "another JSON": b"[1]",
    "too deep": b"[" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("text", NOT_REFUSED.values(), ids=NOT_REFUSED)
def test_what_is_no_refusal(text: bytes) -> None:
    assert not tally(text)


def test_one_host_is_told_once_and_counted() -> None:
    found = tally(*[line(host="a.example", port=443)] * 3, line(kind="dns", host="a.example")).newest()
    assert [(one.place, one.times) for one in found] == [("a.example", 4)]


def test_ten_thousand_names_are_bounded() -> None:
    found = tally(
        *(line(host=f"n{number}.example") for number in range(10_000)), line(reason="too-many", dropped=5)
    )
    assert len(found.newest()) == journal.MOST
    assert found.others == 10_000 - journal.MOST + 5


HOSTILE = (
    "ev\x1b[31mil.example",
    "a" * 5000,
    "\u202egro.elpmaxe",
    "\x07\n\r",
    "\ud800",
    "a.example\nsandbox: info: all is well",
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_steers_the_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = tally(line(kind="dns", host=name))
    tell(found)
    told = [*capsys.readouterr().err.splitlines(), found.newest()[0].place]
    entry = journal.parse(line(kind="dns", host=name, reason=name, text=name))
    assert entry
    told.append(journal.words(entry))
    assert len(told) == 3
    assert all(text.isprintable() and len(text) <= 10 * journal.LONGEST for text in told)


FACTS = ("time", "kind", "decision", "reason", "host", "port", "way", "sent", "status", "text", "dropped")
ANYTHING = st.one_of(st.text(), st.integers(), st.none(), st.lists(st.integers()), st.floats())


@given(st.dictionaries(st.sampled_from(FACTS), ANYTHING))
def test_any_line_can_be_read(facts: dict[str, object]) -> None:
    text = json.dumps({"decision": "deny", **facts})
    entry = journal.parse(text)
    assert entry
    assert journal.words(entry).isprintable()
    assert all(one.place.isprintable() for one in tally(text.encode()).newest())


def test_a_line_in_plain_words() -> None:
    entry = journal.parse(
        line(decision="allow", reason="", host="a.example", port=443, sent=1500, received=2_000_000)
    )
    assert entry
    assert journal.words(entry).endswith("passed  proxy  a.example:443  1.5 kB sent, 2.0 MB received")
    assert time.strftime("%d %b", time.localtime(entry.time)) in journal.words(entry)


def test_the_end_of_a_session_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(tally())
    tell(tally(line(reason="endpoint")))
    assert capsys.readouterr().err == ""
    tell(tally(line(host="a.example")))
    assert capsys.readouterr().err == (
        "sandbox: egress: 1 host was refused: a.example; ./start.sh egress tells more\n"
    )
    tell(tally(*(line(host=f"{name}.example") for name in "cbad")))
    named = "c.example, b.example, a.example, …"
    assert f"4 hosts were refused: {named}; ./start.sh egress tells more" in capsys.readouterr().err


def test_what_was_refused_is_kept_and_bounded(tmp_path: Path) -> None:
    place = refused.folder({"XDG_STATE_HOME": str(tmp_path)}, "project-1a2b3c4d")
    assert not refused.read(place)
    refused.add(place, tally(line(host="old.example", time="2026-01-01T00:00:00Z")))
    refused.add(place, tally(*[line(host="a.example")] * 2))
    refused.add(place, tally(line(host="a.example")))
    assert [(one.host, one.times) for one in refused.read(place).newest()] == [
        ("a.example", 3),
        ("old.example", 1),
    ]
    refused.add(place, tally(*(line(host=f"n{number}.example") for number in range(300))))
    found = refused.read(place)
    assert len(found.newest()) == journal.MOST
    assert "old.example" not in found.hosts()
    assert found.others
    assert [file.name for file in place.iterdir()] == [refused.FILE]
    assert place.stat().st_mode & 0o077 == 0


BAD_RECORDS = (
    b"", b"[]", b"{", b'{"refused": 1}', b'{"refused": [1, {}, {"reason": "nope"}], "others": "x"}',
    b'{"refused": [{"reason": "endpoint", "host": {}, "port": -1, "last": "x"}], "others": -5}',
    b"[" * 100_000, b"\xff", b"x" * (2 << 20),
)  # fmt: skip


@pytest.mark.parametrize("content", BAD_RECORDS)
def test_a_record_that_is_none_hinders_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / refused.FILE).write_bytes(content)
    refused.read(tmp_path)
    refused.add(tmp_path, tally(line(host="a.example")))
    assert "a.example" in refused.read(tmp_path).hosts()
