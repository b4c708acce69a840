"""Each bad input: one clear message and exit code 78, or it works."""

import os
from collections.abc import Iterator

import pytest

from tests.harness.engine import IMAGE, docker, logs
from tests.harness.sandbox import COMPOSE_OPTIONS, Sandbox, start
from tests.harness.waiting import wait_for

EX_CONFIG = 78
SHELL = {"TOOLS": "shell"}


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("sandbox: ")]


@pytest.mark.parametrize("name", ["PUID", "PGID"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("0", "would be root"),
        ("00", "would be root"),
        ("-1", "is not a whole number from 1 to 2147483647"),
        (" 1000", "is not a whole number from 1 to 2147483647"),
        ("1000 ", "is not a whole number from 1 to 2147483647"),
        ("10 00", "is not a whole number from 1 to 2147483647"),
        (" ", "is not a whole number from 1 to 2147483647"),
        ("1000;id", "is not a whole number from 1 to 2147483647"),
        ("$(id)", "is not a whole number from 1 to 2147483647"),
        ("+1000", "is not a whole number from 1 to 2147483647"),
        ("1e3", "is not a whole number from 1 to 2147483647"),
        ("0x3e8", "is not a whole number from 1 to 2147483647"),
        ("2147483648", "is not a whole number from 1 to 2147483647"),
        ("18446744073709552616", "is not a whole number from 1 to 2147483647"),
        ("१०००", "is not a whole number from 1 to 2147483647"),
    ],
)
def test_an_id_that_is_none_is_refused(sandbox: Sandbox, name: str, value: str, why: str) -> None:
    result = sandbox.shell("echo started", env={name: value})
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert lines(result.stderr) == [f"sandbox: error: {name}={value!r} {why}"]
    assert f"Set {name} in .env or the environment" in result.stderr


def test_every_bad_variable_is_named_at_once(sandbox: Sandbox) -> None:
    bad = {"PUID": "0", "PGID": "x", "TOOLS": ",", "SANDBOX_LOG": "xml", "MENU_TIMEOUT": "soon"}
    result = sandbox.run(env=bad)
    assert result.returncode == EX_CONFIG
    assert all(f"{name}={value!r}" in result.stderr for name, value in bad.items()), result.stderr


def test_an_empty_id_is_one_that_is_not_set(sandbox: Sandbox) -> None:
    result = sandbox.shell("id -u; id -g", env={"PUID": "", "PGID": ""})
    assert (result.returncode, result.stdout) == (0, "1000\n1000\n")


@pytest.mark.parametrize(
    ("uid", "gid"), [(33, 33), (20, 20), (1000, 20), (1000, 100), (501, 20), (2147483647, 2147483647)]
)
def test_ids_that_others_have_or_that_are_huge_work(sandbox: Sandbox, uid: int, gid: int) -> None:
    result = sandbox.shell(
        "id -u; id -g; whoami; id -G; touch /home/agent/workspace/new /home/agent/data/new",
        env={"PUID": str(uid), "PGID": str(gid)},
    )
    assert (result.returncode, result.stdout) == (0, f"{uid}\n{gid}\nagent\n{gid}\n"), result.stderr
    assert sandbox.owner("workspace/new") == sandbox.owner("data/new") == f"{uid}:{gid}"


@pytest.mark.parametrize("value", [",", " , ,", ",,,"])
def test_tools_that_names_none_is_refused(sandbox: Sandbox, value: str) -> None:
    result = sandbox.run("--version", env={"TOOLS": value})
    assert result.returncode == EX_CONFIG
    assert lines(result.stderr) == [f"sandbox: error: TOOLS={value!r} names no tool"]


def test_empty_tools_means_all_that_are_defined(sandbox: Sandbox) -> None:
    result = sandbox.run("--version", env={"TOOLS": "", "DEFAULT_TOOL": "omp"})
    assert (result.returncode, result.stdout) == (0, "omp/18.2.3\n")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cd", "config/tools.yml does not define it"),
        ("absent", "no-such-program is not installed"),
        ("../bin/sh", "this is no name of a tool"),
        ("$(id)", "this is no name of a tool"),
        ("-rf", "this is no name of a tool"),
        ("a b", "this is no name of a tool"),
        ("x" * 70, "this is no name of a tool"),
        ("OpenCode", "this is no name of a tool"),
        ("\x1b[2Jomp", "this is no name of a tool"),
    ],
)
def test_a_name_that_cannot_be_started_is_skipped_and_said(sandbox: Sandbox, name: str, reason: str) -> None:
    result = sandbox.shell("echo started", env={"TOOLS": f" {name} , shell"})
    assert (result.returncode, result.stdout) == (0, "started\n")
    assert lines(result.stderr) == [f"sandbox: warning: TOOLS names {name!r}, which is skipped: {reason}"]


