"""init/root/claims.py: which folders become the agent's."""

from pathlib import Path

import pytest

from init import paths
from init.accounts import Identity
from init.mounts import Mount
from init.root import claims
from init.root.claims import Target


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put home, with workspace/ and data/, where the tests may make it."""
    for name in ("workspace/a/b", "data/a", "workspace2"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(paths, "HOME", str(tmp_path))
    monkeypatch.setattr(paths, "WORKSPACE", f"{tmp_path}/workspace")
    monkeypatch.setattr(paths, "DATA", f"{tmp_path}/data")
    return tmp_path


def claimed(
    home: Path, *table: str, owns: bool = True, asked: bool = True, workspace: bool = True
) -> dict[str, bool]:
    """Return what is claimed below home, and whether only of root; a ``:ro`` ends a read-only mount."""
    status = home.stat()
    agent = Identity(status.st_uid + (not owns), status.st_gid)
    mounted = [Mount(f"{home}/{path.removesuffix(':ro')}", path.endswith(":ro")) for path in table]
    targets = claims.targets([Mount("/", read_only=False), *mounted], agent, asked=asked, workspace=workspace)
    return {str(Path(target.path).relative_to(home)): target.only_roots for target in targets}


def test_home_is_claimed_until_it_is_the_agents(home: Path) -> None:
    assert claimed(home, owns=False) == {".": False}
    assert claimed(home, owns=True) == {}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (("workspace", "data"), {"workspace", "data"}),
        (("workspace:ro", "data"), {"data"}),
        (("workspace", "data:ro"), {"workspace"}),
        (("workspace:ro", "workspace/a"), {"workspace/a"}),
        (("workspace", "workspace/a:ro", "workspace/a/b"), {"workspace", "workspace/a/b"}),
        (("data", "data/a"), {"data", "data/a"}),
        (("workspace2", ".config", "../workspace"), set()),
    ],
)
def test_writable_mounts_at_and_below_data_and_workspace_are_claimed(
    home: Path, table: tuple[str, ...], expected: set[str]
) -> None:
    assert set(claimed(home, *table)) == expected


def test_a_workspace_that_gave_the_identity_is_spared(home: Path) -> None:
    table = ("workspace", "workspace/a", "data")
    assert claimed(home, *table, asked=False) == {"workspace": True, "workspace/a": True, "data": False}


def test_a_workspace_that_is_only_looked_at_is_spared(home: Path) -> None:
    assert claimed(home, "workspace", "workspace/a", "data", workspace=False) == {"data": False}


def test_a_workspace_is_claimed_whole_where_ids_were_asked_for(home: Path) -> None:
    assert claimed(home, "workspace", asked=True) == {"workspace": False}


def test_a_workspace_of_roots_gives_only_what_is_roots(home: Path) -> None:
    assert claimed(home, "workspace", owns=False, asked=False)["workspace"] is True


def test_a_target_is_claimed_whole_unless_said_otherwise() -> None:
    assert Target("/mnt").only_roots is False


@pytest.mark.parametrize("kind", ["proc", "sysfs", "cgroup", "devtmpfs"])
def test_what_is_the_kernels_stays_as_it_is(home: Path, kind: str) -> None:
    """A folder is mounted with all that is mounted below it, such as a chroot's /proc."""
    status = home.stat()
    table = [Mount(f"{home}/workspace/a", read_only=False, kind=kind)]
    assert claims.targets(table, Identity(status.st_uid, status.st_gid), asked=True) == ()
