"""What is decided of a new copy before the engine is asked, and how the session is told of it."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import pytest

from host import copies, copying, filling, mount_table
from host.compose import Compose
from host.configuration import Configuration
from host.copies import OVERLAY, PLAIN, Copy
from host.engine import Engine
from host.errors import HostError
from host.filling import Maker
from host.supervisor import Answer, Supervisor

HERE = platform.release()
UPPER = Path("/box/data/projects/.copies/calm-otter/upper")


def copy(workspace: str = "/home/me/shop", upper: Path | None = UPPER) -> Copy:
    return Copy(
        "calm-otter", "p_copy-calm-otter", Path(workspace), OVERLAY if upper else PLAIN, 1.5, "", upper
    )


def maker(environment: Mapping[str, str] | None = None, kernel: str = HERE, *security: str) -> Maker:
    configuration = Configuration(
        project="p", projects=("p",), image="i", environment=environment or {}, folders=(), others=(),
        workspace=None, networks=(), variables={},
    )  # fmt: skip
    engine = Engine("28", "Debian", "systemd", 0, "2.30", kernel=kernel, security=security)
    return Maker(Supervisor.__new__(Supervisor), Compose(Path("/box"), (), {}), configuration, engine)


def owned(uid: int, gid: int) -> os.stat_result:
    return os.stat_result((0o755, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("made", "where", "owner", "why"),
    [
        (maker(), "/home/me/shop", (1000, 1000), ""),
        (maker(kernel=""), "/home/me/a shop's \"$x\" =;\nä", (1000, 1000), ""),
        (maker({"PUID": "1000", "PGID": "20"}), "/x", (1000, 20), ""),
        (maker({"PUID": "1000"}), "/x", (1000, 20), ""),
        (maker({"PUID": "1001"}), "/x", (1000, 1000), "not the agent's own"),
        (maker({"PGID": "1001"}), "/x", (1000, 1000), "not the agent's own"),
        (maker(), "/x", (0, 0), "not the agent's own"),
        (maker({}, HERE, "name=seccomp", "name=rootless"), "/x", (1000, 1000), "rootless"),
        (maker({}, "6.6.6-linuxkit"), "/x", (1000, 1000), "virtual"),
        (maker(), "/a,b", (1000, 1000), "a comma"),
        (maker(), "/a:b", (1000, 1000), "a comma"),
        (maker(), "/a\\b", (1000, 1000), "a comma"),
        (maker(), f"/{'x' * 3910}", (1000, 1000), ""),
        (maker(), f"/{'x' * 3980}", (1000, 1000), "too long"),
        (maker(), f"/{'ä' * 1990}", (1000, 1000), "too long"),
        (maker(), "/box", (1000, 1000), "this checkout is in it"),
        (maker(), "/box/data", (1000, 1000), "this checkout is in it"),
    ],
)  # fmt: skip
def test_where_there_can_be_no_overlay(made: Maker, where: str, owner: tuple[int, int], why: str) -> None:
    told = list(copying.obstacles(made, copy(where), owned(*owner)))
    assert (len(told), why in "".join(told)) == (int(bool(why)), True), told


def test_a_path_of_the_checkout_is_looked_at_as_well() -> None:
    (told,) = copying.obstacles(maker(), copy(upper=Path("/a,b/upper")), owned(1000, 1000))
    assert "a comma" in told


def test_the_workspace_is_replaced_and_its_own_name_leads_nowhere() -> None:
    told = copying.override(copy())
    assert told["volumes"] == {"copy": {"name": "p_copy-calm-otter", "external": True}}
    (mount,) = told["services"]["sandbox"]["volumes"]  # type: ignore[index]
    assert (mount["type"], mount["target"]) == ("volume", "/home/agent/workspace")


@pytest.mark.parametrize(("one", "workspace"), [(copy(), "/home/me/other"), (copy(), "/home/me/shop")])
def test_a_copy_that_is_another_folders_or_gone_is_not_gone_on_with(one: Copy, workspace: str) -> None:
    with pytest.raises(HostError) as refused:
        copying.require_usable(one, Path(workspace))
    assert any("./start.sh discard calm-otter" in line for line in refused.value.todo)


def test_a_copy_is_gone_on_with(tmp_path: Path) -> None:
    copying.require_usable(copy(upper=tmp_path), Path("/home/me/shop"))
    copying.require_usable(copy(upper=None), Path("/home/me/shop"))


def test_a_copy_is_known_to_be_untouched_only_where_nothing_is_in_it(tmp_path: Path) -> None:
    assert copies.is_untouched(copy(upper=tmp_path))
    assert not copies.is_untouched(copy(upper=None))
    assert not copies.is_untouched(copy(upper=tmp_path / "gone"))
    (tmp_path / ".hidden").touch()
    assert not copies.is_untouched(copy(upper=tmp_path))


def test_what_is_mounted_below_a_folder(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    points = ("/", "/home/me/shop", "/home/me/shop/b\\040c", "/home/me/shop/a\\012", "/home/me/shop2/x")
    table.write_text("".join(f"1 2 0:1 / {point} rw - ext4 /dev/x rw\n" for point in (*points, points[2])))
    below = mount_table.mounted_below(Path("/home/me/shop"), table)
    assert below == ["/home/me/shop/a\n", "/home/me/shop/b c"]
    assert mount_table.mounted_below(Path("/home/me/shop"), tmp_path / "gone") == []


def test_the_time_is_that_of_the_folders_own_file_system_and_leaves_nothing(tmp_path: Path) -> None:
    before = tmp_path.stat().st_mtime
    file = tmp_path / "file"
    told = copying.now(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert tmp_path.stat().st_mtime == before
    file.touch()
    assert before <= told <= file.stat().st_mtime
    assert copying.now(tmp_path / "gone") > 0


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ("", "it does not say why"),
        ("docker: Error: failed to mount: invalid argument\n\nRun 'docker run --help' for more information\n",
         "docker: Error: failed to mount: invalid argument"),
        ("cp: cannot stat 'a'\ncp: error writing 'b': No space left on device\n",
         "cp: error writing 'b': No space left on device"),
    ],
)  # fmt: skip
def test_the_reason_is_the_last_that_was_said(errors: str, said: str) -> None:
    assert filling.reason(Answer(1, "", errors)) == said
