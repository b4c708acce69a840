"""init/launch.py: what a tool is started with."""

import os
from pathlib import Path

import pytest

from init import launch
from init.errors import SandboxError
from init.mounts import Mount
from init.tools import ConfigFile, Tool

TOOL = Tool(
    "one", "One", ("one", "--flag"), (), {"MODE": "x", "CACHE": "{data}/c", "RC": "~/.rc"},
    ("share/one", "c"),
    (ConfigFile("one.json", "~/.config/one.json"), ConfigFile("../folder", "{data}/share/folder")),
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put home, workspace/, data/ and config/ where the tests may make them."""
    for name in ("HOME", "WORKSPACE", "DATA", "CONFIG"):
        monkeypatch.setattr(launch, name, str(tmp_path / name.lower()))
        (tmp_path / name.lower()).mkdir()
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("~/.rc", "/h/.rc"),
        ("~/", "/h/"),
        ("{data}/share", "/home/agent/data/share"),
        ("{data}", "/home/agent/data"),
        ("/etc/rc", "/etc/rc"),
        ("a~/b", "a~/b"),
        ("a{data}", "a{data}"),
        ("~other/.rc", "~other/.rc"),
        ("", ""),
    ],
)
def test_a_leading_tilde_is_home_and_a_leading_data_is_data(template: str, place: str) -> None:
    assert launch.place(template, "/h") == place


def test_a_link_is_made_with_its_folders_and_stays(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    for _ in range(2):
        launch.link("/etc/sandbox/config/../opencode/x", str(target))
        assert str(target.readlink()) == "/etc/sandbox/opencode/x"


def test_a_right_link_is_not_made_anew(tmp_path: Path) -> None:
    launch.link("/x", str(tmp_path / "a"))
    before = (tmp_path / "a").lstat()
    launch.link("/x", str(tmp_path / "a"))
    assert (tmp_path / "a").lstat() == before


def test_a_link_to_elsewhere_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("kept")
    (tmp_path / "a").symlink_to(tmp_path / "old")
    launch.link("/x", str(tmp_path / "a"))
    assert str((tmp_path / "a").readlink()) == "/x"
    assert (tmp_path / "old").read_text() == "kept"


def test_what_else_is_there_is_moved_aside_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("planted")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        launch.link("/x", str(tmp_path / name))
        assert str((tmp_path / name).readlink()) == "/x"
        assert f"{tmp_path}/{name} is not the sandbox's" in capsys.readouterr().err
    assert (tmp_path / "file.replaced").read_text() == "planted"


def test_a_closed_folder_is_opened_for_a_new_link_and_closed_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        launch.link("/x", str(tmp_path / "links" / name), closable=True)
        assert (tmp_path / "links").stat().st_mode & 0o777 == 0o555


def test_a_mount_of_the_users_own_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "HOME", str(home))
    (home / ".config").mkdir()
    launch.install_files([TOOL], str(home), [Mount(f"{home}/.config", read_only=False)])
    assert list((home / ".config").iterdir()) == []
    assert (home / ".config").stat().st_mode & 0o200


def test_a_link_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        launch.link("/x", str(tmp_path / "file" / "a"))


def test_state_folders_and_configuration_are_put_in_place(home: Path) -> None:
    for _ in range(2):
        launch.install_files([TOOL], str(home), ())
    data, config = home.parent / "data", home.parent / "config"
    assert (data / "share" / "one").is_dir()
    assert (data / "c").is_dir()
    assert (home / ".config" / "one.json").readlink() == config / "one.json"
    assert (data / "share" / "folder").readlink() == config.parent / "folder"


def test_a_file_in_the_way_of_a_state_folder_is_told(home: Path) -> None:
    (home.parent / "data" / "share").touch()
    with pytest.raises(SandboxError, match="cannot prepare one"):
        launch.install_files([TOOL], str(home), ())


def test_the_tool_gets_the_containers_variables_its_own_and_the_agents() -> None:
    given = {"LANG": "C.UTF-8", "PATH": "/evil", "HOME": "/root", "MODE": "y", "KEY": "a=b\n"}
    made = launch.environment(TOOL, "/h", given)
    assert made["LANG"] == "C.UTF-8"
    assert made["KEY"] == "a=b\n"
    assert (made["PATH"], made["HOME"]) == (launch.PATH, "/h")
    assert (made["MODE"], made["CACHE"], made["RC"]) == ("x", "/home/agent/data/c", "/h/.rc")
    assert made["USER"] == made["LOGNAME"] != ""
    assert given["PATH"] == "/evil"


def test_what_the_agent_can_write_comes_last_on_its_path() -> None:
    writable = [entry.startswith("/home/") for entry in launch.PATH.split(":")]
    assert writable == sorted(writable)
    assert all(entry.startswith("/") for entry in launch.PATH.split(":"))


def test_arguments_are_passed_on_as_they_are(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "PATH", str(programs))
    started = launch.command(TOOL, ["a b", "", "--", "$(c)", "*"], "/h", {})
    assert started.argv == (f"{programs}/one", "--flag", "a b", "", "--", "$(c)", "*")
    assert started.directory == "/home/agent/workspace"
    assert started.environ["HOME"] == "/h"


def test_home_is_the_agents_where_it_can_be_written(home: Path) -> None:
    assert launch.home() == str(home)


def places(home: Path, *, read_only: bool = False) -> tuple[Mount, ...]:
    return (
        Mount(str(home.parent / "workspace"), read_only),
        Mount(str(home.parent / "data"), read_only=False),
    )


def test_writable_places_are_passed_in_silence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launch.check_places(places(home))
    assert capsys.readouterr().err == ""
    assert not any((home.parent / "workspace").iterdir())


@pytest.mark.parametrize(
    ("mounted", "words"), [(False, "no workspace is mounted"), (True, "mounted read-only")]
)
def test_a_workspace_that_keeps_nothing_is_warned_of(
    home: Path, capsys: pytest.CaptureFixture[str], mounted: bool, words: str
) -> None:
    launch.check_places(places(home, read_only=True) if mounted else ())
    assert f"warning: {words}" in capsys.readouterr().err.replace("the workspace is ", "")


@pytest.mark.parametrize("name", ["workspace", "data"])
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_stops_the_start(home: Path, name: str) -> None:
    (home.parent / name).chmod(0o500)
    with pytest.raises(SandboxError, match=f"{name}/"):
        launch.check_places(places(home))


@pytest.mark.parametrize("name", ["workspace", "data"])
def test_a_place_that_is_missing_stops_the_start(home: Path, name: str) -> None:
    (home.parent / name).rmdir()
    with pytest.raises(SandboxError, match=f"{name}/"):
        launch.check_places(places(home))


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        (b"A=1\0B=x=y\0", {"A": "1", "B": "x=y"}),
        (b"", {}),
        (b"no variable\0=x\0A=1\0", {"A": "1"}),
        (b"A=\xff\0", {"A": "\udcff"}),
    ],
)
def test_variables_of_the_models_are_read_whatever_the_file_holds(
    tmp_path: Path, content: bytes, variables: dict[str, str]
) -> None:
    folder = Path(launch.rendered(str(tmp_path)))
    folder.mkdir(parents=True)
    (folder / launch.VARIABLES).write_bytes(content)
    assert launch.model_variables(str(tmp_path)) == variables


@pytest.mark.parametrize("kind", ["nothing", "pipe", "link", "folder"])
def test_what_is_no_file_of_variables_gives_none_and_holds_nobody_up(tmp_path: Path, kind: str) -> None:
    folder = Path(launch.rendered(str(tmp_path)))
    folder.mkdir(parents=True)
    path = folder / launch.VARIABLES
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "link":
            (tmp_path / "other").write_bytes(b"A=1\0")
            path.symlink_to(tmp_path / "other")
        case "folder":
            path.mkdir()
    assert launch.model_variables(str(tmp_path)) == {}
