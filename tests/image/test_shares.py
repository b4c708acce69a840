"""Folders that root may not enter, as on a share that takes it for nobody: here root lacks DAC_OVERRIDE."""

import json
import os
import subprocess

import pytest

from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox

WEAK_ROOT = ("--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=SETUID", "--cap-add=SETGID")
ENV = {"SANDBOX_SHELL": "plain"}


def test_folders_that_are_closed_to_root_are_the_agents(sandbox: Sandbox) -> None:
    sandbox.as_root("chmod", "700", "workspace", "data")
    result = sandbox.plain(*WEAK_ROOT, env=ENV, arguments=("-c", "id -u; pwd; touch new ~/data/new"))
    assert (result.returncode, result.stdout) == (0, "1000\n/home/agent/workspace\n"), result.stderr
    assert "error" not in result.stderr


def test_folders_in_data_that_are_the_agents_are_not_warned_of(sandbox: Sandbox) -> None:
    sandbox.as_root("mkdir", "-m", "750", "data/closed")
    sandbox.own("1000:1000", "data")
    result = sandbox.plain(*WEAK_ROOT, env=ENV, arguments=("-c", "touch ~/data/closed/x"))
    assert (result.returncode, "keep their owner" in result.stderr) == (0, False), result.stderr


def test_what_is_a_third_users_is_still_told(sandbox: Sandbox) -> None:
    sandbox.as_root("mkdir", "-m", "700", "data/theirs")
    sandbox.own("4321:4321", "data/theirs")
    result = sandbox.plain(*WEAK_ROOT, env=ENV, arguments=("-c", "true"))
    assert "entries keep their owner" in result.stderr
    assert "data/theirs" in result.stderr


def test_the_engine_need_not_enter_the_workspace() -> None:
    """It would as root: `chdir to cwd` is refused where root is nobody."""
    assert json.loads(docker("image", "inspect", IMAGE))[0]["Config"]["WorkingDir"] == "/"


@pytest.mark.parametrize(
    ("file", "lacks", "has"),
    [
        ("compose.podman.yml", ("nr_inodes", '"driver": "local"'), ("keep-id:uid=1000,gid=1000",)),
        ("compose.selinux.yml", (), ('"selinux": "z"',)),
    ],
)
def test_the_compose_files_for_other_machines(
    sandbox: Sandbox, file: str, lacks: tuple[str, ...], has: tuple[str, ...]
) -> None:
    command = ["docker", "compose", "--file", "compose.yml", "--file", file, "config", "--format", "json"]
    environ = {**os.environ, **sandbox.variables, "COMPOSE_FILE": ""}
    told = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    for name in ("sandbox", "gateway"):
        service = json.dumps(json.loads(told)["services"][name])
        assert not [text for text in lacks if text in service], service
        assert not [text for text in has if text not in service], service


def test_the_engine_is_asked_for_the_label(sandbox: Sandbox) -> None:
    sandbox.environ["COMPOSE_FILE"] = "compose.yml:compose.selinux.yml"
    container = sandbox.start("-c", "sleep 1000", env={"SANDBOX_SHELL": "1"})
    try:
        binds = json.loads(docker("inspect", container))[0]["HostConfig"]["Binds"]
    finally:
        docker("rm", "--force", container)
    assert f"{sandbox.workspace}:/home/agent/workspace:z" in [bind.replace("rw,", "") for bind in binds], (
        binds
    )
    assert f"{sandbox.config}:/etc/sandbox/config:ro,z" in binds
