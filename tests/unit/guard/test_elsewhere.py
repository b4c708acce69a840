"""What of a workspace leads nowhere in the container."""

from pathlib import Path

import pytest

from init.guard import elsewhere
from init.guard.elsewhere import Lead


def test_what_leads_out_and_what_does_not(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / ".git" / "modules" / "b").mkdir(parents=True)
    (tmp_path / "a" / ".git").write_text("gitdir: /host/main/.git/worktrees/a\n")
    (tmp_path / "a" / "b" / ".git").write_text("gitdir: ../../.git/modules/b\n")
    (tmp_path / "out").symlink_to("/host/notes")
    (tmp_path / "in").symlink_to("a")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x").symlink_to("/nowhere")
    (tmp_path / "a" / "b" / "c" / "deep").symlink_to("/nowhere")
    found = sorted(elsewhere.look(str(tmp_path)), key=lambda lead: lead.path)
    assert found == [
        Lead("a/.git", "/host/main/.git/worktrees/a", of_git=True),
        Lead("out", "/host/notes", of_git=False),
    ]


@pytest.mark.as_user
def test_what_cannot_be_read_hides_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / ".git").touch(mode=0)
    for name in ("a", "z"):
        (tmp_path / name).symlink_to("/nowhere")
    assert {lead.path for lead in elsewhere.look(str(tmp_path))} == {"a", "z"}


@pytest.mark.parametrize(
    "data", [b"", b"gitdir:", b"gitdir: a\0b", b"\xff" * 5000, b"gitdir: " + b"x/" * 4096]
)
def test_an_odd_pointer_is_no_fault(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".git").write_bytes(data)
    elsewhere.tell(str(tmp_path))


def test_what_is_told_is_short_and_has_no_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}\x1b]0;x\a").symlink_to("/nowhere")
    elsewhere.tell(str(tmp_path))
    told = capsys.readouterr().err
    assert "and 15 more" in told
    assert "\x1b]" not in told


def test_beside_a_copy_no_repository_is_mounted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".git").write_text("gitdir: /home/me/main/.git/worktrees/tree\n")
    elsewhere.tell(str(tmp_path), copy=True)
    told = capsys.readouterr().err
    assert "git does not work" in told
    assert "Make the copy of the main checkout" in told