def test_no_tool_left_is_an_error_that_names_those_there_are(sandbox: Sandbox) -> None:
    result = sandbox.run(env={"TOOLS": "cd,nope"})
    assert result.returncode == EX_CONFIG
    assert "sandbox: error: none of the tools in TOOLS can be started" in result.stderr
    assert "opencode, omp" in result.stderr


@pytest.mark.parametrize("name", ["nope", "cd", "../sh", "", "omp"])
def test_default_tool(sandbox: Sandbox, name: str) -> None:
    result = sandbox.shell("echo started", env={"DEFAULT_TOOL": name})
    if name == "":
        assert result.stdout == "started\n"
    else:
        assert (result.returncode, result.stdout) == (EX_CONFIG, "")
        assert lines(result.stderr) == [f"sandbox: error: DEFAULT_TOOL={name!r} is not available"]
        assert "to one of: shell." in result.stderr


def test_workspace_not_mounted_works_and_says_what_it_costs(sandbox: Sandbox) -> None:
    mounts = (f"{sandbox.config}:/etc/sandbox/config:ro", f"{sandbox.data}:/home/agent/data")
    result = sandbox.plain(*COMPOSE_OPTIONS, arguments=("-c", "touch new && id -u"), env=SHELL, mounts=mounts)
    assert (result.returncode, result.stdout) == (0, "1000\n"), result.stderr
    assert lines(result.stderr) == [
        "sandbox: warning: no workspace is mounted: what the tool writes will be lost with this container"
    ]


def test_read_only_workspace_works_and_is_said(sandbox: Sandbox) -> None:
    (sandbox.workspace / "file").write_text("kept")
    mounts = sandbox.mounts(workspace=f"{sandbox.workspace}:/home/agent/workspace:ro")
    result = sandbox.plain(
        *COMPOSE_OPTIONS,
        arguments=("-c", "cat file; touch new"),
        env={**SHELL, "PUID": "1234"},
        mounts=mounts,
    )
    assert result.stdout == "kept"
    assert lines(result.stderr) == [
        "sandbox: warning: the workspace is mounted read-only: the tool can read it and change nothing"
    ]
    assert sandbox.owner("workspace/file") != "1234:1000"


def test_workspace_of_root_becomes_the_agents(sandbox: Sandbox) -> None:
    (sandbox.workspace / "project").mkdir()
    sandbox.own("0:0")
    result = sandbox.shell("id -u; id -g; touch project/new")
    assert (result.returncode, result.stdout) == (0, "1000\n1000\n"), result.stderr
    assert {sandbox.owner(f"workspace{path}") for path in ("", "/project", "/project/new")} == {"1000:1000"}


@pytest.mark.parametrize("name", ["opencode.json", "omp-config.yml"])
def test_missing_config_is_warned_of_and_the_tool_starts(sandbox: Sandbox, name: str) -> None:
    (sandbox.config / name).unlink()
    tool = "omp" if name.startswith("omp") else "opencode"
    result = sandbox.run("--version", env={"DEFAULT_TOOL": tool})
    assert result.returncode == 0
    assert f"sandbox: warning: config/{name} is missing: {tool} starts without it" in lines(result.stderr)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("opencode.json", '{\n  "model": "a"\n  "b": 1\n}\n', "line 3, column 3: Expecting ',' delimiter"),
        ("opencode.json", "", "line 1, column 1: Expecting value"),
        ("auth.json", "{'vllm': 1}", "line 1, column 2: Expecting property name"),
        ("omp-config.yml", "modelRoles:\n  a: [1\n", "line 3, column 1:"),
        ("omp-models.yml", "a: b: c\n", "line 1, column 5:"),
    ],
)
def test_config_that_cannot_be_parsed_is_refused_with_its_place(
    sandbox: Sandbox, name: str, text: str, where: str
) -> None:
    (sandbox.config / name).write_text(text)
    tool = "omp" if name.startswith("omp") else "opencode"
    result = sandbox.run("--version", env={"DEFAULT_TOOL": tool})
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert f"config/{name}, which {tool} reads, is not valid: {where}" in lines(result.stderr)[0]


