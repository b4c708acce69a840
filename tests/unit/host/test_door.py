"""start.sh itself: which Python it takes, what it says where there is none, and who has no say."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = Path(sys.executable).resolve()
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with what start.sh itself calls, and no Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("bash", "env", "dirname"):
        (folder / name).symlink_to(shutil.which(name) or "")
    return folder


def start(programs: Path, *words: str, **environ: str) -> Result:
    return subprocess.run(
        [ROOT / "start.sh", *words], env={"PATH": str(programs), **environ}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def test_without_python_it_says_what_to_do(programs: Path) -> None:
    told = start(programs)
    assert (told.returncode, told.stdout) == (1, "")
    assert "needs Python 3.9 or newer" in told.stderr
    assert "package python3" in told.stderr
    program(programs / "apt-get", "")
    assert "./start.sh --bootstrap" in start(programs).stderr


def test_without_python_the_doctor_reports_all_the_same(programs: Path) -> None:
    told = start(programs, "doctor", "--json")
    assert told.returncode == 1
    (finding,) = json.loads(told.stdout)["findings"]
    assert (finding["area"], finding["status"]) == ("python", "fail")


def test_a_python_that_is_too_old_is_passed_over(programs: Path) -> None:
    """All that is asked of the old one is its age, of which it says by its exit code that it is too old."""
    program(programs / "python3", "exit 1")
    assert start(programs, "--version").returncode == 1
    (programs / "python3.11").symlink_to(PYTHON)
    assert start(programs, "--version").stdout.startswith("agentic-sandbox ")


def test_a_script_that_looks_for_python_is_asked_once(programs: Path, tmp_path: Path) -> None:
    """As those of pyenv, each call of which takes as long as five starts of Python."""
    program(programs / "python3", f'echo >>{tmp_path}/asked; exec {PYTHON} "$@"')
    assert start(programs, "--version").stdout.startswith("agentic-sandbox ")
    assert (tmp_path / "asked").read_text() == "\n"


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="there is no /usr/bin/python3")
def test_the_stub_of_macos_is_not_run(programs: Path) -> None:
    """Bash takes OSTYPE from the environment; xcode-select fails where the command line tools are missing."""
    program(programs / "xcode-select", "exit 2")
    told = start(programs, "--version", PATH=f"{programs}:/usr/bin", OSTYPE="darwin23")
    assert told.returncode == 1
    assert "xcode-select --install" in told.stderr or "--bootstrap" in told.stderr
    program(programs / "xcode-select", "echo /Library/Developer/CommandLineTools")
    assert start(programs, "--version", PATH=f"{programs}:/usr/bin", OSTYPE="darwin23").returncode == 0


@pytest.mark.parametrize(("missing", "words"), [("argparse", ["--version"]), ("json", ["--no-build"])])
def test_a_python_that_is_not_whole_is_told(programs: Path, missing: str, words: list[str]) -> None:
    """Debian's python3-minimal lacks modules; here one cannot be imported, at the first moment or later."""
    program(programs / "python3", f"""
if [[ $1 == -ISc ]]; then exit; fi
for ((index = 1; index <= $#; index++)); do
  if [[ ${{!index}} == -c ]]; then
    next=$((index + 1))
    exec {PYTHON} "${{@:1:index}}" "import sys; sys.modules['{missing}'] = None; ${{!next}}" "${{@:next+1}}"
  fi
done""")  # fmt: skip
    told = start(programs, *words)
    assert told.returncode == 1
    assert "this Python is not whole" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("words", [("--", "--bootstrap"), ("--tool", "x", "--", "--bootstrap", "--")])
def test_what_is_the_tools_brings_nothing_up(programs: Path, words: tuple[str, ...]) -> None:
    """Where it is asked for, bootstrap.sh comes as far as this PATH lets it: no further than to look."""
    assert start(programs, *words).stderr.startswith("sandbox: error: start.sh needs Python 3.9")
    assert "needs Python 3.9" not in start(programs, "--demo", "--bootstrap").stderr


