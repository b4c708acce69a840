"""A session is a thing with a name: it is listed, left, come back to and ended, and outlives its terminal."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.harness.engine import Result, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.terminal import Terminal
from tests.harness.waiting import wait_for

SHELL = ("--no-build", "--shell")
# Ctrl-^ and q.
LEAVE = "\x1eq"
EVIL = "git init -q .; echo x >.git/hooks/pre-commit; "
NOTED = "trap 'echo hung up >>told' HUP; "


@dataclass
class Checkout:
    """A checkout whose sessions are its own, and the terminals that they are started from."""

    sandbox: Sandbox
    terminals: list[Terminal] = field(default_factory=list)

    def open(self, *words: str) -> Terminal:
        self.terminals.append(Terminal([str(ROOT / "start.sh"), *words], self.sandbox.variables))
        return self.terminals[-1]

    def run(self, *words: str, stdin: str = "") -> Result:
        return start(self.sandbox, *words, stdin=stdin)

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(ROOT / "start.sh"), *words], env=self.sandbox.variables, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def ps(self) -> dict[str, dict[str, Any]]:
        listed = self.run("ps", "--json")
        assert listed.returncode == 0, listed
        return {one["name"]: one for one in json.loads(listed.stdout)["sessions"]}

    def containers(self, *options: str) -> list[str]:
        project = f"label=com.docker.compose.project={self.sandbox.name}"
        listed = docker("ps", "--all", "--filter", project, *options, "--format", "{{.Names}} {{.State}}")
        return listed.splitlines()

    def leaves_nothing(self) -> None:
        wait_for(lambda: not self.containers(), lambda: f"the end of {self.containers()}")


@pytest.fixture
def checkout(sandbox: Sandbox) -> Iterator[Checkout]:
    sandbox.environ |= {"COMPOSE_PROJECT_NAME": sandbox.name, "TOOLS": "shell"}
    made = Checkout(sandbox)
    yield made
    for terminal in made.terminals:
        terminal.child.close(force=True)
    if left := [line.split()[0] for line in made.containers()]:
        docker("rm", "--force", *left, check=False)
    down = sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes")
    subprocess.run(down, env=sandbox.variables, capture_output=True, check=False)


def hang_up(terminal: Terminal) -> None:
    # It is given a moment only.
    with contextlib.suppress(pexpect.ExceptionPexpect):
        terminal.child.close(force=False)


def kill_client(terminal: Terminal) -> None:
    pid = terminal.child.pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    assert terminal.end() == 1, terminal.text
    assert "one runs on" in terminal.text


def kill_start(terminal: Terminal) -> None:
    assert terminal.child.pid
    os.kill(terminal.child.pid, signal.SIGKILL)
    hang_up(terminal)


def test_a_session_is_listed_left_and_come_back_to(checkout: Checkout) -> None:
    terminal = checkout.open(*SHELL, "--name", "one")
    terminal.wait_for("one: Ctrl-^ q", "$")
    one = checkout.ps()["one"]
    assert (one["tool"], one["attached"], one["kind"]) == ("shell", True, "shell"), one
    assert (one["folder"], one["folder_there"]) == (str(checkout.sandbox.workspace), True), one
    assert one["memory"].endswith("iB"), one
    terminal.type(LEAVE)
    assert terminal.end() == 0, terminal.text
    assert "one runs on; ./start.sh attach one" in terminal.text
    assert checkout.ps()["one"]["attached"] is False
    refused = checkout.run(*SHELL, "--name", "one")
    assert refused.returncode == 1
    assert "there is a session one already" in refused.stderr, refused.stderr
    assert "./start.sh attach one" in refused.stderr
    entered = checkout.run("exec", "--name", "one", "pwd")
    assert (entered.returncode, entered.stdout) == (0, "/home/agent/workspace\n"), entered
    terminal = checkout.open("attach")
    terminal.type_until("\r", "$")
    other = checkout.open("attach", "one")
    other.wait_for("one has somebody else attached")
    other.type_until("\r", "$")
    terminal.type("exit 7\r")
    assert (terminal.end(), other.end()) == (7, 7), terminal.text + other.text
    checkout.leaves_nothing()
    gone = checkout.run("attach", "one")
    assert (gone.returncode, "there is no session one" in gone.stderr) == (1, True), gone


@pytest.mark.parametrize("lose", [hang_up, kill_client, kill_start])
def test_a_lost_terminal_leaves_the_session(checkout: Checkout, lose: Callable[[Terminal], None]) -> None:
    terminal = checkout.open(*SHELL, "--name", "one", "--", "-c", f"{NOTED}echo up; read x; exit $x")
    terminal.wait_for("up")
    lose(terminal)
    wait_for(lambda: checkout.ps()["one"]["attached"] is False, "nobody to be there")
    again = checkout.open("attach", "one")
    again.wait_for("one: Ctrl-^ q")
    again.type_until("7\r", "7")
    assert again.end() == 7, again.text
    assert not (checkout.sandbox.workspace / "told").exists()
    checkout.leaves_nothing()


def test_a_hang_up_that_start_sh_alone_gets_leaves_the_session(checkout: Checkout) -> None:
    terminal = checkout.open(*SHELL, "--name", "one")
    terminal.wait_for("$")
    assert terminal.child.pid
    os.kill(terminal.child.pid, signal.SIGHUP)
    assert terminal.end() == 129, terminal.text
    assert "one runs on" in terminal.text
    assert checkout.run("stop").returncode == 0
    checkout.leaves_nothing()


def test_the_menu_outlives_its_terminal(checkout: Checkout) -> None:
    checkout.sandbox.environ["TOOLS"] = "shell,python"
    terminal = checkout.open("--no-build", "--name", "one")
    terminal.wait_for("Which tool?")
    hang_up(terminal)
    again = checkout.open("attach")
    again.wait_for("one: Ctrl-^ q")
    again.type_until("1\r", "$")
    again.type("exit 3\r")
    assert again.end() == 3, again.text


def test_what_ended_unattended_is_told_once(checkout: Checkout) -> None:
    script = f"{EVIL}echo up; until test -e go; do sleep 0.1; done; exit 5"
    started = checkout.run(*SHELL, "--detach", "--name", "one", "--", "-c", script)
    assert (started.returncode, "one runs on" in started.stderr) == (0, True), started
    checkout.sandbox.as_root("touch", "workspace/go")
    wait_for(lambda: any(" exited" in line for line in checkout.containers()), "its end")
    logged = checkout.run("logs", "one")
    assert "up" in logged.stdout, logged
    told = checkout.run("ps").stderr
    assert "one (shell, " in told, told
    assert "ended with exit code 5, and nobody was there" in told
    assert ".git/hooks/pre-commit" in told
    checkout.leaves_nothing()
    assert "one" not in checkout.run("ps").stderr


def test_what_was_killed_unattended_is_told_at_the_next_start(checkout: Checkout) -> None:
    assert checkout.run(*SHELL, "--detach", "--name", "one").returncode == 0
    docker("kill", f"{checkout.sandbox.name}-one")
    wait_for(lambda: any(" exited" in line for line in checkout.containers()), "its end")
    # The name is free again.
    again = checkout.run(*SHELL, "--name", "one", "--", "-c", "exit 4")
    assert again.returncode == 4, again
    assert "ended with exit code 137, and nobody was there" in again.stderr
    assert "killed (137), by somebody" in again.stderr
    checkout.leaves_nothing()


def test_a_session_that_cannot_begin_is_told_though_nobody_is_there(checkout: Checkout) -> None:
    refused = checkout.run("--no-build", "--detach", "--name", "one", "--tool", "nosuch")
    assert refused.returncode not in (0, 1), refused
    assert "nosuch" in refused.stderr
    assert "one ended at its start" in refused.stderr
    checkout.leaves_nothing()
    checkout.sandbox.environ["TOOLS"] = "shell,python"
    unchosen = checkout.run("--no-build", "--detach")
    assert (unchosen.returncode, "nobody is there to choose a tool" in unchosen.stderr) == (1, True), unchosen


def test_nobody_is_needed_for_a_terminal_to_have_a_size(checkout: Checkout) -> None:
    assert checkout.run(*SHELL, "--detach", "--name", "one", "--", "-c", "stty size; read x").returncode == 0
    wait_for(lambda: "24 80" in checkout.run("logs").stdout, lambda: checkout.run("logs").stdout)


def test_of_two_starts_with_one_name_one_runs(checkout: Checkout) -> None:
    words = (*SHELL, "--name", "one", "--", "-c", "sleep 1000")
    both = [checkout.begin(*words), checkout.begin(*words)]
    wait_for(lambda: any(one.poll() is not None for one in both), "one of them to be refused")
    (refused,) = (one for one in both if one.poll() is not None)
    assert refused.stderr is not None
    assert (refused.returncode, b"there is a session one already" in refused.stderr.read()) == (1, True)
    wait_for(lambda: "one" in checkout.ps(), "the other")
    assert checkout.run("stop", "one").returncode == 0
    checkout.leaves_nothing()


def test_of_several_one_has_to_be_named(checkout: Checkout) -> None:
    script = "trap 'exit 6' TERM; echo up; while :; do sleep 0.1; done"
    for name in ("one", "two"):
        assert checkout.run(*SHELL, "--detach", "--name", name, "--", "-c", script).returncode == 0
    for verb in ("attach", "stop", "logs", "exec"):
        unclear = checkout.run(verb)
        assert unclear.returncode == 1, unclear
        assert "2 sandboxes of this folder run: which one is meant?" in unclear.stderr
        assert "one  shell" in unclear.stderr, unclear.stderr
    wait_for(lambda: "up" in checkout.run("logs", "two").stdout, "what it wrote")
    stopped = checkout.run("stop", "--all")
    assert stopped.returncode == 0, stopped
    for name in ("one", "two"):
        assert f"{name} (shell, {checkout.sandbox.workspace}) ended with exit code 6" in stopped.stderr
    checkout.leaves_nothing()


def test_a_session_that_nobody_is_at_is_offered(checkout: Checkout) -> None:
    assert checkout.run(*SHELL, "--detach", "--name", "one").returncode == 0
    said = checkout.run(*SHELL, "--name", "two", "--", "-c", "exit 0").stderr
    assert "one (shell) runs in this folder" in said, said
    terminal = checkout.open("--no-build")
    terminal.wait_for("nobody is attached", "Enter comes back to one")
    terminal.type("\r")
    terminal.wait_for("one: Ctrl-^ q")
    terminal.type_until("\r", "$")
    terminal.type(LEAVE)
    assert terminal.end() == 0, terminal.text
    new = checkout.open("--no-build")
    new.wait_for("Enter comes back to one")
    new.type("n\r")
    new.wait_for(" leaves it running", "$")
    assert len(checkout.ps()) == 2


@pytest.mark.parametrize("after", [0.0, 0.3, 0.8, 2.0])
def test_a_start_that_is_killed_leaves_nothing_that_is_not_found(checkout: Checkout, after: float) -> None:
    process = checkout.begin(*SHELL, "--name", "one", "--", "-c", "sleep 1000")
    wait_for(checkout.containers, "the first container")
    time.sleep(after)
    process.kill()
    process.wait()

    def is_gone() -> bool:
        assert checkout.run("stop", "--all").returncode == 0
        return not checkout.containers()

    # The engine may still be at making what nobody waits for.
    wait_for(is_gone, lambda: f"the end of {checkout.containers()}")


def test_a_folder_that_is_gone_is_told(checkout: Checkout) -> None:
    assert checkout.run(*SHELL, "--detach", "--name", "one").returncode == 0
    checkout.sandbox.workspace.rename(checkout.sandbox.folder / "away")
    try:
        listed = checkout.run("ps")
        assert f"{checkout.sandbox.workspace} (is gone)" in listed.stdout, listed
        assert checkout.run("exec", "true").returncode == 0
        assert checkout.run("stop").returncode == 0
    finally:
        (checkout.sandbox.folder / "away").rename(checkout.sandbox.workspace)


def test_a_screen_is_whole_again(checkout: Checkout, model: Model) -> None:
    """OpenCode's, after a hang-up, at a terminal of another size, which is changed once more.

    What it asked of the first terminal, such as the mouse, the second one is told as well.
    """
    checkout.sandbox.environ |= {"TOOLS": "opencode", "MODEL_URL": model.url}
    terminal = checkout.open("--no-build", "--name", "one", "--tool", "opencode")
    terminal.wait_for("Ask anything")
    hang_up(terminal)
    again = checkout.open("attach", "one")
    again.wait_for("Ask anything", "~/workspace")
    # As pyte has it: private modes are shifted.
    wait_for(
        lambda: again.read() and 1000 << 5 in again.screen.mode, lambda: f"the mouse: {again.screen.mode}"
    )
    again.child.setwinsize(30, 100)
    again.screen.resize(30, 100)
    again.screen.reset()
    again.wait_for("Ask anything", "~/workspace")
    again.type_until_end("\x03")
    wait_for(lambda: len(checkout.containers()) == 1, lambda: f"the model alone: {checkout.containers()}")
