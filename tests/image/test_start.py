"""start.sh, as a user calls it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.terminal import Terminal
from tests.harness.waiting import PATIENCE

EX_USAGE = 64


def test_tool_no_build_and_arguments(sandbox: Sandbox) -> None:
    result = start(sandbox, "--no-build", "--tool", "omp", "--", "--version")
    assert (result.returncode, result.stdout) == (0, "omp/18.2.3\n"), result.stderr


def test_it_builds_and_keeps_stdout_for_the_tool(sandbox: Sandbox) -> None:
    result = start(sandbox, "--tool=opencode", "--", "--version")
    assert (result.returncode, result.stdout) == (0, "1.18.33\n"), result.stderr


def test_the_exit_code_and_stdin_are_the_tools(sandbox: Sandbox) -> None:
    result = start(sandbox, "--no-build", "--tool", "shell", "--", "-c", "cat; exit 23", stdin="piped\n")
    assert (result.returncode, result.stdout) == (23, "piped\n"), result.stderr


def test_at_a_terminal_the_menu_waits(sandbox: Sandbox) -> None:
    terminal = Terminal(
        [str(ROOT / "start.sh"), "--no-build"], {**sandbox.variables, "TOOLS": "shell,report"}
    )
    terminal.wait_for("Number or name [1]:")
    terminal.type("report\r")
    terminal.wait_for('"foreground": true')
    assert terminal.end() == 0


def test_a_terminal_as_stdin_and_a_pipe_as_stdout(sandbox: Sandbox) -> None:
    """As in `./start.sh … | tee log`: a tool that reads all of stdin must not wait for a person."""
    ours, theirs = os.openpty()
    result = subprocess.run(
        [str(ROOT / "start.sh"), "--no-build", "--tool", "shell", "--", "-c", "cat; echo done"],
        env=sandbox.variables, stdin=theirs, capture_output=True, text=True, check=False,
        timeout=PATIENCE * 4,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr


def test_a_shell_in_the_tools_place(sandbox: Sandbox) -> None:
    result = start(sandbox, "--no-build", "--shell", "--", "-c", "id -un; umask; pwd; exit 4")
    assert (result.returncode, result.stdout) == (4, "agent\n0027\n/home/agent/workspace\n"), result.stderr


@pytest.fixture
def project_of_its_own(sandbox: Sandbox) -> Iterator[Sandbox]:
    """No container of another test, which may be about to end, belongs to this one's project."""
    sandbox.environ["COMPOSE_PROJECT_NAME"] = sandbox.name
    yield sandbox
    down = sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes")
    subprocess.run(down, cwd=ROOT, env=sandbox.variables, capture_output=True, check=False)


def test_exec_is_the_agent_in_the_running_sandbox(
    project_of_its_own: Sandbox, container: Callable[..., str]
) -> None:
    sandbox = project_of_its_own
    nobody = start(sandbox, "exec")
    assert (nobody.returncode, "no sandbox of this folder is running" in nobody.stderr) == (1, True)
    container("-c", "exec sleep 1000", env={"TOOLS": "shell", "PUID": "1234"})
    result = start(
        sandbox, "exec", "sh", "-c", 'id -u; umask; pwd; echo "$1"; cat; exit 9', "sh", "a b", stdin="in"
    )
    assert (result.returncode, result.stdout) == (9, "1234\n0027\n/home/agent/workspace\na b\nin"), (
        result.stderr
    )


