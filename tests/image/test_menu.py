"""The menu, as a person at a terminal meets it."""

from collections.abc import Callable, Iterator

import pytest

from tests.harness.engine import docker
from tests.harness.sandbox import Sandbox
from tests.harness.terminal import Terminal
from tests.harness.waiting import PATIENCE, wait_for

# Each tool says its name, so that a test can tell which was started.
TOOLS = """
first: {title: The first, command: [/bin/echo, started first]}
second: {title: The second, command: [/bin/echo, started second]}
"""
ASK = {"TOOLS": "first,second", "MENU_TIMEOUT": "0"}
PROMPT = "Number or name [1"

Open = Callable[..., Terminal]


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Open]:
    (sandbox.config / "tools.yml").write_text(TOOLS)
    terminals: list[Terminal] = []

    def start(**env: str) -> Terminal:
        command = sandbox.command(env={**ASK, **env}, options=())
        terminals.append(Terminal(command, sandbox.variables))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.child.close(force=True)


def test_the_menu_lists_the_tools_in_order(opened: Open) -> None:
    terminal = opened()
    terminal.wait_for("1) first   The first", "2) second  The second", PROMPT)
    terminal.type("\r")
    assert terminal.end() == 0


@pytest.mark.parametrize(
    ("keys", "started"),
    [("\r", "first"), ("1\r", "first"), ("2\r", "second"), ("second\r", "second"), (" 2 \r", "second")],
)
def test_an_answer_is_a_number_a_name_or_enter(opened: Open, keys: str, started: str) -> None:
    terminal = opened()
    terminal.wait_for(PROMPT)
    terminal.type(keys)
    terminal.wait_for(f"started {started}")
    assert terminal.end() == 0


@pytest.mark.parametrize("wrong", ["3", "0", "-1", "nope", "1x", "99999999999", "²", "\x1b[A"])
def test_anything_else_is_asked_again(opened: Open, wrong: str) -> None:
    terminal = opened()
    terminal.wait_for(PROMPT)
    terminal.type(f"{wrong}\r")
    terminal.wait_for("a number from 1 to 2 or a name, please.")
    terminal.type("2\r")
    terminal.wait_for("started second")
    assert terminal.end() == 0


def test_end_of_input_leaves(opened: Open) -> None:
    terminal = opened()
    terminal.wait_for(PROMPT)
    terminal.type("\x04")
    assert terminal.end() == 0
    assert "no tool chosen" in terminal.text
    assert "started" not in terminal.text


def test_ctrl_c_leaves(opened: Open) -> None:
    terminal = opened()
    terminal.wait_for(PROMPT)
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text


def test_nobody_there_gets_the_default_after_a_while(opened: Open) -> None:
    terminal = opened(MENU_TIMEOUT="0.5")
    terminal.wait_for("first is taken in 0.5 s", "No answer: first it is.", "started first")
    assert terminal.end() == 0


@pytest.mark.parametrize("env", [{"DEFAULT_TOOL": "second"}, {"TOOLS": "second"}])
def test_no_menu_where_there_is_nothing_to_ask(opened: Open, env: dict[str, str]) -> None:
    terminal = opened(**env)
    terminal.wait_for("started second")
    assert terminal.end() == 0
    assert "Which tool?" not in terminal.text


def test_without_a_terminal_the_first_is_taken_and_said(sandbox: Sandbox) -> None:
    (sandbox.config / "tools.yml").write_text(TOOLS)
    result = sandbox.run(env=ASK)
    assert (result.returncode, result.stdout) == (0, "started first\n")
    assert "no terminal to ask at: starting first, the first in TOOLS" in result.stderr


def test_a_terminal_without_stdin_gets_the_default_after_a_while(sandbox: Sandbox) -> None:
    (sandbox.config / "tools.yml").write_text(TOOLS)
    result = sandbox.plain("-t", env={**ASK, "MENU_TIMEOUT": "0.5"})
    assert result.returncode == 0
    assert "started first" in result.stdout


def test_docker_stop_ends_the_menu_at_once(sandbox: Sandbox) -> None:
    (sandbox.config / "tools.yml").write_text(TOOLS)
    terminal = Terminal(sandbox.command(env=ASK, options=("--name", sandbox.name)), sandbox.variables)
    terminal.wait_for(PROMPT)
    docker("stop", "--time", str(int(PATIENCE)), sandbox.name)
    assert terminal.end() == 143
    wait_for(lambda: sandbox.name not in docker("ps", "--format", "{{.Names}}"), "the container to be gone")
