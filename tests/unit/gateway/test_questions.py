"""What start.sh asks of the gateway's program."""

import os
from pathlib import Path
from typing import Any

import pytest

from gateway import profiles, questions
from gateway.profiles import Profile
from init.errors import SandboxError
from init.model.servers import Places

LIST = """# mine
allow:
  - git.example.com  # why
  - {host: artifacts.lan, private: true}
"""


@pytest.fixture(autouse=True)
def _profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"npm": Profile((("allow[0]", "npm.example.org"),), ""), "rust": Profile((), "it has no cargo")}
    monkeypatch.setattr(profiles, "read", lambda *_: known)
    for name in ("EGRESS", "EGRESS_ALLOW", "MODEL_URL", "MODEL_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "egress.yml").write_text(LIST)
    return Places(config=str(tmp_path), keys=str(tmp_path), shared=True)


def amend(places: Places, **asked: Any) -> tuple[str | None, list[str]]:
    told = questions.amend({"private": False, "tls": True, **asked}, places)
    assert told["before"] == questions.digest(places)
    return told["text"], told["notes"]


def test_what_is_shown(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGRESS", "list")
    monkeypatch.setenv("EGRESS_ALLOW", "short.example")
    monkeypatch.setenv("MODEL_URL", "http://10.0.0.13:8000")
    monkeypatch.setenv("MODEL_API_KEY", "s3cret")
    refused = [
        {"host": host, "port": 443, "way": "", "reason": reason}
        for host, reason in (
            ("git.example.com", "not-allowed"), ("x.example", "not-allowed"), ("a\033b", "not-allowed"),
            ("git.example.com", "private-address"), ("artifacts.lan", "private-address"),
        )
    ]  # fmt: skip
    told = questions.show({"refused": refused}, places)
    assert told["servers"] == [{"name": "local", "url": "http://10.0.0.13:8000", "has_key": True}]
    assert {entry["name"]: entry["source"] for entry in told["entries"]} == {
        "short.example": "EGRESS_ALLOW",
        "git.example.com": "config/egress.yml, line 3",
        "artifacts.lan": "config/egress.yml, line 4",
    }
    first, second = "config/egress.yml, line 3", "config/egress.yml, line 4"
    assert told["allowed"] == [first, "", "", "", second]
    assert "s3cret" not in str(told)


def test_what_is_wrong_is_shown_beside_what_is_not(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_URL", "http://10.0.0.13:8000")
    (Path(places.config) / "egress.yml").write_text("allow: ['*']")
    told = questions.show({}, places)
    assert "config/egress.yml" in told["problems"][0]["what"]
    assert told["servers"]
    assert told["entries"] == []


def test_a_list_that_is_a_pipe_is_not_waited_for(places: Places) -> None:
    file = Path(places.config) / "egress.yml"
    file.unlink()
    none = questions.digest(places)
    os.mkfifo(file)
    assert questions.digest(places) == none
    assert "it is no file" in questions.show({}, places)["problems"][0]["what"]


def test_names_are_allowed(places: Places) -> None:
    text, notes = amend(places, allow=["New.example.", "*.b.example:8443", "git.example.com"])
    assert text == f'{LIST}  - new.example\n  - "*.b.example:8443"\n'
    assert notes[0] == "allowed: new.example (config/egress.yml, line 5)"
    assert notes[2] == "git.example.com is there already"


def test_nothing_is_written_where_all_is_there(places: Places) -> None:
    assert amend(places, allow=["git.example.com"]) == (None, ["git.example.com is there already"])


def test_an_entry_of_another_kind_takes_the_place(places: Places) -> None:
    text, notes = amend(places, allow=["git.example.com"], private=True)
    # Of two the first would count.
    assert (
        text
        == LIST.replace("  - git.example.com  # why\n", "") + "  - {host: git.example.com, private: true}\n"
    )
    assert notes[0].startswith("changed: ")


def test_names_are_denied(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGRESS_ALLOW", "git.example.com")
    text, notes = amend(places, deny=["git.example.com", "nope.example"])
    assert text == LIST.replace("  - git.example.com  # why\n", "")
    assert notes == [
        "no longer allowed: git.example.com (was line 3)",
        "git.example.com is still allowed by EGRESS_ALLOW: take it out there",
        "nope.example is not in config/egress.yml, so there is nothing to take out",
    ]


def test_what_a_wildcard_still_allows_is_told(places: Places) -> None:
    (Path(places.config) / "egress.yml").write_text(
        'allow: [a.b.example, "*.b.example", "*.b.example:8443"]\n'
    )
    text, notes = amend(places, deny=["a.b.example"])
    assert text == 'allow: ["*.b.example", "*.b.example:8443"]\n'
    assert (
        notes[1]
        == "a.b.example is still allowed by *.b.example (config/egress.yml, line 1): take it out there"
    )
    assert len(amend(places, deny=["a.b.example", "*.b.example"])[1]) == 2


def test_profiles_are_allowed_and_denied(places: Places) -> None:
    text, notes = amend(places, allow=[], profiles=["npm"])
    assert text == f"{LIST}profiles:\n  - npm\n"
    assert notes == ["allowed: the profile npm"]
    (Path(places.config) / "egress.yml").write_text("profiles: [npm] # these\n")
    assert amend(places, deny=[], profiles=["npm"]) == (
        "profiles: [] # these\n",
        ["no longer allowed: the profile npm"],
    )


REFUSED = {
    "everything": ({"allow": ["*"]}, "or of all"),
    "a top-level domain": ({"allow": ["*.com"]}, "top-level domain"),
    "an address": ({"allow": ["10.0.0.1"]}, "is an address"),
    "a line more": ({"allow": ["a.example\n  - b.example"]}, "no name of a host"),
    "a private wildcard": ({"allow": ["*.a.example"], "private": True}, "is private"),
    "a profile that is none": ({"allow": [], "profiles": ["nix"]}, "no profile 'nix'"),
    "a profile that is empty": ({"allow": [], "profiles": ["rust"]}, "it has no cargo"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "words"), REFUSED.values(), ids=REFUSED)
def test_what_the_policy_refuses_is_not_written(places: Places, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        amend(places, **asked)


def test_a_list_that_is_broken_is_not_changed(places: Places) -> None:
    (Path(places.config) / "egress.yml").write_text("allow: [1.2.3.4]")
    with pytest.raises(SandboxError, match="is an address"):
        amend(places, allow=["a.example"])


def test_a_proposal_is_read_item_by_item(places: Places) -> None:
    listed = "a.example, '*', {host: b.lan:5432, private: yes, tls: no}, [x], {port: 1}"
    text = f"profiles: [npm, nix]\nallow: [{listed}]"
    told = questions.proposal({"text": text}, places)
    assert [(entry["name"], entry["port"], entry["private"], entry["tls"]) for entry in told["entries"]] == [
        ("a.example", 443, False, True), ("b.lan", 5432, True, False),
    ]  # fmt: skip
    assert told["profiles"] == ["npm"]
    assert len(told["refused"]) == 4
    assert "'nix'" in told["refused"][-1]


def test_a_proposal_of_many_is_cut(places: Places) -> None:
    told = questions.proposal({"text": f"allow: [{'a.example, ' * 300}]"}, places)
    assert (len(told["entries"]), told["left"]) == (200, 100)


@pytest.mark.parametrize("text", ["- a", "allow: {a: b}", "allow: [", "[" * 2000, "", "a: &a [*a]", "0"])
def test_a_proposal_that_is_none_is_told(places: Places, text: str) -> None:
    with pytest.raises(SandboxError):
        questions.proposal({"text": text}, places)
