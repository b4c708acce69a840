"""init/session/places.py: home, workspace/ and data/."""

from pathlib import Path

import pytest

from init.errors import SandboxError
from init.mounts import Mount
from init.session import places
from init.session.plan import NEEDS


def test_home_is_the_agents_where_it_can_be_written(home: Path) -> None:
    assert places.home() == str(home)


def table(home: Path, *, read_only: bool = False) -> tuple[Mount, ...]:
    return (
        Mount(str(home.parent / "workspace"), read_only),
        Mount(str(home.parent / "data"), read_only=False),
    )


def test_writable_places_are_passed_in_silence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places.require(table(home), NEEDS["tool"])
    assert capsys.readouterr().err == ""
    assert not any((home.parent / "workspace").iterdir())


@pytest.mark.parametrize(
    ("mounted", "words"), [(False, "no workspace is mounted"), (True, "mounted read-only")]
)
def test_a_workspace_that_keeps_nothing_is_warned_of(
    home: Path, capsys: pytest.CaptureFixture[str], mounted: bool, words: str
) -> None:
    places.require(table(home, read_only=True) if mounted else (), NEEDS["tool"])
    assert f"warning: {words}" in capsys.readouterr().err.replace("the workspace is ", "")


@pytest.mark.as_user
def test_a_workspace_that_cannot_be_written_stops_the_start(home: Path) -> None:
    (home.parent / "workspace").chmod(0o500)
    with pytest.raises(SandboxError, match="workspace/"):
        places.require(table(home), NEEDS["tool"])


@pytest.mark.parametrize("mode", [0, 0o500])
@pytest.mark.as_user
def test_data_that_an_agent_locked_is_opened(home: Path, mode: int) -> None:
    data = home.parent / "data"
    data.chmod(mode)
    places.require(table(home), NEEDS["tool"])
    assert data.stat().st_mode & 0o777 == mode | 0o700


@pytest.mark.parametrize("name", ["workspace", "data"])
def test_a_place_that_is_missing_stops_the_start(home: Path, name: str) -> None:
    (home.parent / name).rmdir()
    with pytest.raises(SandboxError, match=f"{name}/"):
        places.require(table(home), NEEDS["tool"])
