"""Whose the files are, on both sides of the mounts."""

import json
import os
from pathlib import Path

import pytest

from init.root import ownership
from tests.harness.engine import IMAGE, docker
from tests.harness.sandbox import COMPOSE_OPTIONS, Sandbox

SHELL = {"TOOLS": "shell"}


@pytest.mark.parametrize("owner", ["1000:1000", "1001:1001", "501:20", "65534:65534"])
def test_without_puid_the_agent_is_who_owns_the_workspace(sandbox: Sandbox, owner: str) -> None:
    sandbox.own(owner)
    result = sandbox.shell("echo $(id -u):$(id -g); touch new ../data/new")
    assert (result.returncode, result.stdout.strip()) == (0, owner), result.stderr
    assert sandbox.owner("workspace/new") == sandbox.owner("data/new") == owner


def test_without_puid_nothing_of_another_is_re_owned(sandbox: Sandbox) -> None:
    (sandbox.workspace / "theirs").mkdir()
    (sandbox.workspace / "theirs" / "file").touch()
    for owner in ("1000:1000", "0:0"):
        sandbox.own(owner, "workspace")
        sandbox.own("1002:1002", "workspace/theirs")
        assert sandbox.shell("id -u").stdout == "1000\n"
        assert sandbox.owner("workspace") == "1000:1000"
        assert sandbox.owner("workspace/theirs") == sandbox.owner("workspace/theirs/file") == "1002:1002"


def test_what_root_copied_into_the_workspace_becomes_the_agents(sandbox: Sandbox) -> None:
    (sandbox.workspace / "project" / "deep").mkdir(parents=True)
    (sandbox.workspace / "project" / "deep" / "file").touch()
    sandbox.own("0:0", "workspace/project")
    result = sandbox.shell("echo x >> project/deep/file")
    assert result.returncode == 0, result.stderr
    assert sandbox.owner("workspace/project/deep/file") == "1000:1000"


def test_puid_wins_and_everything_is_claimed(sandbox: Sandbox) -> None:
    for name in ("a b", "-rf", "new\nline", "quo'te"):
        (sandbox.workspace / name).mkdir()
        (sandbox.workspace / name / "file").touch()
    os.mkfifo(sandbox.workspace / "fifo")
    (sandbox.workspace / os.fsdecode(b"caf\xe9")).touch()
    sandbox.own("1002:1003")
    assert sandbox.shell("id -u", env={"PUID": "1234", "PGID": "2345"}).stdout == "1234\n"
    for path in [sandbox.workspace, sandbox.data, *sandbox.workspace.rglob("*")]:
        assert sandbox.owner(str(path.relative_to(sandbox.folder))) == "1234:2345", path


def test_a_symbolic_link_is_changed_and_not_what_it_points_to(sandbox: Sandbox) -> None:
    (sandbox.folder / "outside").mkdir()
    (sandbox.folder / "outside" / "file").touch()
    sandbox.own("1002:1002", "outside")
    for place in (sandbox.workspace, sandbox.data):
        (place / "folder").symlink_to(sandbox.folder / "outside")
        (place / "shadow").symlink_to("/etc/shadow")
    script = "stat -c %u:%g /etc/shadow"
    result = sandbox.shell(script, env={"PUID": "1234"})
    assert result.stdout == "0:0\n"
    assert sandbox.owner("workspace/folder") == "1234:1000"
    assert sandbox.owner("outside") == sandbox.owner("outside/file") == "1002:1002"


