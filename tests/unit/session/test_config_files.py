"""init/session/config_files.py: what is put in place for a tool."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from init import paths
from init.errors import SandboxError
from init.mounts import Mount
from init.session import config_files
from init.tools import ConfigFile, Tool

TOOL = Tool(
    "one", "One", ("one", "--flag"), (), {"MODE": "x", "CACHE": "{data}/c", "RC": "~/.rc"},
    ("share/one", "c"),
    (ConfigFile("one.json", "~/.config/one.json"), ConfigFile("../folder", "{data}/share/folder")),
)  # fmt: skip


def test_a_link_is_made_with_its_folders_and_stays(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    for _ in range(2):
        config_files.link("/etc/sandbox/config/../opencode/x", str(target))
        assert str(target.readlink()) == "/etc/sandbox/opencode/x"


def test_a_right_link_is_not_made_anew(tmp_path: Path) -> None:
    config_files.link("/x", str(tmp_path / "a"))
    before = (tmp_path / "a").lstat()
    config_files.link("/x", str(tmp_path / "a"))
    assert (tmp_path / "a").lstat() == before


def test_a_link_to_elsewhere_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("kept")
    (tmp_path / "a").symlink_to(tmp_path / "old")
    config_files.link("/x", str(tmp_path / "a"))
    assert str((tmp_path / "a").readlink()) == "/x"
    assert (tmp_path / "old").read_text() == "kept"


def test_what_else_is_there_is_moved_aside_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("planted")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        config_files.link("/x", str(tmp_path / name))
        assert str((tmp_path / name).readlink()) == "/x"
        assert f"{tmp_path}/{name} is not the sandbox's" in capsys.readouterr().err
    assert (tmp_path / "file.replaced").read_text() == "planted"


def test_a_closed_folder_is_opened_for_a_new_link_and_closed_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        config_files.link("/x", str(tmp_path / "links" / name), closable=True)
        assert (tmp_path / "links").stat().st_mode & 0o777 == 0o555


def test_a_mount_of_the_users_own_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HOME", str(home))
    (home / ".config").mkdir()
    config_files.install([TOOL], str(home), [Mount(f"{home}/.config", read_only=False)])
    assert list((home / ".config").iterdir()) == []
    assert (home / ".config").stat().st_mode & 0o200


def test_a_link_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        config_files.link("/x", str(tmp_path / "file" / "a"))


def test_state_folders_and_configuration_are_put_in_place(home: Path) -> None:
    for _ in range(2):
        config_files.install([TOOL], str(home), ())
    data, config = home.parent / "data", home.parent / "config"
    assert (data / "share" / "one").is_dir()
    assert (data / "c").is_dir()
    assert (home / ".config" / "one.json").readlink() == config / "one.json"
    assert (data / "share" / "folder").readlink() == config.parent / "folder"


SEEDED = TOOL._replace(config=(), seed=(ConfigFile("kept.json", "{data}/one/kept.json"),))


def test_a_file_that_the_tool_changes_itself_is_copied_once(home: Path) -> None:
    (home.parent / "config" / "kept.json").write_text("ours")
    config_files.install([SEEDED], str(home), ())
    kept = home.parent / "data" / "one" / "kept.json"
    assert kept.read_text() == "ours"
    assert kept.lstat().st_mode & 0o7777 == 0o600
    kept.write_text("theirs")
    config_files.install([SEEDED], str(home), ())
    assert kept.read_text() == "theirs"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("elsewhere")])
def test_what_is_in_the_place_of_a_copy_stays(home: Path, make: Callable[[Path], None]) -> None:
    (home.parent / "config" / "kept.json").write_text("ours")
    kept = home.parent / "data" / "one" / "kept.json"
    kept.parent.mkdir()
    make(kept)
    before = kept.lstat()
    config_files.install([SEEDED], str(home), ())
    assert kept.lstat() == before
    assert list(kept.parent.iterdir()) == [kept]


def test_a_pipe_to_copy_is_not_waited_for(home: Path) -> None:
    os.mkfifo(home.parent / "config" / "kept.json")
    with pytest.raises(SandboxError, match=r"config/kept\.json cannot be read: it is no file"):
        config_files.install([SEEDED], str(home), ())


def test_without_a_file_to_copy_nothing_is_made(home: Path) -> None:
    config_files.install([SEEDED], str(home), ())
    assert not (home.parent / "data" / "one").exists()


def test_a_tools_files_can_be_put_in_another_folder_than_data(home: Path, tmp_path: Path) -> None:
    """As the doctor does, whose sessions are none of the user's."""
    (home.parent / "config" / "kept.json").write_text("ours")
    rendered = Path(paths.rendered_folder(str(home)))
    rendered.mkdir(parents=True)
    (rendered / "one.json").write_text("{}")
    at = ConfigFile("one.json", "{data}/one/one.json")
    config_files.provide(SEEDED._replace(config=(at,)), str(home), str(tmp_path / "apart"))
    assert (tmp_path / "apart" / "share" / "one").is_dir()
    assert (tmp_path / "apart" / "one" / "one.json").readlink() == rendered / "one.json"
    assert (tmp_path / "apart" / "one" / "kept.json").read_text() == "ours"
    assert list((home.parent / "data").iterdir()) == []


