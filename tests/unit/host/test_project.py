"""Which folders are fit for a workspace, and what Compose is told of one."""

import os
from pathlib import Path

import pytest

from host import project
from host.checkout import Checkout
from host.errors import HostError

HOME = "/home/me"
ROOT = Path("/home/me/src/agentic-sandbox")


@pytest.mark.parametrize(
    "folder",
    [
        "/home/me/project", "/home/me/src/other", "/home/me/src/agentic-sandbox-2", "/srv", "/srv/www",
        "/data", "/var/www/html", "/opt/project", "/tmp/x", "/usr/local/src/x",  # noqa: S108 - looked at by name
        "/usr/src/linux", "/mnt", "/root/x",
        "/run/media/me/disk", "/etc2", "/home/you", f"{ROOT}/workspace/project", "/home/me/.copies/x",
    ],
)  # fmt: skip
def test_a_folder_for_an_agent(folder: str) -> None:
    project.require_harmless(Path(folder), ROOT, HOME, folder)


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/", "your home folder is in it"), ("/usr", "the machine's"), ("/etc", "/etc"),
        ("/etc/nginx/sites", "/etc"),
        ("/usr/lib/python3", "/usr/lib"), ("/proc/1/root/home/me/x", "/proc"), ("/dev/x", "/dev"),
        ("/var/lib/docker/volumes/x/_data", "/var/lib/docker"), ("/var", "the machine's"),
        ("/home", "your home folder is in it"), ("/root", "the machine's"),
        ("/home/me", "it is your home folder"),
        ("/home/me/src", "this checkout is in it"), (f"{ROOT}", "this checkout is in it"),
        (f"{ROOT}/data", "only workspace/"), (f"{ROOT}/data/projects/x-1", "only workspace/"),
        (f"{ROOT}/keys", "only workspace/"), (f"{ROOT}/host", "only workspace/"),
        ("/x/data/projects/.copies/calm-otter/upper/a", "what a copy of a workspace is made of"),
    ],
)  # fmt: skip
def test_no_folder_for_an_agent(folder: str, why: str) -> None:
    with pytest.raises(HostError) as refused:
        project.require_harmless(Path(folder), ROOT, HOME, folder)
    assert why in refused.value.what
    assert refused.value.todo


def test_what_holds_the_home_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "all" / "me").mkdir(parents=True)
    with pytest.raises(HostError, match="your home folder is in it"):
        project.require_harmless(tmp_path / "all", ROOT, str(tmp_path / "all" / "me"), "all")
    # Nobody's, or one that is no path, is in none.
    for home in ("", "x"):
        project.require_harmless(tmp_path / "all", ROOT, home, "all")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("box/workspace", "box/data", "here/project", "here/a $b,c:d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "here" / "file").touch()
    (tmp_path / "here" / "link").symlink_to("project")
    (tmp_path / "here" / "nowhere").symlink_to("gone")
    (tmp_path / "here" / "own").symlink_to("../box/workspace")
    return Checkout(tmp_path / "box", tmp_path / "here")


def test_a_folder_has_one_project_by_whatever_name(checkout: Checkout) -> None:
    told = [
        project.variables(checkout, {}, name) for name in ("project", "./project/", "link", "../here/link/.")
    ]
    assert told[0]["WORKSPACE_DIR"] == str(checkout.caller / "project")
    data = Path(told[0]["SANDBOX_DATA"])
    assert (data.parent, data.name[:-8]) == (checkout.root / "data" / "projects", "project-")
    assert told == [told[0]] * 4
    other = project.variables(checkout, {}, "a $b,c:d")
    assert (other["WORKSPACE_DIR"], Path(other["SANDBOX_DATA"]).name[:-8]) == (
        f"{checkout.caller}/a $b,c:d",
        "a-b-c-d-",
    )


def test_the_checkouts_own_workspace_keeps_its_data(checkout: Checkout) -> None:
    own = {"WORKSPACE_DIR": str(checkout.root / "workspace")}
    assert [project.variables(checkout, {}, name) for name in ("../box/workspace", "own")] == [own, own]
    assert project.variables(checkout, {}, "") == {}


@pytest.mark.parametrize(
    ("named", "why"),
    [("gone", "there is no folder gone"), ("nowhere", "there is no folder"), ("file", "not a folder"),
     ("file/x", "there is no folder"), ("a\nb", r"there is no folder a\nb"),
     ("../box", "this checkout is in it")],
)  # fmt: skip
def test_what_is_no_folder_is_refused(checkout: Checkout, named: str, why: str) -> None:
    with pytest.raises(HostError) as refused:
        project.variables(checkout, {}, named)
    assert why in refused.value.what
    assert refused.value.todo


def test_a_name_that_is_no_utf_8_is_refused(checkout: Checkout) -> None:
    name = os.fsdecode(b"caf\xe9")
    try:
        (checkout.caller / name).mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(HostError, match="is not UTF-8"):
        project.variables(checkout, {}, name)


def test_the_cover_is_on_the_checkouts_own_data_and_nowhere_else(checkout: Checkout) -> None:
    own, elsewhere = {"SANDBOX_COVER": project.COVERED}, {"SANDBOX_COVER": project.ELSEWHERE}
    assert project.cover(checkout.root, checkout.root / "data") == own
    assert (checkout.root / "data" / "projects").is_dir()
    assert project.cover(checkout.root, checkout.root / "data" / "projects" / "x-1") == elsewhere
    assert project.cover(checkout.root, checkout.caller) == elsewhere
    assert project.cover(checkout.root, None) == elsewhere
    (checkout.caller / "data").symlink_to(checkout.root / "data")
    assert project.cover(checkout.root, checkout.caller / "data") == own


@pytest.mark.parametrize("put", ["link", "file"])
def test_what_is_in_the_place_of_the_projects_data_is_refused(checkout: Checkout, put: str) -> None:
    place = checkout.root / "data" / "projects"
    if put == "link":
        place.symlink_to(checkout.caller)
    else:
        place.touch()
    with pytest.raises(HostError) as refused:
        project.cover(checkout.root, checkout.root / "data")
    assert str(place) in refused.value.what
    assert refused.value.todo
