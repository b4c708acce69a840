"""init/session/untold.py: what is read in data/ is anybody's word."""

import os
from pathlib import Path

import pytest

from init import log, output, paths
from init.errors import EX_UNTOLD
from init.session import untold


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "DATA", str(tmp_path))
    monkeypatch.setattr(paths, "UNTOLD", f"{tmp_path}/untold-report")
    monkeypatch.setattr(log, "_untold", [])
    log.configure(as_json=False)
    return tmp_path / "untold-report"


def fail_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel's own refusal: a device that is always full.
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as sys.stderr is
    monkeypatch.setattr("sys.stderr", full)


def test_what_is_told_once_steers_no_terminal(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept.write_bytes(b"\x1b]0;T\a\x1b[2J\xff\r\nsandbox: info: all is well\n" * 10_000)
    untold.tell()
    said = capsys.readouterr().err
    lines = said.splitlines()
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("> ") for line in lines[1:])
    assert len(lines) <= untold.MOST_LINES + 1
    assert not kept.exists()
    untold.tell()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "nothing"])
def test_what_is_no_file_is_not_read_and_gives_way(
    kept: Path, kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = kept.parent / "secret"
    secret.write_text("secret")
    match kind:
        case "pipe":
            os.mkfifo(kept)
        case "link":
            kept.symlink_to(secret)
        case "folder":
            (kept / "x").mkdir(parents=True)
    untold.tell()
    assert capsys.readouterr().err == ""
    fail_to_write(monkeypatch)
    log.warning("a thing to know")
    assert untold.settle(0) == EX_UNTOLD
    assert "a thing to know" in kept.read_text()
    assert secret.read_text() == "secret"


def test_it_is_kept_in_a_folder_that_was_made_read_only(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.parent.chmod(0o555)
    fail_to_write(monkeypatch)
    log.error("a thing to know", fix="Do.")
    assert untold.settle(3) == EX_UNTOLD
    assert kept.read_text() == "sandbox: error: a thing to know\n  Do."


def test_what_the_user_may_miss_changes_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_write(monkeypatch)
    log.info("nothing special")
    assert untold.settle(3) == 3
    assert not kept.exists()


def test_nothing_is_waited_for_twice(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that nobody reads: the first line takes its time, the rest none."""
    reader, writer = os.pipe()
    monkeypatch.setattr(output, "_left", 0.05)
    monkeypatch.setattr("sys.stderr", open(writer, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - as above
    while output.write(writer, b"x" * 4096):
        pass
    for n in range(100):
        log.warning(f"thing {n}")
    os.close(reader)
    assert len(log.untold()) == 100
    assert untold.settle(0) == EX_UNTOLD
    assert "thing 99" in kept.read_text()