def test_an_unknown_tool_is_the_containers_error(sandbox: Sandbox) -> None:
    result = start(sandbox, "--no-build", "--tool", "nope")
    assert result.returncode == 78
    assert "DEFAULT_TOOL='nope' is not available" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nope"], "unknown option: --nope"),
        (["run"], "'run' is no verb, and no folder that is here"),
        (["--tool"], "--tool needs a value"),
        (["--tool", ""], "--tool needs a value"),
        (["--no-build", "--no-cache"], "--no-build and --no-cache exclude each other"),
        (["--shell", "--tool", "omp"], "--shell and --tool exclude each other"),
    ],
)
def test_wrong_usage(sandbox: Sandbox, arguments: list[str], message: str) -> None:
    result = start(sandbox, *arguments)
    assert (result.returncode, result.stdout) == (EX_USAGE, "")
    assert message in result.stderr
    assert "--help" in result.stderr


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("doctor", "--help"), ("verify", "-h")])
def test_help(sandbox: Sandbox, words: tuple[str, ...]) -> None:
    result = start(sandbox, *words)
    assert result.returncode == 0
    for option in ("--tool", "--no-build", "--no-cache", "--bootstrap", "--build-arg"):
        assert option in result.stdout


def test_a_cdpath_does_not_lead_elsewhere(sandbox: Sandbox) -> None:
    result = subprocess.run(
        ["bash", f"{ROOT.name}/start.sh", "--help"], cwd=ROOT.parent,
        env={**sandbox.variables, "CDPATH": str(ROOT.parent)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """What start.sh needs to come to the image, with room for an .env."""
    for name in ("scripts", "host"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("start.sh", "compose.yml", "Dockerfile", "VERSION"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def verify(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "start.sh", "verify", "--no-build", *options],
        capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "SANDBOX_IMAGE"},
    )  # fmt: skip


def test_verify_attacks_the_image_that_env_names(bare_checkout: Path) -> None:
    (bare_checkout / ".env").write_text("SANDBOX_IMAGE=sandbox-that-is-not-there\n")
    refused = verify(bare_checkout)
    assert refused.returncode == 1
    assert "there is no image sandbox-that-is-not-there" in refused.stderr
    # What it would run the attacks with tells the image's name.
    python = bare_checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho $SANDBOX_IMAGE\n")
    python.chmod(0o755)
    (bare_checkout / "locks").mkdir()
    for name in ("locks/dev.txt", ".venv/installed.txt"):
        (bare_checkout / name).touch()
    attacked = verify(bare_checkout, "--image", "theirs")
    assert attacked.stdout.splitlines()[-1:] == ["sandbox-that-is-not-there"], attacked.stderr


def test_an_env_that_is_a_pipe_is_waited_for_and_said(bare_checkout: Path) -> None:
    os.mkfifo(bare_checkout / ".env")
    command = [str(bare_checkout / "start.sh"), "--no-build", "--shell"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        assert started.stderr.readline() == "sandbox: .env is a pipe: waiting for what is written into it\n"
        started.terminate()
        assert started.wait(PATIENCE) == 128 + signal.SIGTERM


# As start.sh reads what is set. Not in this process: it takes the signals of the whole one.
READ = """
import os, pathlib, sys
sys.path.append(sys.argv[1])
from host import checkout, compose, supervisor
here = pathlib.Path(sys.argv[2])
_, read = compose.read(supervisor.Supervisor(), checkout.Checkout(here, here), dict(os.environ))
print(f"-{read.variables.get('NAMED', '')}-", end="")
"""


@pytest.mark.parametrize(
    "line",
    [
        "NAMED=omp", "NAMED=", "NAMED = omp", " NAMED=omp", "export NAMED=omp", "  export  NAMED =  omp",
        "NAMED='a b'", 'NAMED="a b"', "NAMED='a' # more", "NAMED=a # more", "NAMED=a#b", "NAMED='a#b'",
        "NAMED=a=b", "NAMED=one\nNAMED=two", "#NAMED=omp", "UNNAMED=omp", "NAMEDLY=omp", "NAMED=omp\r",
        "NAMED=http://[::1]:8000/v1",
    ],
)  # fmt: skip
def test_env_is_read_as_compose_reads_it(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    (tmp_path / "compose.yml").write_text(
        "x-start: {NAMED: '${NAMED:-}'}\nservices: {sandbox: {image: one}, one: {image: '-${NAMED}-'}}\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    ours = subprocess.run(
        [sys.executable, "-ISc", READ, ROOT, tmp_path], env=environ,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    theirs = subprocess.run(
        ["docker", "compose", "config", "--images"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env=environ,
    ).stdout  # fmt: skip
    assert ours in theirs.splitlines()


def test_a_machine_without_docker_is_told_what_mends_it(sandbox: Sandbox, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "env", "dirname", "sed", "tail", "id", "apt-get", "grep"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    result = start(sandbox, PATH=str(programs))
    assert result.returncode == 1
    assert "there is no Docker on this machine" in result.stderr
    assert "./start.sh --bootstrap" in result.stderr or not shutil.which("apt-get")


def test_an_engine_that_does_not_answer(sandbox: Sandbox) -> None:
    result = start(sandbox, DOCKER_HOST="unix:///nowhere.sock")
    assert result.returncode == 1
    assert "the Docker engine does not answer" in result.stderr


@pytest.mark.parametrize("file", ["compose.open.yml", "compose.internal.yml"])
def test_what_compose_refuses_is_told_with_the_version_that_a_file_needs(sandbox: Sandbox, file: str) -> None:
    given = {"SANDBOX_PIDS": "many", "COMPOSE_FILE": f"compose.yml:{file}"}
    result = start(sandbox, "--no-build", "--shell", "--", "-c", "echo started", **given)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Compose refuses these settings:" in result.stderr
    assert f"{file} needs Compose 2.24 or newer." in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_may_not_use_the_engine(sandbox: Sandbox) -> None:
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(ROOT / "start.sh")]
    environ = {**sandbox.variables, "HOME": "/nonexistent"}
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "you may not use the Docker engine" in result.stderr


def test_a_base_that_cannot_be_pulled(sandbox: Sandbox) -> None:
    result = start(sandbox, BASE_IMAGE="127.0.0.1:1/none:1", SANDBOX_IMAGE="agentic-sandbox:never")
    assert result.returncode == 1
    assert "its base 127.0.0.1:1/none:1 cannot be pulled" in result.stderr
    assert "./start.sh --bootstrap" in result.stderr


@pytest.mark.skipif(not shutil.which("localedef"), reason="localedef makes the locale")
def test_what_compose_tells_in_a_locale_without_its_letters(bare_checkout: Path) -> None:
    locale = bare_checkout / "en_US.ISO-8859-1"
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", locale], capture_output=True, text=True, check=False
    )
    if not locale.exists():
        pytest.skip(f"localedef made none: {made.stderr}")
    (bare_checkout / ".env").write_text("EXTRA_CA_FILE=/dev/null\nRUST_CHANNEL=\N{SNOWMAN}\n")
    # What the environment has, as where this runs on the second base, would win.
    environ = {name: os.environ[name] for name in os.environ if name not in ("EXTRA_CA_FILE", "RUST_CHANNEL")}
    told = subprocess.run(
        [bare_checkout / "start.sh", "build-variables"], capture_output=True, check=False,
        env={**environ, "LC_ALL": locale.name, "LOCPATH": str(bare_checkout)},
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, b"")
    assert "export RUST_CHANNEL='\N{SNOWMAN}'" in told.stdout.decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_an_account(sandbox: Sandbox) -> None:
    environ = {**sandbox.variables, "MODEL_GGUF": "~/mine.gguf"}
    environ.pop("HOME", None)
    number = ["setpriv", "--reuid=54321", "--regid=54321"]

    def told(*words: str) -> str:
        command = [*number, *words, str(ROOT / "start.sh"), "--demo", "--no-build"]
        result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert result.returncode == 1
        return result.stderr

    assert "No account of this machine has your number, 54321" in told("--clear-groups")
    engine = Path("/var/run/docker.sock")
    if engine.exists():
        assert "MODEL_GGUF=~/mine.gguf: there is no home" in told(f"--groups={engine.stat().st_gid}")
