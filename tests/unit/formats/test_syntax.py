"""init/formats/syntax.py: what is wrong with a configuration file, and what it holds."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.formats import syntax, yaml_text

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)
TEXT = st.one_of(st.text(), st.text('{}[]",:/*\\\n 1ab-#&!%|'))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a": 1} // end',
        '// start\n{"a": 1}',
        '/* start\n * still */ {"a": 1}',
        '{"a": 1, // why\n "b": 2}',
        '{"a": /* why */ 1}',
        '{"a": 1,}',
        '{"a": [1, 2,\n],\n}',
        '{"a": [1, // the last\n]}',
        '{"a": 1, /* the last */ }',
        '{"a": 1, // the last\n // of all\n}',
        '{"url": "http://host:8000/v1"}',
        '{"a": "/* no comment */", "b": "// none"}',
        '{"a": "quoted \\" // still text", "b": "\\\\"} // end',
        '{"a": "no trailing ,}", "b": ",]"}',
        '{"a": 1 /* , */}',
        '{"a": 1 /**/, "b": "*/"}',
        '{"a": 1} // "unbalanced',
        '{"a": 1} /* "unbalanced */',
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonc"])
def test_json_may_have_comments_and_trailing_commas(name: str, text: str) -> None:
    assert syntax.fault(name, text) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("{", 1),
        ('{\n "a": 1\n "b": 2\n}', 3),
        ('// one\n/* two\n three */\n{"a": }', 4),
        ('{\n "a": 1, // fine\n "b": tru,\n}', 3),
        ('{\n "a": "http://x",\n "b"\n}', 4),
        ('{\n "a": "open,\n "b": 1\n}', 2),
        ('{"a": 1} /* open', 1),
        ("[1,,]", 1),
        ("{'a': 1}", 1),
        ('{"a": 1}\n{"b": 2}', 2),
    ],
)
def test_a_fault_in_json_is_told_with_its_line(text: str, line: int) -> None:
    assert (syntax.fault("a.json", text) or "").startswith(f"line {line},")


def test_a_column_is_not_moved_by_a_comment() -> None:
    assert (syntax.fault("a.json", '{"a": /* é */ tru}') or "").startswith("line 1, column 15:")


@given(JSON, st.sampled_from([None, 2]))
def test_what_json_itself_writes_is_valid(value: object, indent: int | None) -> None:
    assert syntax.fault("a.json", json.dumps(value, indent=indent)) is None
    assert syntax.fault("a.json", json.dumps(value, indent=indent, ensure_ascii=False)) is None


@pytest.mark.parametrize(
    "text", ["", "a: 1\n", "# only a comment\n", "a: [1, 2]\nb: {c: d}\n", "a: |\n  - b: [\n"]
)
@pytest.mark.parametrize("name", ["a.yml", "a.yaml"])
def test_valid_yaml_has_no_fault(name: str, text: str) -> None:
    assert syntax.fault(name, text) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\nb: c: d\n", 2), ("a:\n  - b\n c: d\n", 3), ("a: 1\n\tb: 2\n", 2), ("a: *b\n", 1)],
)
def test_a_fault_in_yaml_is_told_with_its_line(text: str, line: int) -> None:
    assert (syntax.fault("a.yml", text) or "").startswith(f"line {line},")


@pytest.mark.parametrize("depth", [101, 900, 100_000], ids=str)
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "a: [", "? "])
def test_yaml_that_is_nested_too_deeply_is_told_of(opening: str, depth: int) -> None:
    fault = syntax.fault("a.yml", f"\n{opening * depth}") or ""
    assert fault.startswith("line 2, column "), fault
    assert fault.endswith("nested too deeply"), fault


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 3000))]),
            "nested too deeply",
        ),
        ("\n".join(["a0: &a0 {x: y}", *(f"a{n}: &a{n} {{x: *a{n - 1}}}" for n in range(1, 3000))]), "deeply"),
        (
            "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]),
            "too much",
        ),
        ("a: &a [*a]", "recursive"),
        ("a: &a {b: {c: *a}}", "recursive"),
    ],
)
def test_aliases_that_grow_beyond_bounds_are_told_with_their_line(text: str, why: str) -> None:
    fault = syntax.fault("a.yml", text)
    assert fault is not None
    assert fault.startswith("line ")
    assert why in fault
    with pytest.raises(ValueError, match=why):
        syntax.content("a.yml", text)


def test_aliases_are_of_use() -> None:
    assert syntax.content("a.yml", "a: &a {x: 1}\nb: &b [*a, *a]\nc: *b")["c"] == [{"x": 1}, {"x": 1}]


def test_what_is_nested_as_deeply_as_allowed_is_read() -> None:
    text = "[" * 100 + "]" * 100
    assert syntax.fault("a.yml", text) is None
    assert syntax.content("a.yml", text)


@pytest.mark.parametrize("value", ["2026-99-99", "!!int x", "!!bool x", "!!timestamp x", "9" * 5000])
@pytest.mark.parametrize("name", ["a.json", "a.yml"])
def test_a_value_that_cannot_be_converted_is_no_crash(name: str, value: str) -> None:
    syntax.fault(name, value)


@given(st.sampled_from(["a.json", "a.yml"]), TEXT)
def test_any_text_is_judged_without_a_crash(name: str, text: str) -> None:
    fault = syntax.fault(name, text)
    assert fault is None or fault


def test_files_of_other_kinds_are_not_judged() -> None:
    assert syntax.fault("AGENTS.md", "{[") is None


@pytest.mark.parametrize(
    ("name", "text", "content"),
    [
        ("a.json", '{"a": 1, // b\n "c": [1,],}', {"a": 1, "c": [1]}),
        ("a.yml", "on: yes\nno: off\nx: true", {"on": "yes", "no": "off", "x": True}),
        ("a.yml", "a: 32768\nb: 010\nc: 1:30", {"a": 32768, "b": 10, "c": "1:30"}),
        ("a.yml", "d: 1.5\ne: ~\nf: 2026-11-23", {"d": 1.5, "e": None, "f": "2026-11-23"}),
        ("a.yml", "", None),
        ("a.yml", "a: 'true'", {"a": "true"}),
    ],
)
def test_what_a_file_holds_is_read_as_the_tools_read_it(name: str, text: str, content: object) -> None:
    assert syntax.content(name, text) == content


def test_what_cannot_be_read_is_told_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"^line 1, column 6"):
        syntax.content("a.json", '{"a" 1}')


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", f"[{'9' * 5000}]", "too many digits"),
        ("a.yml", f"a: {'9' * 5000}", "too long a number"),
        ("a.yml", "a: !!int x", "not what its tag says"),
        ("a.yml", "a: !!bool x", "not what its tag says"),
        ("a.yml", "\na: !own x", "line 2, column 4: could not determine a constructor for the tag '!own'"),
        ("a.yml", "a: !!set {x}", "line 1, column 4: could not determine"),
        ("a.yml", "a: !!timestamp 2026-11-23", "line 1, column 4: could not determine"),
        ("a.yml", "a: !!binary aGk=", "line 1, column 4: could not determine"),
    ],
)
def test_a_value_that_json_cannot_hold_is_told(name: str, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        syntax.content(name, text)


@given(st.sampled_from(["a.json", "a.yml"]), TEXT)
def test_what_any_text_holds_can_be_written_as_json_or_is_told(name: str, text: str) -> None:
    try:
        content = syntax.content(name, text)
    except ValueError:
        return
    json.dumps(content)


TWICE = "a: {b: 1, c: [b, b], d: {b: 1}}\nb: 2\n"


def test_a_name_may_be_there_once_in_each_mapping() -> None:
    assert yaml_text.parse(TWICE)
    for text, place in (
        (f"{TWICE}a: 3\n", "line 3, column 1: 'a'"),
        ("x: [{a: 1, b: 2, a: 3}]", "line 1, column 18"),
    ):
        with pytest.raises(ValueError, match=place):
            yaml_text.parse(text)
        assert yaml_text.parse(text, twice=True)


def test_every_value_has_its_place() -> None:
    assert yaml_text.places("a:\n  - b\n  - {c: d}\ne: &x [f]\ng: *x\n") == {
        "a": "line 1, column 1", "a[0]": "line 2, column 5", "a[1]": "line 3, column 5",
        "a[1].c": "line 3, column 6", "e": "line 4, column 1", "e[0]": "line 4, column 8",
        "g": "line 5, column 1", "g[0]": "line 4, column 8",
    }  # fmt: skip
    assert yaml_text.places("") == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('a = 1\n[b]\n"c d" = {e = "f"} # why', None),
        ("", None),
        ("a = 1\nb 2", "line 2, column 3: Expected '=' after a key"),
        ("a = 1\na = 2\n", "line 2, column 6: Cannot overwrite a value"),
        ('a = "', "end of document: Unterminated string"),
        ("a = " + "[" * 2000, "it is nested too deeply"),
    ],
)
def test_toml_is_read_and_its_faults_are_told_with_their_place(text: str, fault: str | None) -> None:
    found = syntax.fault("a.toml", text)
    assert found == fault if fault is None else str(found).startswith(fault)


def test_toml_content_keeps_its_types() -> None:
    assert syntax.content("a.toml", 'a = 1\n[b]\nc = [true, "x"]') == {"a": 1, "b": {"c": [True, "x"]}}
    with pytest.raises(ValueError, match="end of document"):
        syntax.content("a.toml", "a =")
