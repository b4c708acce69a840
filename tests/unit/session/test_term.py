"""init/session/term.py: a terminal that nobody knows."""

from pathlib import Path

import pytest

from init.session import term


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "xterm-kitty").touch()
    monkeypatch.setattr(term, "FOLDERS", (str(tmp_path / "none"), str(tmp_path)))
    return tmp_path


@pytest.mark.parametrize(
    "environ", [{}, {"TERM": ""}, {"TERM": "xterm-kitty"}, {"TERM": "odd", "TERMINFO": "hex:1a"}]
)
def test_a_known_name_and_none_at_all_stay(
    database: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(environ)
    term.settle(environ, str(database / "home"))
    assert (environ, capsys.readouterr().err) == (before, "")


@pytest.mark.parametrize("name", ["odd", "xterm-kitty/", "../x/xterm-kitty", "x/xterm-kitty", "\N{SNOWMAN}"])
def test_an_unknown_name_is_replaced_and_told(
    database: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"TERM": name}
    term.settle(environ, str(database / "home"))
    assert environ == {"TERM": "xterm-256color"}
    assert f"TERM={name} is not known" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["home/.terminfo", "own", "more"])
def test_entries_of_the_users_own_count(database: Path, place: str) -> None:
    (database / place / "o").mkdir(parents=True)
    (database / place / "o" / "odd").touch()
    environ = {"TERM": "odd", "TERMINFO": str(database / "own"), "TERMINFO_DIRS": f":{database}/more"}
    term.settle(environ, str(database / "home"))
    assert environ["TERM"] == "odd"
