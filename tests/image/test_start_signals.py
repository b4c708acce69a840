"""start.sh asked to end, at every moment: sandbox and model end, and nothing is left.

A program early on PATH notes each docker command before it becomes the real one: a test knows how far it is.
"""

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness.engine import docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox
from tests.harness.terminal import Terminal
from tests.harness.waiting import PATIENCE, wait_for

NOTING = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
if [ "$1" = info ]; then
  told=$("$DOCKER" "$@") || exit
  printf '%s\\n' "$told" | sed 's|"Path":"[^"]*/docker-compose"|"Path":"'"$0"'-compose"|'
  exit
fi
exec "$DOCKER" "$@"
"""
# Compose's plugin, which start.sh calls by the file that `docker info` tells.
NOTING_COMPOSE = """#!/bin/sh
printf 'compose %s\\n' "$*" >>"$CALLS"
exec "$DOCKER" compose "$@"
"""
SLEEPING = ("--no-build", "--shell", "--", "-c", "exec sleep 1000")
HUP, INT, TERM = signal.SIGHUP, signal.SIGINT, signal.SIGTERM


@dataclass
class Watched:
    """A checkout whose docker commands are noted, in a Compose project of its own."""

    sandbox: Sandbox
    calls: Path

    @property
    def variables(self) -> dict[str, str]:
        return self.sandbox.variables

    def start(self, *words: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        with (self.sandbox.folder / "stderr").open("wb") as errors:
            return subprocess.Popen(
                [*before, str(ROOT / "start.sh"), *words], env=self.variables, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
            )  # fmt: skip

    def wait_for_call(self, what: str) -> None:
        wait_for(lambda: any(what in call for call in self.noted()), lambda: f"{what!r} among {self.noted()}")

    def noted(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def containers(self) -> str:
        project = self.variables["COMPOSE_PROJECT_NAME"]
        return docker(
            "ps", "--all", "--format", "{{.Names}} {{.Status}}", "--filter",
            f"label=com.docker.compose.project={project}",
        )  # fmt: skip

    def processes(self) -> list[str]:
        """Return the processes of this machine that start.sh has started, and itself."""
        mark, found = f"CALLS={self.calls}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:  # another user's, or gone
                continue
        return found

    def told(self) -> str:
        file = self.sandbox.folder / "stderr"
        return f"{self.noted()}\n{file.read_text() if file.exists() else ''}"

    def leaves_nothing(self) -> None:
        # The engine may still be at removing one.
        wait_for(lambda: not self.containers(), lambda: f"the end of {self.containers()}\n{self.told()}")
        wait_for(lambda: not self.processes(), lambda: f"the end of {self.processes()}\n{self.told()}")
        # And none comes later: the engine finishes what nobody waits for any more.
        time.sleep(1)
        assert not self.containers(), self.told()


@pytest.fixture
def watched(sandbox: Sandbox) -> Iterator[Watched]:
    programs = sandbox.folder / "bin"
    programs.mkdir()
    for name, text in (("docker", NOTING), ("docker-compose", NOTING_COMPOSE)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    made = Watched(sandbox, sandbox.folder / "calls")
    sandbox.environ |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "DOCKER": shutil.which("docker") or "",
        "CALLS": str(made.calls),
        "COMPOSE_PROJECT_NAME": f"signal-test-{uuid.uuid4().hex[:8]}",
        "TOOLS": "shell",
    }
    yield made
    subprocess.run(
        sandbox.compose("--profile", "demo", "down", "--timeout", "0", "--remove-orphans", "--volumes"),
        env=sandbox.variables, capture_output=True, check=False,
    )  # fmt: skip


@pytest.fixture
def demonstrating(watched: Watched, demo_image: str) -> Watched:
    watched.sandbox.environ["DEMO_IMAGE"] = demo_image
    return watched


class Moment(NamedTuple):
    """When a signal comes: seconds after start.sh came to a docker command; and who gets it."""

    command: str
    after: float
    number: signal.Signals
    whole_group: bool

    def __str__(self) -> str:
        return f"{self.command}-{self.after}-{self.number.name}{'-all' * self.whole_group}".replace(" ", "")


# Early, then at all stages of a container's start, then in the tool.
RUNNING = [
    Moment(" run --", *rest)
    for rest in [
        (0, TERM, False), (0.05, INT, True), (0.1, HUP, False), (0.2, TERM, True), (0.3, INT, False),
        (0.4, HUP, True), (0.6, TERM, False), (0.8, INT, True), (1.2, HUP, False), (2.5, INT, True),
        (1.0, signal.SIGQUIT, True),
    ]
]  # fmt: skip
EARLY = [
    Moment("info", 0, TERM, False), Moment("config", 0, INT, True), Moment("image inspect", 0, HUP, False),
]  # fmt: skip
BUILDING = [
    Moment(" build", 0, TERM, True),
    Moment(" build", 0.3, INT, False),
    Moment(" build", 0.6, HUP, False),
]
DEMONSTRATING = [
    Moment(" up ", 0, TERM, False), Moment(" up ", 0.2, INT, True), Moment(" up ", 0.5, HUP, False),
    Moment(" up ", 1.5, TERM, True), Moment(" run --", 0, INT, True), Moment(" run --", 0.5, HUP, False),
]  # fmt: skip


def ends_at(watched: Watched, moment: Moment, *words: str) -> None:
    process = watched.start(*words)
    watched.wait_for_call(moment.command)
    time.sleep(moment.after)
    if moment.whole_group:
        os.killpg(process.pid, moment.number)
    else:
        process.send_signal(moment.number)
    assert process.wait(PATIENCE * 2) == 128 + moment.number, watched.told()
    watched.leaves_nothing()


@pytest.mark.parametrize("moment", [*EARLY, *RUNNING], ids=str)
def test_a_signal_at_every_moment_leaves_nothing(watched: Watched, moment: Moment) -> None:
    ends_at(watched, moment, *SLEEPING)


@pytest.mark.parametrize("moment", BUILDING, ids=str)
def test_a_signal_while_it_builds_leaves_nothing(watched: Watched, moment: Moment) -> None:
    # With an argument of its own it is built, whatever there is.
    ends_at(watched, moment, "--build-arg", "APT_MIRROR=", *SLEEPING[1:])


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("moment", DEMONSTRATING, ids=str)
def test_a_signal_at_every_moment_leaves_no_model(demonstrating: Watched, moment: Moment) -> None:
    ends_at(demonstrating, moment, "--demo", *SLEEPING)


@pytest.mark.xdist_group("demo")
def test_a_signal_while_it_tears_down_changes_nothing(demonstrating: Watched) -> None:
    process = demonstrating.start("--demo", "--no-build", "--shell", "--", "-c", "exit 7")
    demonstrating.wait_for_call(" rm --stop")
    for number in (INT, TERM, HUP):
        os.killpg(process.pid, number)
    assert process.wait(PATIENCE) == 7, demonstrating.told()
    demonstrating.leaves_nothing()


@pytest.mark.parametrize(
    ("before", "number"),
    [(("nohup",), HUP), (("sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"), INT)],
    ids=["nohup", "background"],
)
def test_a_signal_that_is_ignored_from_the_start_ends_it_too(
    watched: Watched, before: tuple[str, ...], number: signal.Signals
) -> None:
    process = watched.start(*SLEEPING, before=before)
    watched.wait_for_call(" run --")
    wait_for(watched.containers, watched.told)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 128 + number, watched.told()
    watched.leaves_nothing()


def test_a_second_signal_changes_nothing(watched: Watched) -> None:
    process = watched.start(*SLEEPING)
    watched.wait_for_call(" run --")
    for number in (INT, HUP, TERM, INT):
        process.send_signal(number)
    # Which of those that came together is the first is the kernel's choice.
    assert process.wait(PATIENCE) in {128 + number for number in (HUP, INT, TERM)}, watched.told()
    watched.leaves_nothing()


def test_the_tool_is_told_once(watched: Watched) -> None:
    """Ctrl-C, which the terminal sends to the whole group, comes to the tool as one signal."""
    script = "trap 'echo told >>~/workspace/told' INT TERM; touch ~/workspace/up; while :; do sleep 0.1; done"
    process = watched.start(*SLEEPING[:-1], script)
    wait_for((watched.sandbox.workspace / "up").exists, watched.told)
    os.killpg(process.pid, INT)
    assert process.wait(PATIENCE) == 128 + INT, watched.told()
    assert watched.sandbox.as_root("cat", "workspace/told") == "told"
    watched.leaves_nothing()


@pytest.mark.parametrize("what", ["config", " run --"])
def test_ctrl_c_at_a_terminal_leaves_nothing(watched: Watched, what: str) -> None:
    terminal = Terminal([str(ROOT / "start.sh"), *SLEEPING], watched.variables)
    watched.wait_for_call(what)
    assert terminal.type_until_end("\x03") == 130, terminal.text
    watched.leaves_nothing()


def test_a_signal_from_elsewhere_ends_what_has_the_terminal(watched: Watched) -> None:
    terminal = Terminal([str(ROOT / "start.sh"), *SLEEPING], watched.variables)
    wait_for(watched.containers, watched.told)
    assert terminal.child.pid
    os.kill(terminal.child.pid, TERM)
    assert terminal.end() == 128 + TERM, terminal.text
    watched.leaves_nothing()


def test_ctrl_z_stops_it_and_it_goes_on(watched: Watched) -> None:
    process = watched.start("--no-build", "--shell", "--", "-c", "sleep 4; exit 5")
    wait_for(watched.containers, watched.told)
    process.send_signal(signal.SIGTSTP)
    wait_for(lambda: "T" in state(process.pid), watched.told)
    # The client too, or its output would go on.
    wait_for(lambda: set(states_of_children(process.pid)) == {"T"}, watched.told)
    process.send_signal(signal.SIGCONT)
    assert process.wait(PATIENCE) == 5, watched.told()
    watched.leaves_nothing()


def state(pid: int) -> str:
    """Return the letter that proc(5) has for the state of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""


def states_of_children(pid: int) -> list[str]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [state(int(child)) for child in children]