def test_a_mount_inside_the_workspace_is_claimed_only_where_it_is_writable(sandbox: Sandbox) -> None:
    for name in ("inner", "locked"):
        (sandbox.folder / name).mkdir()
        (sandbox.folder / name / "file").touch()
        (sandbox.workspace / name).mkdir()
    sandbox.own("1002:1002", "workspace", "data", "inner", "locked")
    mounts = sandbox.mounts(
        f"{sandbox.folder}/inner:/home/agent/workspace/inner",
        f"{sandbox.folder}/locked:/home/agent/workspace/locked:ro",
    )
    result = sandbox.plain(
        *COMPOSE_OPTIONS, arguments=("-c", "true"), env={**SHELL, "PUID": "1234"}, mounts=mounts
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert sandbox.owner("inner/file") == "1234:1002"
    assert sandbox.owner("locked") == sandbox.owner("locked/file") == "1002:1002"


def test_what_cannot_be_claimed_is_counted_and_said(sandbox: Sandbox) -> None:
    (sandbox.workspace / "closed").mkdir()
    closed = (
        "touch workspace/closed/file; chown -R 0:0 workspace; chmod 755 workspace; chmod 700 workspace/closed"
    )
    sandbox.as_root("sh", "-c", closed)
    options = [option for option in COMPOSE_OPTIONS if "DAC" not in option and "CHOWN" not in option]
    result = sandbox.plain(*options, arguments=("-c", "true"), env={**SHELL, "PUID": "1000"})
    assert "entries keep their owner" in result.stderr
    assert "reason=Operation not permitted" in result.stderr
    assert result.returncode == 78, "and then the workspace cannot be written"


def test_home_is_the_agents_after_a_remap(sandbox: Sandbox) -> None:
    result = sandbox.shell("find $HOME -xdev -not -user 1234; touch $HOME/x", env={"PUID": "1234"})
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_a_remap_costs_kilobytes_of_the_containers_layer(sandbox: Sandbox) -> None:
    container = sandbox.start("-c", "true", env={**SHELL, "PUID": "1234"})
    docker("wait", container)
    size = int(docker("inspect", "--size", "--format", "{{.SizeRw}}", container))
    docker("rm", container)
    assert size < 64 * 1024, f"{size} bytes"


def test_a_container_that_is_restarted_keeps_its_identity(sandbox: Sandbox) -> None:
    container = sandbox.start("-c", "echo $(id -u)", env={**SHELL, "PUID": "1234"})
    docker("wait", container)
    docker("start", container)
    docker("wait", container)
    said = docker("logs", container)
    docker("rm", container)
    assert said.split() == ["1234", "1234"]


def test_a_walk_stops_when_asked_to_and_the_next_start_goes_on(sandbox: Sandbox) -> None:
    for number in range(3):
        (sandbox.workspace / str(number)).mkdir()
        for name in range(ownership.CHECK_EVERY):
            (sandbox.workspace / str(number) / str(name)).touch()
    sandbox.own("1002:1002")
    # block-signals, which stands before the interpreter, would end at once.
    _, *entry = json.loads(docker("image", "inspect", "--format={{json .Config.Entrypoint}}", IMAGE))
    result = sandbox.plain(
        *COMPOSE_OPTIONS, "--entrypoint=/usr/bin/python3", env={**SHELL, "PUID": "1234"},
        arguments=("/probes/pending.py", *entry, "-c", "echo started"),
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (143, ""), result.stderr
    assert sandbox.owner("workspace") == "1002:1002", "the top is changed last, so the next start goes on"
    assert sandbox.shell("true", env={"PUID": "1234"}).returncode == 0
    assert sandbox.as_root("find", "workspace", "-not", "-user", "1234") == ""


@pytest.mark.parametrize("masked", ["own", "/dev/null"])
def test_a_single_file_that_is_mounted_stays_its_owners(sandbox: Sandbox, masked: str) -> None:
    (sandbox.folder / "own").write_text("secret")
    sandbox.own("1002:1002", "own")
    source = masked if masked.startswith("/") else f"{sandbox.folder}/{masked}"
    before = Path(source).stat()
    mounts = sandbox.mounts(f"{source}:/home/agent/workspace/.env")
    result = sandbox.plain(
        *COMPOSE_OPTIONS, arguments=("-c", "echo started"), env={**SHELL, "PUID": "1234"}, mounts=mounts
    )
    assert (result.returncode, result.stdout) == (0, "started\n"), result.stderr
    assert (Path(source).stat().st_uid, Path(source).stat().st_gid) == (before.st_uid, before.st_gid)


def test_root_without_dac_override_claims_what_it_may_enter(sandbox: Sandbox) -> None:
    (sandbox.workspace / "a" / "b").mkdir(parents=True)
    sandbox.as_root("sh", "-c", "chown -R 0:0 workspace; chmod -R 700 workspace")
    options = [option for option in COMPOSE_OPTIONS if "DAC" not in option]
    result = sandbox.plain(*options, arguments=("-c", "touch a/b/new"), env={**SHELL, "PUID": "1234"})
    assert result.returncode == 0, result.stderr
    assert sandbox.owner("workspace/a/b/new") == "1234:1000"


def test_files_of_the_session_are_closed_to_others(sandbox: Sandbox) -> None:
    sandbox.shell("touch file; mkdir folder")
    assert (sandbox.workspace / "file").stat().st_mode & 0o777 == 0o640
    assert (sandbox.workspace / "folder").stat().st_mode & 0o777 == 0o750
