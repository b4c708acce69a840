"""init/session/menu.py: the answer of whoever is at the terminal; a real one."""

import io
import os
from collections.abc import Iterator

import pytest

from init.session import menu
from init.tools import Tool

TOOLS = tuple(Tool(name, name.title(), (name,), (), {}, (), ()) for name in ("opencode", "omp", "2"))


class Terminal:
    """A pseudo-terminal: keys go in at one end, the menu reads the other."""

    def __init__(self) -> None:
        self.keyboard, self.screen = os.openpty()
        self.open = [self.keyboard, self.screen]
        self.out = io.StringIO()

    def ask(self, keys: bytes, timeout: float = 0) -> str | None:
        os.write(self.keyboard, keys)
        chosen = menu.ask(TOOLS, self.screen, self.out, timeout)
        return chosen.name if chosen else None

    def hang_up(self) -> None:
        os.close(self.keyboard)
        self.open.remove(self.keyboard)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    for descriptor in opened.open:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (b"1\n", "opencode"),
        (b"2\n", "omp"),
        (b" 2 \r", "omp"),
        (b"002\n", "omp"),
        (b"omp\n", "omp"),
        (b"\n", "opencode"),
        (b"9\n2\n", "omp"),
        (b"0\n-1\nOMP\nomp\n", "omp"),
        ("²\nno\xff\n".encode("latin-1") + b"\n", "opencode"),
        (b"3x\x7f\n", "2"),
    ],
)
@pytest.mark.parametrize("timeout", [0, 60])
def test_a_number_a_name_or_enter_chooses(terminal: Terminal, keys: bytes, name: str, timeout: float) -> None:
    assert terminal.ask(keys, timeout) == name


def test_the_menu_shows_numbers_names_and_titles(terminal: Terminal) -> None:
    terminal.ask(b"\n")
    shown = terminal.out.getvalue().splitlines()
    assert [line.split() for line in shown[1:4]] == [
        ["1)", "opencode", "Opencode"],
        ["2)", "omp", "Omp"],
        ["3)", "2", "2"],
    ]


def test_a_wrong_answer_is_told_and_asked_again(terminal: Terminal) -> None:
    terminal.ask(b"nonsense\n1\n")
    assert "'nonsense'" in terminal.out.getvalue()
    assert terminal.out.getvalue().count("Number or name") == 2


def test_what_was_typed_is_shown_without_control_characters(terminal: Terminal) -> None:
    terminal.ask(b"\x1b]0;title\x07\xc2\x9b2J\xe2\x80\xae\xff\n\n")
    assert terminal.out.getvalue().replace("\n", "").isprintable()
    assert terminal.out.getvalue().isascii()
    assert r"\x1b]0;title\x07" in terminal.out.getvalue()


@pytest.mark.parametrize("keys", [b"\x04", b"wrong\n\x04"])
def test_the_end_of_input_chooses_nothing(terminal: Terminal, keys: bytes) -> None:
    assert terminal.ask(keys) is None


def test_a_terminal_that_is_gone_chooses_nothing(terminal: Terminal) -> None:
    terminal.hang_up()
    assert menu.ask(TOOLS, terminal.screen, terminal.out) is None


def test_silence_takes_the_default_and_says_so(terminal: Terminal) -> None:
    assert terminal.ask(b"", timeout=0.01) == "opencode"
    assert "opencode is taken in 0.01 s" in terminal.out.getvalue()
    assert "No answer: opencode" in terminal.out.getvalue()


def test_a_wrong_answer_shows_that_somebody_is_there(terminal: Terminal) -> None:
    terminal.ask(b"wrong\n2\n", timeout=60)
    first, second = (part for part in terminal.out.getvalue().split("\n") if "Number" in part)
    assert "is taken in" in first
    assert "is taken in" not in second


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("", "opencode"), ("1", "opencode"), ("3", "2"), ("2", "omp"), ("omp", "omp"),
        ("0", None), ("4", None), ("-1", None), ("+1", None), ("1.0", None), ("\u0661", None), ("²", None),
        ("9" * 5000, None), ("open", None), ("OMP", None),
    ],
)  # fmt: skip
def test_what_an_answer_means(answer: str, name: str | None) -> None:
    chosen = menu.match(answer, TOOLS)
    assert (chosen.name if chosen else None) == name


class News:
    """Reasons that have come."""

    def __init__(self, reasons: dict[str, str]) -> None:
        self.reasons = reasons
        self.end, self.begin = os.pipe()
        os.write(self.begin, b"x")

    def fileno(self) -> int:
        return self.end

    def read(self) -> dict[str, str]:
        os.read(self.end, 1)
        return self.reasons


def ask_with(terminal: Terminal, news: News, keys: bytes = b"", timeout: float = 0) -> str | None:
    """Ask, and answer once the news are told."""

    class Out(io.StringIO):
        def write(self, text: str) -> int:
            if "\033[J" in text:
                os.write(terminal.keyboard, keys)
            return super().write(text)

    terminal.out = Out()
    if not news.reasons:
        os.write(terminal.keyboard, keys)
    chosen = menu.ask(TOOLS, terminal.screen, terminal.out, timeout, news=news)
    os.close(news.begin)
    os.close(news.end)
    return chosen.name if chosen else None


@pytest.mark.parametrize(
    ("reasons", "keys", "name"),
    [
        ({"opencode": "no API"}, b"\n", "omp"),
        ({"opencode": "no API"}, b"opencode\n3\n", "2"),
        ({"omp": "no API"}, b"2\n\n", "opencode"),
        ({"opencode": "a", "omp": "b", "2": "c"}, b"\n", "opencode"),
        ({}, b"2\n", "omp"),
    ],
    ids=["the default is one that can", "by its name", "by its number", "none can", "all can"],
)
def test_what_cannot_be_used_is_not_taken(
    terminal: Terminal, reasons: dict[str, str], keys: bytes, name: str
) -> None:
    assert ask_with(terminal, News(reasons), keys) == name


def test_what_cannot_be_used_is_grey_and_says_why(terminal: Terminal) -> None:
    ask_with(terminal, News({"omp": "the server has no /messages"}), b"2\n1\n")
    shown = terminal.out.getvalue()
    assert "\033[2m  2) omp       Omp: the server has no /messages\033[0m\n" in shown
    # Three tools and the line above them.
    assert "\r\033[4A\033[J" in shown
    assert "omp cannot be used: the server has no /messages. Another, please." in shown


def test_nothing_to_tell_changes_nothing(terminal: Terminal) -> None:
    assert ask_with(terminal, News({}), timeout=0.5) == "opencode"
    assert "\033" not in terminal.out.getvalue()
    assert terminal.out.getvalue().count("Number or name") == 1


def test_nobody_there_gets_the_first_that_can_be_used(terminal: Terminal) -> None:
    assert ask_with(terminal, News({"opencode": "no API"}), timeout=0.5) == "omp"
    assert "No answer: omp it is." in terminal.out.getvalue()
