"""The terminal belongs to the tool while it runs, and to the user afterwards, however the tool ends."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.engine import docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox
from tests.harness.terminal import Terminal

Open = Callable[..., Terminal]
# Tells each key as it comes; q ends it.
KEYS = r"""
import os, tty
tty.setraw(0)
print("listening", flush=True)
while (key := os.read(0, 99)) != b"q":
    print(f"<{key.hex()}>", end="\r\n", flush=True)
"""
# What a full-screen tool asks of the terminal.
DRAWN = r"printf '\e[?1049h\e[?1000h\e[?1006h\e[?2004h\e[?25lup'; "
EVIL = "git init -q .; echo x >.git/hooks/pre-commit; "


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Open]:
    terminals: list[Terminal] = []
    sandbox.environ["COMPOSE_PROJECT_NAME"] = sandbox.name

    def start(*words: str, **environ: str) -> Terminal:
        terminals.append(Terminal([str(ROOT / "start.sh"), *words], {**sandbox.variables, **environ}))
        return terminals[-1]

    yield start
    if left := containers(sandbox):
        docker("rm", "--force", *left, check=False)
    for terminal in terminals:
        terminal.child.close(force=True)
    down = sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes")
    subprocess.run(down, env=sandbox.variables, capture_output=True, check=False)


def containers(sandbox: Sandbox) -> list[str]:
    project = f"label=com.docker.compose.project={sandbox.name}"
    return docker("ps", "--all", "--quiet", "--filter", project).split()


def clients(terminal: Terminal) -> list[int]:
    """Return the processes that start.sh runs now."""
    pid = terminal.child.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_clean(terminal: Terminal, clean: set[int]) -> bool:
    return terminal.screen.mode - {6 << 5} == clean and not terminal.screen.cursor.hidden


def test_every_key_comes_at_once(opened: Open) -> None:
    """But one, which nobody misses, comes with the next: Docker has to be told of some."""
    terminal = opened("--no-build", "--shell", "--", "-c", f"exec python3 -c '{KEYS}'")
    terminal.wait_for("listening")
    for code in sorted(set(range(128)) - {0x1E, ord("q")}):
        terminal.type(chr(code))
        terminal.wait_for(f"<{code:02x}>")
    terminal.type("\x1e")
    terminal.type("a")
    terminal.wait_for("<1e61>")
    terminal.type("q")
    assert terminal.end() == 0, terminal.text


def test_no_key_is_kept_back_in_exec(opened: Open, sandbox: Sandbox) -> None:
    opened("--no-build", "--shell").wait_for("$")
    terminal = opened("exec", "python3", "-c", KEYS)
    terminal.wait_for("listening")
    terminal.type("\x10")
    terminal.wait_for("<10>")
    terminal.type("q")
    assert terminal.end() == 0, terminal.text
    assert containers(sandbox)


def test_who_detaches_leaves_the_session_running(opened: Open, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"detachKeys": "ctrl-p,ctrl-q"}))
    script = f"{EVIL}{DRAWN}exec sleep 1000"
    name = ("--name", "left")
    terminal = opened(
        "--no-build", *name, "--shell", "--", "-c", script, DOCKER_CONFIG=str(tmp_path / "docker")
    )
    clean = terminal.screen.mode.copy()
    terminal.wait_for("up")
    terminal.type("\x10\x11")
    assert terminal.end() == 0, terminal.text
    assert "./start.sh attach left" in terminal.text
    assert is_clean(terminal, clean)
    assert containers(sandbox)
    stopped = opened("stop", "left")
    assert stopped.end() == 0, stopped.text
    assert ".git/hooks/pre-commit" in stopped.text
    assert not containers(sandbox)


def test_a_client_that_is_killed_leaves_the_session_running(opened: Open, sandbox: Sandbox) -> None:
    terminal = opened("--no-build", "--name", "left", "--shell", "--", "-c", f"{DRAWN}exec sleep 1000")
    clean = terminal.screen.mode.copy()
    terminal.wait_for("up")
    for client in clients(terminal):
        os.kill(client, signal.SIGKILL)
    assert terminal.end() == 1, terminal.text
    assert is_clean(terminal, clean)
    assert "./start.sh attach left" in terminal.text
    assert opened("stop", "--all").end() == 0
    assert not containers(sandbox)


def test_a_sandbox_that_is_killed_leaves_the_terminal_right(opened: Open, sandbox: Sandbox) -> None:
    terminal = opened("--no-build", "--shell", "--", "-c", f"{DRAWN}exec sleep 1000")
    clean = terminal.screen.mode.copy()
    terminal.wait_for("up")
    docker("kill", *containers(sandbox))
    assert terminal.end() == 137, terminal.text
    assert "killed (137), by somebody" in terminal.text
    assert is_clean(terminal, clean)


def test_a_session_without_memory_says_so(opened: Open) -> None:
    script = f"{DRAWN}exec python3 -c 'x = bytearray(1 << 30)'"
    terminal = opened("--no-build", "--shell", "--", "-c", script, SANDBOX_MEMORY="200m")
    clean = terminal.screen.mode.copy()
    assert terminal.end() == 137, terminal.text
    assert "killed for want of memory: give it more (SANDBOX_MEMORY" in terminal.text
    assert is_clean(terminal, clean)


def test_a_terminal_in_exec_is_put_right_when_the_sandbox_is_killed(opened: Open, sandbox: Sandbox) -> None:
    opened("--no-build", "--shell").wait_for("$")
    terminal = opened("exec", "bash", "-c", f"{DRAWN}exec sleep 1000")
    clean = terminal.screen.mode.copy()
    terminal.wait_for("up")
    docker("kill", *containers(sandbox))
    assert terminal.end() == 137, terminal.text
    assert is_clean(terminal, clean)