def test_comments_are_allowed_where_opencode_allows_them(sandbox: Sandbox) -> None:
    path = sandbox.config / "opencode.json"
    path.write_text("// mine, see http://example.org\n" + path.read_text().rstrip()[:-1] + ", /* end */ }\n")
    result = sandbox.run("--version", env={"DEFAULT_TOOL": "opencode"})
    assert (result.returncode, result.stdout) == (0, "1.18.33\n")
    # The file may name a server, and the gateway knows of none.
    assert lines(result.stderr) == [
        "sandbox: warning: no model server is configured, and what opencode's own files name is not reached"
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "config/tools.yml defines no tool"),
        ("- a\n", "config/tools.yml: this is no mapping"),
        ("opencode: {command: sh}\n", "config/tools.yml, opencode: this has command that is no list"),
        ("opencode: {comand: [sh]}\n", "config/tools.yml, opencode: this has the unknown entry 'comand'"),
        ("{", "config/tools.yml is not valid: line 2, column 1: "),
        ("\tx: 1", "config/tools.yml is not valid: line 1, column 1: "),
    ],
)
def test_malformed_tool_definitions_are_refused(sandbox: Sandbox, text: str, what: str) -> None:
    (sandbox.config / "tools.yml").write_text(text)
    result = sandbox.run("--version")
    assert result.returncode == EX_CONFIG
    assert f"sandbox: error: {what}" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["tools.yml", "opencode.json", "AGENTS.md", "models.yml", "egress.yml"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(sandbox: Sandbox, name: str) -> None:
    (sandbox.config / name).unlink()
    os.mkfifo(sandbox.config / name)
    result = start(sandbox, "--no-build", "--tool", "opencode", "--", "--version")
    assert result.returncode == EX_CONFIG
    assert f"sandbox: error: config/{name} cannot be read: it is no file" in result.stderr
    assert "Make it a file that the agent" in result.stderr


@pytest.fixture
def full_volume() -> Iterator[str]:
    """A filesystem of one page that is full; it lives as long as something mounts it."""
    options = "type=tmpfs", "device=tmpfs", "o=size=4k,uid=1000,gid=1000"
    name = docker("volume", "create", *(f"--opt={option}" for option in options))
    holder = docker(
        "run", "--detach", "-v", f"{name}:/full", "--entrypoint", "/bin/sh", IMAGE, "-c",
        "head -c 4096 /dev/zero > /full/all; echo filled; exec sleep 1000",
    )  # fmt: skip
    wait_for(lambda: "filled" in logs(holder), lambda: f"the volume to be full: {logs(holder)}")
    yield name
    docker("rm", "--force", holder)
    docker("volume", "rm", name)


def test_full_data_is_said_before_the_tool_starts(sandbox: Sandbox, full_volume: str) -> None:
    mounts = sandbox.mounts(data=f"{full_volume}:/home/agent/data")
    result = sandbox.plain(*COMPOSE_OPTIONS, arguments=("-c", "echo started"), env=SHELL, mounts=mounts)
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert (
        "data/ (/home/agent/data) cannot be written by UID 1000 GID 1000: No space left on device"
        in result.stderr
    )
    assert "Make room on the disk that holds data/." in result.stderr


def test_read_only_data_is_said_before_the_tool_starts(sandbox: Sandbox) -> None:
    mounts = sandbox.mounts(data=f"{sandbox.data}:/home/agent/data:ro")
    result = sandbox.plain(*COMPOSE_OPTIONS, arguments=("-c", "echo started"), env=SHELL, mounts=mounts)
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert "Mount data/ writable (no :ro)." in result.stderr


@pytest.mark.parametrize("user", ["1000:1000", "1234:1234"])
def test_user_flag_skips_the_root_phase_and_works(sandbox: Sandbox, user: str) -> None:
    sandbox.own(user)
    script = "id -u; touch new ../data/new && readlink $HOME/.config/opencode/opencode.json; echo x > $HOME/x"
    result = sandbox.plain("--user", user, "--cap-drop=ALL", arguments=("-c", script), env=SHELL)
    uid = user.split(":", maxsplit=1)[0]
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == uid
    assert sandbox.owner("workspace/new") == sandbox.owner("data/new") == user
    version = sandbox.plain("--user", user, arguments=("--version",), env={"DEFAULT_TOOL": "opencode"})
    assert (version.returncode, version.stdout) == (0, "1.18.33\n"), version.stderr


def test_user_flag_with_a_folder_of_somebody_else_is_refused(sandbox: Sandbox) -> None:
    result = sandbox.plain("--user", "1234:1234", arguments=("-c", "echo started"), env=SHELL)
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert (
        "workspace/ (/home/agent/workspace) cannot be written by UID 1234 GID 1234: Permission denied"
        in result.stderr
    )
    assert "sudo chown -R 1234:1234 workspace/" in result.stderr


def test_another_init_is_refused_as_root_and_works_without(sandbox: Sandbox) -> None:
    refused = sandbox.plain("--init", *COMPOSE_OPTIONS, arguments=("-c", "echo started"), env=SHELL)
    assert (refused.returncode, refused.stdout) == (EX_CONFIG, "")
    assert "sandbox: error: another program is PID 1" in refused.stderr
    assert "Leave out --init" in refused.stderr
    # An orphan comes to us, not to that init: asked to end, it leaves a file.
    orphan = "trap 'touch ended; exit' TERM; touch ready; while :; do sleep 0.1; done"
    script = f"({orphan}) & until [ -e ready ]; do :; done"
    patient = {**SHELL, "SANDBOX_GRACE": "60"}
    works = sandbox.plain("--init", "--user", "1000:1000", arguments=("-c", script), env=patient)
    assert works.returncode == 0, works.stderr
    assert (sandbox.workspace / "ended").exists()


def test_root_without_capabilities_is_refused(sandbox: Sandbox) -> None:
    result = sandbox.plain("--cap-drop=ALL", arguments=("-c", "echo started"), env=SHELL)
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert "without the capabilities SETGID and SETUID" in result.stderr
    assert "--cap-add" in result.stderr


def test_the_image_needs_no_mount_at_all() -> None:
    assert docker("run", "--rm", "-e", "DEFAULT_TOOL=omp", IMAGE, "--version") == "omp/18.2.3"


@pytest.mark.parametrize("closed", ["config", "config/tools.yml", "config/opencode.json"])
def test_configuration_that_the_agent_may_not_read_is_told_as_that(sandbox: Sandbox, closed: str) -> None:
    """As after a checkout of root's under umask 077."""
    sandbox.own("0:0", "config")
    sandbox.as_root("chmod", "go-rwx", closed)
    result = sandbox.run("--version", env={"DEFAULT_TOOL": "opencode"})
    name = "config/tools.yml" if closed == "config" else closed
    assert result.returncode == EX_CONFIG
    assert lines(result.stderr)[-1] == f"sandbox: error: {name} cannot be read: Permission denied"
    assert "on the host, chmod -R a+rX config" in result.stderr
    examined = sandbox.run(env={"SANDBOX_DOCTOR": "1"})
    assert examined.returncode == 1, examined.stderr
    assert "chmod -R a+rX config" in examined.stdout
    assert "Traceback" not in examined.stderr + result.stderr


def test_a_closed_folder_beside_config_is_told_by_its_own_name(sandbox: Sandbox) -> None:
    (sandbox.folder / "opencode" / "commands").mkdir(parents=True)
    sandbox.own("0:0", "opencode")
    sandbox.as_root("chmod", "go-rwx", "opencode")
    result = sandbox.plain(
        "--tty=false", env={"DEFAULT_TOOL": "opencode"}, arguments=("--version",),
        mounts=sandbox.mounts(f"{sandbox.folder}/opencode:/etc/sandbox/opencode:ro"),
    )  # fmt: skip
    assert result.returncode == EX_CONFIG
    assert ".opencode/commands cannot be read: Permission denied" in result.stderr
    assert "on the host, chmod -R a+rX config .opencode" in result.stderr