def test_neither_variables_nor_the_current_folder_have_a_say(programs: Path, tmp_path: Path) -> None:
    (programs / "python3").symlink_to(PYTHON)
    for name in ("host", "json", "argparse", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')\n")
    told = subprocess.run(
        [ROOT / "start.sh", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={
            "PATH": str(programs), "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "host.py"),
            "PYTHONHOME": str(tmp_path), "PYTHONINSPECT": "1", "PYTHONVERBOSE": "1",
        },
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("agentic-sandbox ")


def installed(version: str) -> str | None:
    """Return a Python of this version, if there is one that runs."""
    kept = Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")
    for place in (shutil.which(f"python{version}"), *map(str, kept)):
        told = [place or "false", "-c", "import os, sys; print(os.path.realpath(sys.executable))"]
        found = subprocess.run(told, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.strip()
    return None


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python_that_is_supported(programs: Path, version: str) -> None:
    python = installed(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    program(programs / "python3", f'[[ $1 == -ISc ]] || exec {python} -W error "$@"')
    for words in (["--help"], ["doctor", "--help"], ["completion", "bash"], ["--version"]):
        told = start(programs, *words)
        assert (told.returncode, told.stderr) == (0, ""), words
    assert "there is no Docker on this machine" in start(programs, "--no-build").stderr


def test_a_reader_who_goes_away_is_no_error(programs: Path) -> None:
    (programs / "python3").symlink_to(PYTHON)
    read, write = os.pipe()
    os.close(read)
    told = subprocess.run(
        [ROOT / "start.sh", "completion", "bash"], env={"PATH": str(programs)}, stdout=write,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert told.stderr == ""


def test_the_version_is_one() -> None:
    version = (ROOT / "VERSION").read_text().strip()
    label = re.search(r'org\.opencontainers\.image\.version="(.+?)"', (ROOT / "Dockerfile").read_text())
    newest = re.search(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert label
    assert newest
    assert (label[1], newest[1]) == (version, version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"file": "VERSION"}


def test_no_module_is_long_and_no_function() -> None:
    for path in (ROOT / "host").glob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 50, (path, node.name)
    assert len((ROOT / "start.sh").read_text().splitlines()) <= 70


@pytest.mark.parametrize("shut", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(("words", "code"), [("--nope", 64), ("doctor --nope", 64), ("--build-arg ''", 64)])
def test_the_exit_code_stays_where_nobody_can_be_told(words: str, code: int, shut: str) -> None:
    told = subprocess.run(["bash", "-c", f"{ROOT}/start.sh {words} {shut}"], capture_output=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (code, b"", b"")


@pytest.mark.parametrize("shut", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_not_taken_for_the_script(programs: Path, shut: str) -> None:
    """Bash opens the script as the first free descriptor; whatever is run next would read or write it."""
    program(programs / "python3", f"""
if [[ $1 == -ISc ]]; then exit; fi
for number in 0 1 2; do
  if [[ /dev/fd/$number -ef {ROOT}/start.sh ]]; then exit 9; fi
done""")  # fmt: skip
    told = subprocess.run(
        ["bash", "-c", f"{ROOT}/start.sh {shut}"],
        env={"PATH": str(programs)},
        capture_output=True,
        check=False,
    )
    assert told.returncode == 0


def test_it_is_called_through_links(programs: Path, tmp_path: Path) -> None:
    (programs / "python3").symlink_to(PYTHON)
    (programs / "readlink").symlink_to(shutil.which("readlink") or "")
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "absolute").symlink_to(ROOT / "start.sh")
    (folder / "relative").symlink_to("absolute")
    (tmp_path / "linked").symlink_to(folder)
    for call in (folder / "relative", tmp_path / "linked" / "relative"):
        told = subprocess.run(
            [call, "--version"], env={"PATH": str(programs)}, capture_output=True, text=True, check=False
        )
        assert (told.returncode, told.stderr) == (0, ""), call
