"""init/formats/small_file.py: what is read of a file of the user's, and what never is."""

import subprocess
from pathlib import Path

import pytest

from init.formats import small_file

NO_FILES = {
    "it is no file": ("mkfifo", "$F"), "Is a directory": ("mkdir", "$F"),
    "it is no file: .*zero": ("ln", "-s", "/dev/zero", "zero"),
    "more than 1 KiB": ("truncate", "-s", "1025", "$F"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "make"), NO_FILES.items(), ids=NO_FILES)
def test_what_is_no_file_or_too_large_is_refused(tmp_path: Path, words: str, make: tuple[str, ...]) -> None:
    subprocess.run([word.replace("$F", "file") for word in make], cwd=tmp_path, check=True)
    path = next(tmp_path.iterdir())
    with pytest.raises(OSError, match=words):
        small_file.read(str(path), 1 << 10)


def test_as_much_as_there_may_be_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1024)
    assert small_file.read(str(tmp_path / "file"), 1 << 10) == b"x" * 1024


def test_what_is_mounted_over_a_file_to_hide_it_is_an_empty_one() -> None:
    assert small_file.text("/dev/null") == ""


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_of_any_system_ends_with_a_newline(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "file").write_bytes(b"\xc3\xa9" + end + b"b" + end)
    assert small_file.text(str(tmp_path / "file")) == "é\nb\n"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        small_file.text(str(tmp_path / "file"))
