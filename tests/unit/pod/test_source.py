"""Where a task's workspace comes from: what is no source is refused; a folder; the lock."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from init.errors import SandboxError
from init.pod import source
from init.session import turn

COMMIT = "1" * 40


@pytest.mark.parametrize(
    ("url", "commit"),
    [
        ("https://git.example.com/shop.git", COMMIT),
        ("https://git.example.com:8443/a/b", "a" * 64),
        ("/source", ""),
    ],
)
def test_what_is_a_source(url: str, commit: str) -> None:
    source.check(url, commit)


@pytest.mark.parametrize(
    ("url", "commit", "words"),
    [
        ("", COMMIT, "neither an https URL nor"),
        ("http://git.example.com/x", COMMIT, "neither an https URL nor"),
        ("git@git.example.com:x", COMMIT, "neither an https URL nor"),
        ("ssh://git.example.com/x", COMMIT, "neither an https URL nor"),
        ("ext::sh -c id", COMMIT, "neither an https URL nor"),
        ("file:///etc", COMMIT, "neither an https URL nor"),
        ("-uevil", COMMIT, "neither an https URL nor"),
        ("https://", COMMIT, "neither an https URL nor"),
        ("https://[::1", COMMIT, "neither an https URL nor"),
        ("https://h/ a", COMMIT, "neither an https URL nor"),
        ("https://h/\n", COMMIT, "neither an https URL nor"),
        ("https://me:hunter2@h/x", COMMIT, "has a user"),
        ("https://me@h/x", COMMIT, "has a user"),
        ("https://h/x", "", "no whole ID"),
        ("https://h/x", "main", "no whole ID"),
        ("https://h/x", "--upload-pack=x", "no whole ID"),
        ("https://h/x", COMMIT[:-1], "no whole ID"),
        ("/source", COMMIT, "has no SANDBOX_COMMIT"),
    ],
)
def test_what_is_no_source(url: str, commit: str, words: str) -> None:
    with pytest.raises(SandboxError, match=words) as refused:
        source.check(url, commit)
    assert "hunter2" not in f"{refused.value.what} {refused.value.fix}"


def test_a_folder_is_copied_with_its_links_and_without_devices(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    (there / "below").mkdir(parents=True)
    here.mkdir()
    (there / "below" / "file").write_text("x\n")
    (there / "link").symlink_to("/etc/passwd")
    os.mkfifo(there / "pipe")
    source.copy(str(there), str(here))
    assert sorted(path.name for path in here.iterdir()) == ["below", "link"]
    assert (here / "link").readlink() == Path("/etc/passwd")
    assert (here / "below" / "file").read_text() == "x\n"


def test_the_origin_has_no_repository(tmp_path: Path) -> None:
    workspace, origin = tmp_path / "workspace", tmp_path / "origin"
    (workspace / ".git").mkdir(parents=True)
    (workspace / "below" / ".git").mkdir(parents=True)
    origin.mkdir()
    source.keep_origin(str(workspace), str(origin))
    assert sorted(str(path.relative_to(origin)) for path in origin.rglob("*")) == ["below", "below/.git"]


def test_who_waits_for_a_task_waits_for_its_end(tmp_path: Path) -> None:
    ended = threading.Event()

    def wait() -> None:
        turn.wait(str(tmp_path / "task"), 60.0)
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    held = turn.hold(str(tmp_path))
    other = os.open(tmp_path / "task", os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(other)
    assert not ended.is_set()
    os.close(held)
    waiting.join(60)
    assert ended.is_set()


def test_a_task_that_does_not_begin_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="has not begun"):
        turn.wait(str(tmp_path / "task"), 0.0)


def test_no_link_is_locked(tmp_path: Path) -> None:
    (tmp_path / ".task").symlink_to(tmp_path / "other")
    with pytest.raises(SandboxError, match="cannot be locked"):
        turn.hold(str(tmp_path))
    assert not (tmp_path / "other").exists()
