"""config/egress.yml changed line by line: what the user wrote stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import amendment
from gateway.policy import Entry
from init.errors import SandboxError
from init.formats import yaml_text

# Before; after new.example was added; after the first item was removed from that.
CHANGED = {
    "nothing": ("", "allow:\n  - new.example\n", "allow:\n"),
    "comments": ("# mine\n", "# mine\nallow:\n  - new.example\n", "# mine\nallow:\n"),
    "a key without a value": (
        "allow:  # these\n  # none yet\n",
        "allow:  # these\n  - new.example\n  # none yet\n",
        "allow:  # these\n  # none yet\n",
    ),
    "an empty list": ("allow: []  # none\n", "allow: [new.example]  # none\n", "allow: []  # none\n"),
    "another key": (
        "profiles: [python]\n",
        "profiles: [python]\nallow:\n  - new.example\n",
        "profiles: [python]\nallow:\n",
    ),
    "lines": (
        "allow:\n- a.example # first\n\n# the end\n",
        "allow:\n- a.example # first\n- new.example\n\n# the end\n",
        "allow:\n- new.example\n\n# the end\n",
    ),
    "mappings on lines, and a key behind": (
        "allow:\n    - host: a.lan\n      private: true  # inside\nprofiles: [python]\n",
        "allow:\n    - host: a.lan\n      private: true  # inside\n    - new.example\nprofiles: [python]\n",
        "allow:\n    - new.example\nprofiles: [python]\n",
    ),
    "brackets": (
        'allow: [a.example, "*.b.example"]  # two\n',
        'allow: [a.example, "*.b.example", new.example]  # two\n',
        'allow: ["*.b.example", new.example]  # two\n',
    ),
    "brackets on lines": (
        "allow: [\n  a.example,  # first\n]\n",
        "allow: [\n  a.example, new.example,  # first\n]\n",
        "allow: [\n  new.example,  # first\n]\n",
    ),
    "no line end": ("allow:\n  - a.b", "allow:\n  - a.b\n  - new.example", "allow:\n  - new.example"),
    "a DOS file": (
        "allow:\r\n  - a.example\r\n# end\r\n",
        "allow:\r\n  - a.example\r\n  - new.example\r\n# end\r\n",
        "allow:\r\n  - new.example\r\n# end\r\n",
    ),
    "a byte order mark": (
        "\ufeffallow:\n  - a.example\n",
        "\ufeffallow:\n  - a.example\n  - new.example\n",
        "\ufeffallow:\n  - new.example\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "more", "less"), CHANGED.values(), ids=CHANGED)
def test_only_the_line_is_changed(before: str, more: str, less: str) -> None:
    assert amendment.added(before, "allow", "new.example") == more
    assert amendment.removed(more, "allow", 0) == less


ODD = {
    "an alias": "allow:\n  - &one a.example\n  - *one\n",
    "no mapping": "- a.example\n",
    "no YAML": "allow: [",
    "a text": "allow: a.example\n",
    "a mapping": "allow: {a: b}\n",
    "a mapping in braces": "{profiles: [python]}\n",
    "two documents": "allow: []\n---\nallow: []\n",
    "an end before the end": "profiles: [python]\n...\n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_is_not_as_expected_is_not_changed(text: str) -> None:
    with pytest.raises(SandboxError, match="is not changed"):
        amendment.added(text, "allow", "new.example")


def test_the_lines_are_those_of_an_editor() -> None:
    assert amendment.lines("# one\nallow:\n  - a.example\n\n  - {host: b.example}\n", "allow") == [3, 5]


ENTRIES = {
    "git.example.com": Entry("git.example.com"),
    '"*.cdn.example.com"': Entry("*.cdn.example.com"),
    '"mirror.example.com:8443"': Entry("mirror.example.com", 8443),
    '"plain.example.com:80"': Entry("plain.example.com", 80, tls=False),
    "{host: artifacts.lan, private: true}": Entry("artifacts.lan", private=True),
    '{host: "db.lan:5432", private: true, tls: false}': Entry("db.lan", 5432, private=True, tls=False),
    # What YAML 1.1 takes for a truth, or for a number, is text here.
    "on": Entry("on"),
    '"0x1f.9"': Entry("0x1f.9"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "entry"), ENTRIES.items(), ids=ENTRIES)
def test_an_entry_as_it_is_written(written: str, entry: Entry) -> None:
    assert amendment.written(entry) == written


NAMES = st.from_regex(r"[a-z]{1,8}\.example(:8443)?", fullmatch=True)
COMMENTS = st.sampled_from(["", "  # why", "\n  # on a line of its own"])


@given(st.lists(st.tuples(NAMES, COMMENTS), max_size=6), NAMES, st.data())
def test_comments_stay_and_the_meaning_is_what_was_asked_for(
    items: list[tuple[str, str]], new: str, data: st.DataObject
) -> None:
    before = "# mine\nallow:\n" + "".join(f'  - "{name}"{comment}\n' for name, comment in items) + "# end\n"
    after = amendment.added(before, "allow", f'"{new}"')
    names = [name for name, _ in items]
    assert yaml_text.parse(after) == {"allow": [*names, new]}
    assert after.replace(f'  - "{new}"\n', "", 1).count("#") == before.count("#")
    index = data.draw(st.integers(0, len(items)))
    assert amendment.found(amendment.removed(after, "allow", index), "allow") == [
        name for place, name in enumerate([*names, new]) if place != index
    ]
