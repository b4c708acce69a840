"""The image itself, and the toolchains as the agent uses them."""

import json
import re
from collections.abc import Iterator

import pytest
import testinfra
from testinfra.host import Host

from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """The image with nothing of ours started, seen as root."""
    container = docker("run", "--detach", "--entrypoint", "/bin/sleep", IMAGE, "1000")
    yield testinfra.get_host(f"docker://{container}")
    docker("rm", "--force", container)


def test_no_program_raises_privileges(host: Host) -> None:
    assert host.check_output("find / -xdev -perm /6000 -type f") == ""
    script = "import os; [print(p) for d, _, fs in os.walk('/') if not d.startswith('/proc') for f in fs " + (
        "if 'security.capability' in os.listxattr(p := os.path.join(d, f), follow_symlinks=False)]"
    )
    assert host.check_output(f'python3 -c "{script}"') == "", "files with capabilities"


def test_tools_init_and_configuration_are_roots(host: Host) -> None:
    for places in ("/opt /etc/sandbox /usr /etc", "/bin/ /sbin/"):
        found = host.check_output(f"find {places} -xdev -not -type l '(' -not -user root -o -perm /022 ')'")
        assert found == "", found


def test_the_account_of_the_base_has_become_the_agent(host: Host) -> None:
    assert host.user("agent").uid == host.user("agent").gid == 1000
    assert host.user("agent").groups == ["agent"]
    assert host.user("agent").home == "/home/agent"
    assert not host.user("ubuntu").exists
    assert not host.file("/home/ubuntu").exists
    assert (host.file("/etc/shadow").mode, host.file("/etc/shadow").group) == (0o600, "root")
    assert host.check_output("grep -c '^agent:!' /etc/shadow") == "1"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("opencode --version", "1.18.33"),
        ("omp --version", "omp/18.2.3"),
        ("bun --version", "1.4.5"),
        ("npm --version", "11.19.1"),
        ("node --version", "v"),
        ("uv --version", "uv 0."),
        ("cargo --version", "cargo 1."),
        ("rustc --version", "rustc 1."),
        ("rg --version", "ripgrep 1"),
        ("git --version", "git version 2."),
        ("ssh -V 2>&1", "OpenSSH_"),
        ("curl --version", "curl 8."),
        ("gosu --version", "1."),
        ("date +%Z", "CE"),
    ],
)
def test_what_is_installed(host: Host, command: str, output: str) -> None:
    assert host.check_output(command).startswith(output)


def test_the_agents_python_is_the_bases_own(host: Host) -> None:
    own = host.check_output("/usr/bin/python3 --version")
    assert host.check_output("python --version") == host.check_output("python3 --version") == own
    assert host.check_output(f"python{own.split()[1].rpartition('.')[0]} --version") == own


def test_what_pid_1_loads_is_named_and_did_not_come_by_luck(host: Host) -> None:
    """A library that only some other package of the base needs is gone with that package."""
    modules = host.check_output("find /opt/sandbox -name '*.so' -type f").split()
    assert any("prctl" in module for module in modules)
    loaded = "\n".join(host.check_output(f"ldd {module}") for module in modules)
    assert "not found" not in loaded
    libraries = set(re.findall(r"=> (\S+)", loaded))
    packages = {host.check_output(f"dpkg -S $(realpath {name})").split(":")[0] for name in libraries}
    assert packages - {"libc6"} <= set((ROOT / "Dockerfile").read_text().split()), packages


def test_the_entry_point_is_in_exec_form_and_isolated() -> None:
    config = json.loads(docker("image", "inspect", IMAGE))[0]["Config"]
    assert config["Entrypoint"] == [
        "/opt/sandbox/block-signals", "/usr/bin/python3", "-I", "-S", "/opt/sandbox/__main__.py",
    ]  # fmt: skip
    assert config.get("User", "") == ""
    assert config["Labels"]["org.opencontainers.image.title"] == "agentic-sandbox"
    path = next(entry for entry in config["Env"] if entry.startswith("PATH="))
    assert "/home" not in path


def test_what_is_shipped_is_what_is_in_the_repository(host: Host) -> None:
    for source in (ROOT / "init").glob("*.py"):
        assert host.file(f"/opt/sandbox/init/{source.name}").content_string == source.read_text(), (
            "rebuild the image"
        )
    placed = {ROOT / "image" / "entrypoint.py": "/opt/sandbox/__main__.py"}
    placed |= {source: f"/usr/local/bin/{source.name}" for source in (ROOT / "image" / "bin").iterdir()}
    for source, place in placed.items():
        assert host.file(place).content_string == source.read_text(), "rebuild the image"


def test_only_root_prepares_the_image(sandbox: Sandbox) -> None:
    result = sandbox.shell("sandbox-prepare")
    assert (result.returncode, result.stdout) == (1, "")
    assert "only root may do this" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_agent_can_build_something_in_each_language(sandbox: Sandbox) -> None:
    result = sandbox.shell(
        "set -ex; git init -q p && cd p && git config user.email a@b.c && git config user.name a; "
        "cargo init -q --name p && cargo build -q --offline && ./target/debug/p; "
        "uv venv -q --offline --python python3 && .venv/bin/python -c 'print(\"uv\")'; "
        "python -m venv v && v/bin/pip --version; "
        "npm init -y >/dev/null && node -e 'console.log(\"node\")'; bun -e 'console.log(\"bun\")'; "
        "git add Cargo.toml && git commit -qm first && git log --format=%s; rg -l uv package.json || true; "
        "npm config get prefix; npm config get cache; touch $CARGO_HOME $RUSTUP_HOME $UV_CACHE_DIR",
        env={"PUID": "1001"},
    )
    assert result.returncode == 0, result.stderr
    expected = [
        "Hello, world!",
        "uv",
        "node",
        "bun",
        "first",
        "/home/agent/data/npm",
        "/home/agent/data/cache/npm",
    ]
    assert [line for line in result.stdout.splitlines() if not line.startswith("pip ")] == expected
