"""What a tool receives, and what the container consists of while it runs."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import testinfra

from tests.harness.engine import docker
from tests.harness.sandbox import COMPOSE_OPTIONS, Sandbox
from tests.harness.waiting import wait_for

NO_CAPABILITY = "0000000000000000"
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def report(sandbox: Sandbox, *arguments: str, **env: str) -> dict[str, Any]:
    result = sandbox.run(*arguments, env={"TOOLS": "report", **env})
    assert result.returncode == 0, result.stderr
    received: dict[str, Any] = json.loads(result.stdout)
    return received


def test_the_tool_is_the_agent_without_any_privilege(sandbox: Sandbox) -> None:
    received = report(sandbox)["self"]
    assert received["Uid"].split() == received["Gid"].split() == ["1000"] * 4
    assert received["Groups"] in ("", "1000")
    assert {received[name] for name in SETS} == {NO_CAPABILITY}
    assert (received["NoNewPrivs"], received["Seccomp"], received["Umask"]) == ("1", "2", "0027")


def test_pid_1_has_given_root_up_as_well(sandbox: Sandbox) -> None:
    received = report(sandbox)
    assert received["init"]["Uid"].split() == ["1000"] * 4
    assert {received["init"][name] for name in SETS} == {NO_CAPABILITY}
    assert received["init"]["NoNewPrivs"] == "1"
    assert all(uids == ["1000"] * 4 for uids in received["uids"].values()), received["uids"]


def test_a_bare_docker_run_is_as_tight(sandbox: Sandbox) -> None:
    """Docker's own defaults: fourteen capabilities, no no-new-privileges."""
    result = sandbox.plain(env={"TOOLS": "report"})
    received = json.loads(result.stdout)
    assert {received["self"][name] for name in (*SETS, "CapBnd")} == {NO_CAPABILITY}
    assert {received["init"][name] for name in (*SETS, "CapBnd")} == {NO_CAPABILITY}
    assert received["self"]["NoNewPrivs"] == received["init"]["NoNewPrivs"] == "1"


def test_signals_and_descriptors_are_as_a_new_process_has_them(sandbox: Sandbox) -> None:
    # Not the probe's: its interpreter ignores two signals by itself.
    status = sandbox.shell("exec grep -E '^Sig(Blk|Ign)' /proc/self/status").stdout
    assert {int(line.split()[1], 16) for line in status.splitlines()} == {0}, status
    received = report(sandbox)
    # 3 is the folder that the probe itself reads.
    assert set(received["descriptors"]) <= {"0", "1", "2", "3"}
    assert received["own_group"]


def test_arguments_reach_the_tool_untouched(sandbox: Sandbox) -> None:
    awkward = ["run", "a b", "", "--flag=x y", "$HOME", "'\"", "*", "é\n", "--", "-h"]
    assert report(sandbox, *awkward)["argv"] == awkward


def test_the_environment_is_the_agents(sandbox: Sandbox) -> None:
    received = report(sandbox, SOMETHING="else")
    environ = received["environ"]
    assert received["cwd"] == "/home/agent/workspace"
    assert (environ["HOME"], environ["USER"], environ["SHELL"]) == ("/home/agent", "agent", "/bin/bash")
    assert environ["SOMETHING"] == "else"
    path = environ["PATH"].split(":")
    assert path[0] == "/opt/tools/bin"
    writable = [entry for entry in path if entry.startswith("/home/")]
    assert path[-len(writable) :] == writable


def test_stdin_stdout_stderr_and_exit_code_pass_through(sandbox: Sandbox) -> None:
    result = sandbox.shell("cat; echo error >&2; exit 42", stdin="one\ntwo\n")
    assert (result.stdout, result.returncode) == ("one\ntwo\n", 42)
    assert "error" in result.stderr


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("exec nowhere", 127)],
)
def test_exit_codes(sandbox: Sandbox, script: str, code: int) -> None:
    assert sandbox.shell(script).returncode == code


def test_a_program_that_cannot_be_run_is_126(sandbox: Sandbox) -> None:
    with (sandbox.config / "tools.yml").open("a") as tools:
        tools.write("broken:\n  command: [/home/agent/workspace/broken]\n")
    (sandbox.workspace / "broken").write_bytes(b"\x7fELF not really")
    (sandbox.workspace / "broken").chmod(0o755)
    result = sandbox.run(env={"TOOLS": "broken"})
    assert result.returncode == 126
    assert "cannot run /home/agent/workspace/broken: Exec format error" in result.stderr


def test_stdout_has_nothing_but_the_tools_own(sandbox: Sandbox) -> None:
    result = sandbox.shell("echo clean", env={"SANDBOX_LOG_LEVEL": "debug", "TOOLS": "shell,absent"})
    assert result.stdout == "clean\n"
    assert "sandbox: warning: TOOLS names 'absent', which is skipped" in result.stderr


def test_log_lines_are_json_when_asked(sandbox: Sandbox) -> None:
    result = sandbox.shell("true", env={"SANDBOX_LOG": "json", "TOOLS": "absent,shell"})
    line = json.loads(next(line for line in result.stderr.splitlines() if line.startswith("{")))
    assert (line["level"], "absent" in line["event"]) == ("warning", True)


