"""The user's list, replaced."""

import hashlib
import os
from pathlib import Path

import pytest

from host import list_file
from host.errors import HostError


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_list_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "egress.yml"
    file.write_text("old")
    file.chmod(0o640)
    assert list_file.replace(file, "new", digest("old")) == digest("new")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.as_root
def test_a_list_keeps_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "egress.yml"
    file.write_text("old")
    os.chown(file, 1234, 2345)
    list_file.replace(file, "new", digest("old"))
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 2345)


def test_a_list_that_was_not_there_can_be_read_by_the_gateway(tmp_path: Path) -> None:
    list_file.replace(tmp_path / "egress.yml", "new", digest(""))
    assert (tmp_path / "egress.yml").stat().st_mode & 0o777 == 0o644


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "mine.yml", tmp_path / "egress.yml"
    target.write_text("old")
    link.symlink_to("mine.yml")
    list_file.replace(link, "new", digest("old"))
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_what_somebody_else_changes_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "egress.yml"
    file.write_text("theirs")
    with pytest.raises(HostError, match="somebody else changes it"):
        list_file.replace(file, "new", digest("old"))
    assert file.read_text() == "theirs"


@pytest.mark.as_user
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(HostError, match="is not changed: Permission denied"):
        list_file.replace(tmp_path / "egress.yml", "new", digest(""))
    tmp_path.chmod(0o755)
