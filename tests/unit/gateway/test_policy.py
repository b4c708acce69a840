"""The one decision, and the file that it is made by."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import lines, policy_file
from gateway.policy import Entry, Policy
from gateway.refusal import Refusal
from init.errors import SandboxError

LIST = """
profiles: [python]
allow:
  - git.example.com
  - "*.cdn.example.com"
  - mirror.example.com:8443
  - {host: artifacts.lan, private: true}
  - {host: db.lan:5432, private: true, tls: false}
  - plain.example.com:80
"""
PROFILES = """{
 "python": {
  "allow": ["index.example.org", {"host": "files.lan:8080", "private": true, "tls": false}], "lacks": ""
 },
 "npm": {"allow": ["npm.example.org"], "lacks": ""},
 "go": {"allow": [], "lacks": "the image has no go"}
}"""

ALLOWED = [
    ("git.example.com", 443, "connect"), ("git.example.com", 443, "tls"), ("a.cdn.example.com", 443, "tls"),
    ("a.b.cdn.example.com", 443, "connect"), ("mirror.example.com", 8443, "connect"),
    ("artifacts.lan", 443, "tls"),
    ("db.lan", 5432, "connect"), ("index.example.org", 443, "tls"), ("plain.example.com", 80, "http"),
    ("plain.example.com", 80, "connect"), ("files.lan", 8080, "http"),
]  # fmt: skip
REFUSED = [
    ("example.com", 443, "connect"), ("evil-git.example.com", 443, "connect"),
    ("git.example.com", 80, "http"),
    ("git.example.com", 8443, "connect"), ("git.example.com", 443, "http"),
    ("git.example.com.evil.example", 443, "tls"),
    ("cdn.example.com", 443, "tls"), ("acdn.example.com", 443, "tls"), ("a.cdn.example.com", 8443, "connect"),
    ("mirror.example.com", 443, "tls"), ("db.lan", 5432, "tls"), ("db.lan", 443, "tls"),
    ("npm.example.org", 443, "tls"),
    ("localhost", 443, "connect"), ("plain.example.com", 443, "tls"),
]  # fmt: skip


@pytest.fixture
def listed(tmp_path: Path) -> Policy:
    return read(tmp_path, LIST)


def read(folder: Path, text: str, **variables: str) -> Policy:
    (folder / "egress.yml").write_text(text)
    (folder / "profiles.json").write_text(PROFILES)
    return policy_file.read({"EGRESS": "list", **variables}, str(folder), folder / "profiles.json")


@pytest.mark.parametrize(("host", "port", "way"), ALLOWED)
def test_the_list_allows(listed: Policy, host: str, port: int, way: str) -> None:
    listed.decide(host, port, way)


@pytest.mark.parametrize(("host", "port", "way"), REFUSED)
def test_the_list_does_not_allow(listed: Policy, host: str, port: int, way: str) -> None:
    with pytest.raises(Refusal, match="not on the list"):
        listed.decide(host, port, way)


@pytest.mark.parametrize("mode", ["model", "open", ""])
def test_in_every_other_mode_nothing_is_on_the_list(tmp_path: Path, mode: str) -> None:
    policy = read(tmp_path, LIST, EGRESS=mode)
    with pytest.raises(Refusal, match="not on the list"):
        policy.decide("git.example.com", 443, "connect")


def test_a_missing_file_allows_nothing(tmp_path: Path) -> None:
    policy = policy_file.read({"EGRESS": "list"}, str(tmp_path), tmp_path / "profiles.json")
    assert policy.entries == ()


def test_the_short_form_says_where_it_comes_from(tmp_path: Path) -> None:
    policy = read(tmp_path, "", EGRESS_ALLOW="a.example, *.b.example:8443,")
    assert policy.entries == (
        Entry("a.example", source="EGRESS_ALLOW"), Entry("*.b.example", 8443, source="EGRESS_ALLOW"),
    )  # fmt: skip


def test_an_entry_says_where_it_comes_from(listed: Policy) -> None:
    sources = {entry.name: entry.source for entry in listed.entries}
    assert sources["git.example.com"] == "config/egress.yml, line 4"
    assert sources["index.example.org"] == "profile python"


def test_a_line_of_the_users_own_wins_over_a_profiles(tmp_path: Path) -> None:
    own = "profiles: [python]\nallow: [{host: index.example.org, private: true}]"
    assert read(tmp_path, own).decide("index.example.org", 443, "tls").private


BROKEN_PROFILES = {
    "none": None, "no JSON": "{", "a list": "[]", "a list for a mapping": '{"npm": []}', "no UTF-8": b"\xff",
    "lines that are none": '{"npm": {"allow": 1, "lacks": ""}}',
}  # fmt: skip


@pytest.mark.parametrize("content", BROKEN_PROFILES.values(), ids=BROKEN_PROFILES)
def test_profiles_that_are_broken_are_told_where_one_is_asked_for(
    tmp_path: Path, content: str | bytes | None
) -> None:
    file = tmp_path / "broken.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "egress.yml").write_text("allow: [a.example]")
    assert policy_file.read({"EGRESS": "list"}, str(tmp_path), file).entries
    (tmp_path / "egress.yml").write_text("profiles: [npm]")
    with pytest.raises(SandboxError, match=r"image|allows nothing"):
        policy_file.read({"EGRESS": "list"}, str(tmp_path), file)


BAD = {
    "a word": "all",
    "a list": "- git.example.com",
    "numbers": "allow: [1, 2]",
    "no YAML": "allow: [",
    "everything": "allow: ['*']",
    "a top-level domain": "allow: ['*.com']",
    "a star in the middle": "allow: ['a.*.example.com']",
    "an address": "allow: [10.0.0.1]",
    "an address in brackets": "allow: ['[::1]:443']",
    "a port out of range": "allow: ['a.example:65536']",
    "port 0": "allow: ['a.example:0']",
    "a URL": "allow: ['https://a.example/']",
    "a name that is not ASCII": "allow: [exämple.com]",
    "a private wildcard": "allow: [{host: '*.a.example', private: true}]",
    "no host": "allow: [{private: true}]",
    "a word that is unknown": "allow: [{host: a.example, privat: true}]",
    "an entry that is unknown": "deny: [a.example]",
    "a truth that is none": "allow: [{host: a.example, private: maybe}]",
    "a profile that is unknown": "profiles: [rubby]",
    "a profile without a host": "profiles: [go]",
    "too many": "allow: [" + "a.example, " * 10_001 + "]",
    "a list in a list": "allow: [[a.example]]",
    "too deep": "[" * 2000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_list_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SandboxError) as told:
        read(tmp_path, text)
    assert told.value.fix
    assert "egress.yml" in told.value.what or "entries" in told.value.what


def test_a_fault_is_told_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"line 3, column \d+"):
        read(tmp_path, "allow:\n  - a.example\n - b.example\n")


def test_every_fault_is_told_in_one_go_each_with_its_line(tmp_path: Path) -> None:
    text = """
