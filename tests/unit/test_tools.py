"""init/tools.py: definitions, and which of them can be started."""

from pathlib import Path

import pytest

from init import tools
from init.errors import SandboxError
from init.tools import ConfigFile, Tool

FULL = """
one:
  title: The First
  command: [one, --flag, 1]
  headless: [run, "{prompt}"]
  environment: {A: "1", B: 2}
  state: [share/one]
  config: [{file: one.json, at: ~/.one.json}]
two: {command: [two]}
"""
TWO = Tool("two", "two", ("two",), (), {}, (), ())
ONE = Tool(
    "one", "The First", ("one", "--flag", "1"), ("run", "{prompt}"), {"A": "1", "B": "2"}, ("share/one",),
    (ConfigFile("one.json", "~/.one.json"),),
)  # fmt: skip
DEFINED = {
    tool.name: tool
    for tool in (
        ONE,
        TWO,
        TWO._replace(name="gone", command=("gone",)),
        TWO._replace(name="..", command=("one",)),
    )
}


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    return tmp_path / "tools.yml"


def test_definitions_are_read_in_their_order(definitions: Path) -> None:
    definitions.write_text(FULL)
    assert list(tools.load(str(definitions)).values()) == [ONE, TWO]


def test_a_missing_file_is_an_error_that_names_it(definitions: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        tools.load(str(definitions))
    assert str(definitions) in caught.value.fix


@pytest.mark.parametrize(
    "content",
    [
        b"", b"text", b"[a, b]", b"a: [", b"\xff\xfe\xfd", b"a: \x01",
        b"a: !!python/object/apply:os.getcwd []",
    ],
)  # fmt: skip
def test_what_is_no_mapping_in_yaml_is_refused(definitions: Path, content: bytes) -> None:
    definitions.write_bytes(content)
    with pytest.raises(SandboxError, match="definition"):
        tools.load(str(definitions))


@pytest.mark.parametrize(
    "entry",
    [
        "null", "text", "[one]", "{}", "{title: x}", "{command: one}", "{command: []}", "{command: null}",
        "{command: [a], headless: b}", "{command: [a], state: b}", "{command: [a], environment: b}",
        "{command: [a], environment: null}", "{command: [a], config: [b]}",
        "{command: [a], config: [{file: b}]}", "{command: [a], config: 7}", "{command: [a], comand: [b]}",
    ],
)  # fmt: skip
def test_a_malformed_entry_is_refused_by_name(definitions: Path, entry: str) -> None:
    definitions.write_text(f"fine: {{command: [a]}}\nodd: {entry}\n")
    with pytest.raises(SandboxError, match="'odd'"):
        tools.load(str(definitions))


@pytest.mark.parametrize("value", ["2026-99-99", "!!int x", "!!bool x", "!!timestamp x", "9" * 5000])
def test_a_value_that_yaml_cannot_convert_is_no_crash(definitions: Path, value: str) -> None:
    definitions.write_text(f"one: {{command: [one], environment: {{A: {value}}}}}\n")
    try:
        read = tools.load(str(definitions))
    except SandboxError:
        return
    assert read["one"].environment["A"]


def test_an_unknown_key_is_named(definitions: Path) -> None:
    definitions.write_text("odd: {command: [a], comand: [b]}\n")
    with pytest.raises(SandboxError, match="comand"):
        tools.load(str(definitions))


@pytest.mark.parametrize(
    ("names", "usable"),
    [
        (("two", "one"), [TWO, ONE]),
        (("one",), [ONE]),
        (("one", "unknown", "two"), [ONE, TWO]),
        (None, [ONE, TWO]),
    ],
)
def test_the_order_of_the_names_is_kept(
    programs: Path, names: tuple[str, ...] | None, usable: list[Tool]
) -> None:
    assert list(tools.available(DEFINED, names, str(programs))) == usable


@pytest.mark.parametrize(
    "name",
    ["gone", "unknown", "cd", "..", ".", "-one", "One", "one two", "../one", "\x1b[2J", "öne", "o" * 65],
)
def test_what_cannot_be_started_is_skipped_with_a_warning(
    programs: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert tools.available(DEFINED, (name, "one"), str(programs)) == (ONE,)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "warning" in said
    assert said.strip().isprintable()


def test_no_tool_left_is_an_error_that_names_those_defined(programs: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        tools.available(DEFINED, ("gone",), str(programs))
    assert "one, two" in caught.value.fix


def test_a_tool_is_named_among_those_available() -> None:
    assert tools.named("two", (ONE, TWO)) == TWO
    with pytest.raises(SandboxError, match="'three'") as caught:
        tools.named("three", (ONE, TWO))
    assert "one, two" in caught.value.fix


@pytest.mark.parametrize("name", ["text", "folder", "nothing", ""])
def test_only_an_executable_file_is_located(programs: Path, name: str) -> None:
    assert tools.locate(name, str(programs)) is None


def test_the_first_directory_wins(programs: Path, tmp_path: Path) -> None:
    assert tools.locate("one", f"{tmp_path}/nothing:{programs}:{tmp_path}") == f"{programs}/one"
    assert tools.locate(f"{programs}/two", "/bin") == f"{programs}/two"
