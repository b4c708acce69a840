"""init/tools.py: definitions, and which of them can be started."""

import marshal
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from init import tools
from init.errors import SandboxError
from init.formats import yaml_text
from init.tools import ConfigFile, Tool

FULL = """
one:
  title: The First
  command: [one, --flag, 1]
  headless: [run, "{prompt}"]
  environment: {A: "1", B: 2}
  state: [share/one]
  config: [{file: one.json, at: ~/.one.json}]
  seed: [{file: kept.json, at: "{data}/one/kept.json"}]
  api: messages
  context: 32768
two: {command: [two]}
"""
TWO = Tool("two", "two", ("two",), (), {}, (), ())
ONE = Tool(
    "one", "The First", ("one", "--flag", "1"), ("run", "{prompt}"), {"A": "1", "B": "2"}, ("share/one",),
    (ConfigFile("one.json", "~/.one.json"),),
    api="messages", context=32768, seed=(ConfigFile("kept.json", "{data}/one/kept.json"),),
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
    assert caught.value.what == "config/tools.yml is missing"
    assert caught.value.fix


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "config/tools.yml defines no tool"),
        (b"# only a comment", "config/tools.yml defines no tool"),
        (b"{}", "config/tools.yml defines no tool"),
        (b"text", "config/tools.yml: this is no mapping"),
        (b"[a, b]", "config/tools.yml: this is no mapping"),
        (b"a: [", "config/tools.yml is not valid: line 2, column 1: did not find"),
        (b"a: b: c", "config/tools.yml is not valid: line 1, column 5: mapping values"),
        (b"a:\n  b: \x01", "config/tools.yml is not valid: line 2, column 6: control characters"),
        (b"? [a]\n: b", "config/tools.yml is not valid: line 1, column 3: found unhashable key"),
        (b"a: &x [*x]", "config/tools.yml is not valid: line 1, column 4: found unconstructable"),
        (b"a: " + b"[" * 101, "config/tools.yml is not valid: line 1, column 103: it is nested too deeply"),
        (b"a: b\xff", "config/tools.yml is no UTF-8 text, from byte 4 on"),
        (b"a: !!python/object/apply:os.getcwd []", "config/tools.yml, a: this has no command"),
    ],
)
def test_what_is_no_mapping_in_yaml_is_refused(definitions: Path, content: bytes, what: str) -> None:
    definitions.write_bytes(content)
    with pytest.raises(SandboxError) as caught:
        tools.load(str(definitions))
    assert caught.value.what.startswith(what)
    assert caught.value.fix


