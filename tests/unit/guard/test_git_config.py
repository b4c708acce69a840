"""Git's configuration files, compared with git itself."""

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from init.guard import git_config

PIECES = st.sampled_from([
    "[core]", "[CORE]", '[core "a"]', '[Diff "A.b\\"c"]', "[filter.X]", "[a-b.c]", "[core\t \"x\" ]", "[",
    "]", "[]", '[core "fsmonitor\0"]', '[core "fsmonitor\0.y"]', "fsmonitor", "Key", "k-1", "=", " = ",
    "value", "!",
    '"', '""', '"a b"', '" "', "\\", "\\n", "\\t", "\\b", '\\"', "\\\\", "\\x", "\\\n", "\\\r\n",
    " ", "  ", "\t",
    "\n", "\n", "\n", "\r\n", "\r", "#", ";", "# c", "\ufeff", "\0", "é", "\udcff", "1", "-", ".", "\v", "\f",
])  # fmt: skip


SENSIBLE = st.builds("{}{}{}{}{}".format, st.sampled_from(["[core]", '[a "b"]', ""]), *[PIECES] * 4)


FILES = st.lists(
    st.one_of(PIECES, SENSIBLE, st.sampled_from(["\n[a]", "\nkey = ", '\n[A "b"] c = '])), max_size=20
)


def listed(content: bytes) -> list[tuple[str, str | None]] | None:
    """Return what git reads, or None if it refuses."""
    run = subprocess.run(
        ["git", "config", "-f", "-", "--list", "-z"], input=content, capture_output=True, check=False
    )
    if run.returncode:
        return None
    entries = os.fsdecode(run.stdout).split("\0")[:-1]
    return [
        plain(name, value if line else None) for name, line, value in (e.partition("\n") for e in entries)
    ]


def plain(name: str, value: str | None) -> tuple[str, str | None]:
    # Git 2.45 keeps the kind of blank that older ones turn into a space. Keys are compared in any case.
    head, dot, key = name.rpartition(".")
    return head + dot + key.lower(), value and value.replace("\t", " ").replace("\r", " ")


@settings(max_examples=400)
@given(FILES.map("".join))
def test_the_parser_reads_what_git_reads(text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    expected = listed(content)
    if expected is not None:
        assert [plain(entry.name, entry.value) for entry in git_config.parse(content)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "[core]\n\tfsmonitor = x", "[core] fsmonitor=x # c", "[core]fsmonitor",
        "\ufeff[core]\r\nfsmonitor = x\r\n", "[core]\nfsmonitor = a\\\n  b",
        "[a]k = \\\n = ", '[core]\nfsmonitor = "a # b" ; c',
        "[a][core]k=v", "[core.x] k=v",
        '[core "fsmonitor\0"] k = v', "[core]\nk = a\\\n", '[core]\nk = a "" ', "[core]\nk = \\\"a\\\"",
        "[core]\nk = a\\", '[core "\\x\\\\\\""]\nk = v', "[core]\nk=a\rb\r\n", "[core]\nk = a \\\n",
    ],
)  # fmt: skip
def test_the_parser_reads_these_as_git_does(text: str) -> None:
    expected = listed(text.encode())
    assert expected
    assert [plain(entry.name, entry.value) for entry in git_config.parse(text.encode())] == expected


@pytest.mark.parametrize("end", ["", "\n", "\\", "\\\n", " # c", "\n[b]"])
def test_settings_are_put_back_after_any_end(end: str) -> None:
    new = git_config.put_back(f"[a]\nk = v{end}".encode(), ["c.d"], {"c.d": ("e", None)})
    assert listed(new) == [("a.k", "v"), ("c.d", "e"), ("c.d", None)]


@given(FILES.map("".join))
def test_settings_are_taken_out_and_the_others_stay(text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    try:
        before = git_config.parse(content)
        names = sorted({entry.name for entry in before})[::2]
        after = git_config.parse(git_config.put_back(content, names, {}))
    except ValueError:
        return
    assert [entry[:2] for entry in after] == [entry[:2] for entry in before if entry.name not in names]


VALUES = st.none() | st.text(st.characters(blacklist_characters="\0\r", blacklist_categories=["Cs"]))


@given(
    FILES.map("".join),
    st.lists(VALUES, min_size=1).map(tuple),
    st.sampled_from(["core.editor", 'diff.a\\".b.c']),
)
def test_settings_are_put_back_so_that_git_reads_them(
    text: str, values: tuple[str | None, ...], name: str
) -> None:
    try:
        new = git_config.put_back(text.encode("utf-8", "surrogateescape"), [name], {name: values})
    except ValueError:
        return
    read = listed(new)
    assert read is None or [value for key, value in read if key == name] == [plain("", v)[1] for v in values]