deny: [x.example]
profiles: [python, rubby]
allow:
  - a.example
  - 10.0.0.1
  - {host: b.example, privat: true}
  - {host: c.example, private: perhaps}
  - [d.example]
  - "*.com"
"""
    with pytest.raises(SandboxError) as told:
        read(tmp_path, text, EGRESS_ALLOW="https://e.example/")
    what = told.value.what
    for fault in (
        "line 2, column 1: this has the unknown entry 'deny'",
        "line 3, column 20: there is no profile 'rubby'",
        "line 6, column 5: '10.0.0.1' is an address",
        "line 7, column 23: this has the unknown entry 'privat'",
        "line 8, column 23: this has private: 'perhaps'",
        "line 9, column 5: this is no text",
        "line 10, column 5: '*.com' allows every name",
        "EGRESS_ALLOW: 'https://e.example/' is no plain name of a host: write e.example",
    ):
        assert fault in what
    assert what.count("; ") == 7
    assert "go" in told.value.fix


def test_of_many_faults_some_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"line 12, column 3: .*; and 90 more$") as told:
        read(tmp_path, "allow:\n\n" + "- 10.0.0.1\n" * 100)
    assert len(told.value.what) < 2000


INSTEAD = {
    "https://x.example/": "x.example", "http://x.example": "x.example:80", "x.example/a/b": "x.example",
    "https://x.example:8443/a?b": "x.example:8443", "git@x.example:org/repo.git": "x.example",
    "ssh://git@x.example:22/a": "x.example", "user@x.example": "x.example", ".x.example": '"*.x.example"',
    "**.x.example": '"*.x.example"', "b\u00fccher.example": "xn--bcher-kva.example",
    # IDNA of 2003 would name another host, strasse.example.
    "stra\u00dfe.example": "xn--strae-oqa.example", "*.b\u00fccher.example": '"*.xn--bcher-kva.example"',
    "\uff45xample.com": "example.com", "x.example:443 ": "x.example",
}  # fmt: skip


@pytest.mark.parametrize(("text", "instead"), INSTEAD.items())
def test_what_people_paste_is_told_as_it_has_to_be_written(text: str, instead: str) -> None:
    with pytest.raises(SandboxError) as told:
        lines.entry(text, "here")
    assert told.value.what.endswith(f": write {instead}")
    assert lines.entry(instead.strip('"'), "here")


def test_no_password_of_a_url_is_shown() -> None:
    with pytest.raises(SandboxError) as told:
        lines.entry("https://user:s3cret@x.example/", "here")
    assert "s3cret" not in told.value.what + told.value.fix


def test_an_address_is_told_as_one_in_every_form() -> None:
    for text in (
        "10.0.0.1",
        "10.0.0.0/8",
        "[::1]:443",
        "::1",
        "fd00::/8",
        "2130706433",
        "0x7f.1",
        "http://[::1]/",
    ):
        with pytest.raises(SandboxError, match="is an address"):
            lines.entry(text, "here")


@given(st.text(max_size=40))
def test_what_a_line_is_told_to_be_is_one(text: str) -> None:
    try:
        lines.entry(text, "here")
    except SandboxError as error:
        if ": write " in error.what:
            lines.entry(error.what.rpartition(": write ")[2].strip('"'), "here")


@pytest.mark.parametrize("between", [",", ", ", " ", "\n", ";", " ;\n,\t"])
def test_the_short_form_is_divided_by_what_no_name_holds(tmp_path: Path, between: str) -> None:
    short = f"{between}a.example{between}b.example{between}"
    names = [entry.name for entry in read(tmp_path, "", EGRESS_ALLOW=short).entries]
    assert names == ["a.example", "b.example"]


def test_a_name_twice_is_fine_and_the_files_own_line_counts(tmp_path: Path) -> None:
    text = "allow: [{host: a.example, private: true}, A.example.]"
    policy = read(tmp_path, text, EGRESS_ALLOW="a.example")
    assert policy.decide("a.example", 443, "tls").private


def test_a_wildcard_without_quotes_is_told_to_need_them(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="line 2, column") as told:
        read(tmp_path, "allow:\n  - *.example.com\n")
    assert "into quotes" in told.value.fix


def test_a_section_that_is_there_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="line 2, column 1: 'allow' is there twice"):
        read(tmp_path, "allow: [a.example]\nallow: [b.example]\n")


def test_as_many_entries_as_there_may_be_are_taken(tmp_path: Path) -> None:
    text = "allow:\n" + "".join(f"- h{number}.example\n" for number in range(10_000))
    assert len(read(tmp_path, text).entries) == 10_000
    with pytest.raises(SandboxError, match="10001 entries"):
        read(tmp_path, text, EGRESS_ALLOW="one.more.example")


NO_FILES = {
    "it is no file": ("mkfifo", "$F"), "Is a directory": ("mkdir", "$F"),
    "a link to /no/such/place": ("ln", "-s", "/no/such/place", "$F"),
    "cannot be read: it is no file": ("ln", "-s", "/dev/zero", "$F"),
    "more than 4096 KiB": ("truncate", "-s", "100M", "$F"),
    "no UTF-8 text": ("cp", "/usr/bin/true", "$F"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "make"), NO_FILES.items(), ids=NO_FILES)
def test_what_is_no_file_is_neither_waited_for_nor_read(
    tmp_path: Path, words: str, make: tuple[str, ...]
) -> None:
    file = str(tmp_path / "egress.yml")
    subprocess.run([word.replace("$F", file) for word in make], check=True)
    with pytest.raises(SandboxError, match=words):
        policy_file.read({"EGRESS": "list"}, str(tmp_path))


@pytest.mark.as_user
def test_a_file_of_somebody_elses_is_told(tmp_path: Path) -> None:
    (tmp_path / "egress.yml").touch(0o000)
    with pytest.raises(SandboxError, match="Permission denied"):
        policy_file.read({"EGRESS": "list"}, str(tmp_path))


def test_a_link_to_a_list_is_followed(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("allow: [a.example]")
    (tmp_path / "egress.yml").symlink_to("list")
    assert policy_file.read({"EGRESS": "list"}, str(tmp_path)).entries


def test_an_unknown_mode_is_told(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="EGRESS='all' is not known"):
        read(tmp_path, "", EGRESS="all")


@given(st.text(alphabet="*.ab:0148", max_size=20))
def test_no_line_allows_a_whole_domain(text: str) -> None:
    try:
        entry = lines.entry(text, "here")
    except SandboxError:
        return
    assert entry.name.count(".") >= (2 if entry.name.startswith("*") else 0)
    with pytest.raises(Refusal):
        Policy("list", [entry]).decide("victim.test", entry.port, "connect")