@pytest.mark.parametrize(("make", "why"), [(Path.mkdir, "Is a directory"), (os.mkfifo, "it is no file")])
def test_a_file_that_is_none_is_refused(definitions: Path, make: Callable[[Path], None], why: str) -> None:
    make(definitions)
    with pytest.raises(SandboxError) as caught:
        tools.load(str(definitions))
    assert caught.value.what == f"config/tools.yml cannot be read: {why}"
    assert "UID" in caught.value.fix


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("null", ": this is no mapping"),
        ("text", ": this is no mapping"),
        ("[one]", ": this is no mapping"),
        ("{}", ": this has no command"),
        ("", ": this has no command"),
        ("{title: x}", ": this has no command"),
        ("{command: one}", ": this has command that is no list"),
        ("{command: {a: b}}", ": this has command that is no list"),
        ("{command: null}", ": this has command that is no list"),
        ("{command: []}", ": this has no command"),
        ('{command: [""]}', ": this has no command"),
        ("{command: [a, [b]]}", ".command[1]: this is no text"),
        ('{command: [a, "b\\0c"]}', ".command[1]: this holds a NUL character"),
        ("{command: [a], title: [b]}", ": this has title that is no text"),
        ("{command: [a], headless: b}", ": this has headless that is no list"),
        ("{command: [a], headless: [{b: c}]}", ".headless[0]: this is no text"),
        ("{command: [a], environment: b}", ".environment: this is no mapping"),
        ("{command: [a], environment: [b]}", ".environment: this is no mapping"),
        ("{command: [a], environment: null}", ".environment: this is no mapping"),
        ("{command: [a], environment: {A: [x]}}", ".environment: this has A that is no text"),
        ('{command: [a], environment: {A: "\\0"}}', ".environment.A: this holds a NUL character"),
        ("{command: [a], environment: {A=: x}}", ".environment: this has 'A=', not a name of a variable"),
        ('{command: [a], environment: {"": x}}', ".environment: this has '', not a name of a variable"),
        ("{command: [a], state: b}", ": this has state that is no list"),
        ("{command: [a], state: [[b]]}", ".state[0]: this is no text"),
        ('{command: [a], state: ["\\0"]}', ".state[0]: this holds a NUL character"),
        ("{command: [a], config: 7}", ": this has config that is no list"),
        ("{command: [a], config: [b]}", ".config[0]: this is no mapping"),
        ("{command: [a], config: [{file: b}]}", ".config[0]: this has no at"),
        ("{command: [a], config: [{file: b, at: c}, {at: c}]}", ".config[1]: this has no file"),
        ("{command: [a], config: [{file: b, at: [c]}]}", ".config[0]: this has at that is no text"),
        ("{command: [a], config: [{file: b, at: c, to: d}]}", ".config[0]: this has the unknown entry 'to'"),
        ("{command: [a], seed: [{at: c}]}", ".seed[0]: this has no file"),
        ("{command: [a], models: [b]}", ": this has models that is no text"),
        ("{command: [a], api: completions}", ": this has api: 'completions'"),
        ("{command: [a], api: [chat]}", ": this has api that is no text"),
        ("{command: [a], context: 32k}", ": this has context: '32k'"),
        ("{command: [a], context: -1}", ": this has context: '-1'"),
        ("{command: [a], context: 9999999999}", ": this has context: '9999999999'"),
        ("{command: [a], comand: [b]}", ": this has the unknown entry 'comand'"),
    ],
)  # fmt: skip
def test_a_malformed_entry_is_refused_with_its_place(definitions: Path, entry: str, what: str) -> None:
    definitions.write_text(f"fine: {{command: [a]}}\nodd: {entry}\n")
    with pytest.raises(SandboxError) as caught:
        tools.load(str(definitions))
    assert caught.value.what == f"config/tools.yml, odd{what}"
    assert caught.value.fix


@pytest.mark.parametrize("value", ["2026-99-99", "!!int x", "!!bool x", "!!timestamp x", "9" * 5000])
def test_a_value_that_yaml_cannot_convert_is_no_crash(definitions: Path, value: str) -> None:
    definitions.write_text(f"one: {{command: [one], environment: {{A: {value}}}}}\n")
    try:
        read = tools.load(str(definitions))
    except SandboxError:
        return
    assert read["one"].environment["A"]


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


def test_those_whose_programs_are_there_are_installed(programs: Path) -> None:
    assert tools.installed(DEFINED, str(programs)) == (ONE, TWO)


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


SHIPPED = Path(__file__).parents[2] / "config" / "tools.yml"
# What takes as long to load as the interpreter, or longer.
HEAVY = {"json", "re", "yaml", "typing", "pathlib", "structlog"}


def test_the_shipped_definitions_are_read_without_loading_what_takes_time(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(SHIPPED.parents[1])!r})
from init.formats import prebuilt
prebuilt.PATH = {str(tmp_path / "prebuilt")!r}
from init import tools
print(*tools.load({str(SHIPPED)!r}))
print(*sorted({HEAVY!r} & set(sys.modules)))
"""
    text = SHIPPED.read_text()
    (tmp_path / "prebuilt").write_bytes(marshal.dumps(({text: yaml_text.parse(text)}, {})))
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["opencode omp pi qwen codex claude copilot kimi", ""]


def test_every_file_that_a_tool_reads_is_shipped() -> None:
    let_in = (SHIPPED.parents[1] / ".dockerignore").read_text().splitlines()
    sources = {
        file.source for tool in tools.load(str(SHIPPED)).values() for file in (*tool.config, *tool.seed)
    }
    # Made when the image is built: the user's own may hold keys.
    ours = sorted(source for source in sources if not source.startswith("../") and source != "auth.json")
    assert [source for source in ours if not (SHIPPED.parent / source).is_file()] == []
    assert [source for source in ours if f"!config/{source}" not in let_in] == []