@pytest.mark.parametrize("make", [Path.touch, os.mkfifo, lambda path: path.symlink_to("/nowhere")])
@pytest.mark.parametrize("name", ["share", "share/one"])
def test_what_is_in_the_way_of_a_state_folder_is_moved_aside_and_said(
    home: Path, make: Callable[[Path], None], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = home.parent / "data"
    (data / name).parent.mkdir(exist_ok=True)
    make(data / name)
    config_files.install([TOOL], str(home), ())
    assert (data / "share" / "one").is_dir()
    assert os.path.lexists(data / f"{name}.replaced")
    assert f"{data / name} is not the sandbox's" in capsys.readouterr().err


def test_a_state_folder_that_cannot_be_made_is_told(home: Path) -> None:
    (home.parent / "data" / "share.replaced").mkdir()
    (home.parent / "data" / "share").touch()
    with pytest.raises(SandboxError, match="cannot prepare one"):
        config_files.install([TOOL], str(home), ())


@pytest.fixture
def config(home: Path) -> Path:
    return home.parent / "config"


@pytest.fixture
def tool() -> Tool:
    return Tool("one", "One", ("one",), (), {}, (), (ConfigFile("one.json", "~/.one.json"),))


def test_a_valid_file_is_passed_in_silence(
    tool: Tool, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / "one.json").write_text('{"a": "é"}', encoding="utf-8")
    config_files.check(tool)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", [b'{\n"a": }', b'{\n"a": "\xff"}'])
def test_a_broken_file_stops_the_start(tool: Tool, config: Path, content: bytes) -> None:
    (config / "one.json").write_bytes(content)
    with pytest.raises(SandboxError, match=r"config/one\.json"):
        config_files.check(tool)


def test_a_pipe_is_not_waited_for(tool: Tool, config: Path) -> None:
    os.mkfifo(config / "one.json")
    with pytest.raises(SandboxError, match=r"config/one\.json cannot be read: it is no file"):
        config_files.check(tool)


@pytest.mark.usefixtures("config")
def test_a_missing_file_is_warned_of(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    config_files.check(tool)
    assert "warning: config/one.json is missing" in capsys.readouterr().err


def test_a_folder_is_not_parsed(tool: Tool, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config / "one.json").mkdir()
    config_files.check(tool)
    assert capsys.readouterr().err == ""


def test_a_link_that_leads_nowhere_is_no_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "CONFIG", str(tmp_path))
    (tmp_path / "one.json").symlink_to("/home/me/dotfiles/one.json")
    with pytest.raises(SandboxError, match=r"config/one\.json is a link to /home/me/dotfiles/one\.json"):
        config_files.check(TOOL)


@pytest.mark.skipif(
    not Path("/dev/mqueue").is_dir(), reason="no file system without symbolic links is mounted"
)
def test_a_file_system_without_links_is_told_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As exFAT and CIFS; symlink(2) names what a link leads to first."""
    monkeypatch.setattr(paths, "DATA", "/dev/mqueue")
    tool = TOOL._replace(state=(), config=(ConfigFile("one.json", "{data}/one.json"),))
    with pytest.raises(SandboxError, match=r"cannot prepare one: /dev/mqueue/one\.json") as raised:
        config_files.install((tool,), str(tmp_path), ())
    assert "knows no symbolic links" in raised.value.fix
