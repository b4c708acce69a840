"""What projects need beside their language: compilers, editors, terminals, and installers that are found."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.harness.sandbox import Sandbox

NAME = "greet"
INFO = f"{NAME}-1.0.dist-info"
WHEEL = {
    f"{NAME}.py": f"def main():\n    print('{NAME}')\n",
    f"{INFO}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": f"[console_scripts]\n{NAME} = {NAME}:main\n",
}
WHEEL_FILE = f"{NAME}-1.0-py3-none-any.whl"
CRATE = f'[package]\nname = "{NAME}"\nversion = "1.0.0"\nedition = "2021"\n'


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def packages(sandbox: Sandbox) -> Sandbox:
    """Put the same program into the workspace, as a package of each kind."""
    record = "".join(f"{name},,\n" for name in (*WHEEL, f"{INFO}/RECORD"))
    with zipfile.ZipFile(sandbox.workspace / WHEEL_FILE, "w") as wheel:
        for name, text in {**WHEEL, f"{INFO}/RECORD": record}.items():
            wheel.writestr(name, text)
    manifest = f'{{"name": "{NAME}", "version": "1.0.0", "bin": {{"{NAME}": "greet.js"}}}}'
    program = f"#!/usr/bin/env node\nconsole.log('{NAME}')\n"
    write(sandbox.workspace / "package", {"package.json": manifest, "greet.js": program})
    (sandbox.workspace / "package" / "greet.js").chmod(0o755)
    source = f'fn main() {{ println!("{NAME}") }}\n'
    write(sandbox.workspace / "crate", {"Cargo.toml": CRATE, "src/main.rs": source})
    sandbox.own("1000:1000")
    return sandbox


@pytest.mark.parametrize(
    ("install", "place"),
    [
        ("npm install --global --offline --no-audit --no-fund ./package", "data/npm/bin"),
        ("bun add --global file:$PWD/package", "data/bun/bin"),
        (f"uv tool install --offline ./{WHEEL_FILE}", "data/bin"),
        (f"python3 -m pip install --user --no-index ./{WHEEL_FILE}", ".local/bin"),
        (f"pip install --no-index ./{WHEEL_FILE}", ".local/bin"),
        ("cargo install --offline --path crate", "data/cargo/bin"),
    ],
    ids=["npm", "bun", "uv", "pip --user", "pip", "cargo"],
)
def test_what_is_installed_is_found(packages: Sandbox, install: str, place: str) -> None:
    result = packages.shell(f"set -e; {install} >&2; command -v {NAME}; {NAME}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"/home/agent/{place}/{NAME}\n{NAME}\n"


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("printf 'int main() { return 0; }' >a.cpp; make -s a && ./a && echo built", "built\n"),
        ("pkg-config --version && patch --version && unzip -v && file --version && less --version", ""),
        ("nano --version && git lfs version", "git-lfs"),
        ("echo '{\"a\": [1, 2]}' | jq -c .a", "[1,2]\n"),
        ("python3 -m venv v && v/bin/python -m pip --version", "workspace/v"),
        ("gpg --batch --quiet --passphrase '' --quick-gen-key a@example.com && gpg -K", "a@example.com"),
    ],
)
def test_the_tools_of_a_project_are_there(sandbox: Sandbox, script: str, output: str) -> None:
    result = sandbox.shell(f"set -e; {script}")
    assert result.returncode == 0, result.stderr
    assert output in result.stdout


def test_a_large_file_of_git_lfs_is_neither_modified_nor_committed_raw(sandbox: Sandbox) -> None:
    script = (
        "set -e; git init -q p; cd p; git config user.email a@example.com; git config user.name a; "
        "echo '*.bin filter=lfs diff=lfs merge=lfs -text' >.gitattributes; echo large >x.bin; "
        "git add -A; git commit -qm first; git show HEAD:x.bin; rm x.bin; git checkout -q x.bin; cat x.bin; "
        "git status --short"
    )
    result = sandbox.shell(script)
    assert result.returncode == 0, result.stderr
    first, *_, last = result.stdout.splitlines()
    assert (first, last) == ("version https://git-lfs.github.com/spec/v1", "large")


def test_uv_leaves_the_hosts_environment_alone(sandbox: Sandbox) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\n',
        ".venv/pyvenv.cfg": "home = /opt/homebrew/bin\nversion_info = 3.12.1\n",
    }
    write(sandbox.workspace, files)
    python = sandbox.workspace / ".venv" / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to("/opt/homebrew/bin/python3.12")
    sandbox.own("1000:1000")
    result = sandbox.shell("uv run --offline python -c 'import sys; print(sys.prefix)'")
    assert (result.returncode, result.stdout) == (0, "/home/agent/workspace/.venv-sandbox\n"), result.stderr
    assert str(python.readlink()) == "/opt/homebrew/bin/python3.12"
    assert (sandbox.workspace / ".venv" / "pyvenv.cfg").read_text() == files[".venv/pyvenv.cfg"]
    assert (sandbox.workspace / ".venv-sandbox" / ".gitignore").read_text().strip() == "*"


TERMINALS = (
    "xterm-kitty kitty xterm-ghostty ghostty alacritty alacritty-direct foot wezterm contour rio mintty"
    " ms-terminal tmux tmux-256color screen screen-256color screen.xterm-256color"
    " xterm xterm-256color xterm-direct nsterm nsterm-256color Apple_Terminal iTerm2.app iterm2 rxvt-unicode"
    " rxvt-unicode-256color st-256color vte-256color gnome-256color konsole-256color putty-256color"
    " linux vt100 dumb"
)


def test_terminals_of_today_are_known(sandbox: Sandbox) -> None:
    script = f"for name in {TERMINALS}; do infocmp $name >/dev/null 2>&1 || echo $name; done"
    result = sandbox.shell(script)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_a_terminal_that_nobody_knows_is_taken_for_a_common_one(sandbox: Sandbox) -> None:
    result = sandbox.shell("tput cols >/dev/null && echo $TERM", env={"TERM": "odd-one"})
    assert (result.returncode, result.stdout) == (0, "xterm-256color\n"), result.stderr
    assert result.stderr.count("TERM=odd-one is not known in the sandbox") == 1


def test_a_terminal_that_is_known_stays(sandbox: Sandbox) -> None:
    result = sandbox.shell("echo $TERM", env={"TERM": "xterm-ghostty"})
    assert (result.stdout, "TERM" in result.stderr) == ("xterm-ghostty\n", False)


def test_a_command_that_enters_a_session_knows_its_terminal_too(sandbox: Sandbox) -> None:
    name = sandbox.start("-c", "sleep 100", env={"TOOLS": "shell"})
    try:
        command = ["docker", "exec", "--env=TERM=odd-one", name, "sandbox-enter", "sh", "-c", "echo $TERM"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=True)
    assert (result.returncode, result.stdout) == (0, "xterm-256color\n"), result.stderr


def test_packages_of_another_platform_are_told(sandbox: Sandbox) -> None:
    (sandbox.workspace / "web" / "node_modules" / "@esbuild" / "darwin-arm64").mkdir(parents=True)
    result = sandbox.shell("true")
    assert "workspace/web/node_modules was installed for darwin-arm64" in result.stderr