def test_orphans_are_reaped_while_the_tool_runs(sandbox: Sandbox) -> None:
    script = (
        "for i in $(seq 20); do (sh -c 'echo >>/tmp/ended; exit 3' &); done; "
        "until [ -e /tmp/ended ] && [ $(wc -l </tmp/ended) = 20 ]; do :; done; "
        "until s=$(ps -eo stat=); case $s in *Z*) false;; esac; do :; done; exit 7"
    )
    result = sandbox.shell(script)
    assert result.returncode == 7, "the tool's own code, not an orphan's"


def test_a_planted_configuration_is_moved_aside(sandbox: Sandbox) -> None:
    """opencode's auth.json can name a server whose answer is merged into its configuration."""
    planted = sandbox.data / "share" / "opencode" / "auth.json"
    planted.parent.mkdir(parents=True)
    planted.write_text('{"https://example.org": {"type": "wellknown", "key": "k", "token": "t"}}')
    sandbox.own("1000:1000")
    result = sandbox.run("--version", env={"DEFAULT_TOOL": "opencode"})
    assert result.returncode == 0
    assert "auth.json is not the sandbox's: it is moved to" in result.stderr
    assert str(planted.readlink()) == "/etc/sandbox/config/auth.json"


def test_a_configuration_folder_of_the_users_own_is_left_alone(sandbox: Sandbox) -> None:
    own = sandbox.folder / "own"
    own.mkdir(mode=0o755)
    (own / "opencode.json").write_text("{}")
    mounts = sandbox.mounts(f"{own}:/home/agent/.config/opencode")
    env = {"DEFAULT_TOOL": "opencode"}
    result = sandbox.plain(*COMPOSE_OPTIONS, arguments=("--version",), env=env, mounts=mounts)
    assert (result.returncode, result.stdout) == (0, "1.18.33\n"), result.stderr
    assert own.stat().st_mode & 0o777 == 0o755
    assert (own / "opencode.json").read_text() == "{}"
    assert not (own / "AGENTS.md").is_symlink()


@pytest.fixture
def running(container: Callable[..., str]) -> str:
    started = container("-c", "echo ready; exec sleep 1000", env={"TOOLS": "shell"})
    wait_for(lambda: "ready" in docker("logs", started), "the tool to start")
    return started


def test_no_process_in_the_container_is_root(running: str) -> None:
    uids = docker("top", running, "-eo", "uid,pid,comm").splitlines()[1:]
    assert uids
    assert all(line.split()[0] == "1000" for line in uids), uids


def test_the_agent_can_write_nothing_of_the_image(running: str) -> None:
    agent = testinfra.get_host(f"docker://agent@{running}")
    found = agent.run("find / -xdev -writable -not -type l -not -path '/proc/*' -not -path '/home/agent*'")
    allowed = {"/tmp", "/var/tmp", "/run/lock", "/dev/shm", "/dev/mqueue", "/var/lock"}  # noqa: S108 - expectations
    assert set(found.stdout.split()) <= allowed, found.stdout


def test_config_commands_and_skills_are_read_only_and_where_tools_look(running: str) -> None:
    agent = testinfra.get_host(f"docker://agent@{running}")
    for path in (
        ".config/opencode/opencode.json", ".config/opencode/AGENTS.md",
        ".config/opencode/commands/git-commit.md",
        ".config/opencode/skills/write-worklog/SKILL.md", ".omp/agent/config.yml", ".omp/agent/models.yml",
        ".omp/agent/AGENTS.md",
    ):  # fmt: skip
        assert agent.file(f"/home/agent/{path}").content_string, path
        assert agent.run(f"echo x >> /home/agent/{path}").failed, path


def test_pid_1_cannot_be_traced_or_read_by_the_tool(sandbox: Sandbox) -> None:
    result = sandbox.shell("cat /proc/1/environ; ls /proc/1/fd; readlink /proc/1/exe; true")
    assert result.stdout == ""
    assert result.stderr.count("Permission denied") >= 2, result.stderr


def test_compose_options_are_those_of_the_issue(sandbox: Sandbox) -> None:
    inspected = json.loads(docker("inspect", sandbox.start("-c", "true", env={"TOOLS": "shell"})))[0]
    host = inspected["HostConfig"]
    docker("rm", "--force", inspected["Id"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    # Newer engines write CAP_CHOWN.
    added = sorted(name.removeprefix("CAP_") for name in host["CapAdd"])
    assert (host["CapDrop"], added) == (
        ["ALL"],
        ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"],
    )
    assert not host["Privileged"]
    assert host["PidsLimit"] > 0
    writable = {mount["Destination"] for mount in inspected["Mounts"] if mount["RW"]}
    assert writable == {"/home/agent/workspace", "/home/agent/data"}
    assert [f"--cap-add={name}" for name in added] == sorted(
        option for option in COMPOSE_OPTIONS if option.startswith("--cap-add")
    )
