"""Signals on their way through PID 1, and what of PID 1's own a program inherits."""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.harness.pid1 import PROBE, Pid1
from tests.harness.repository import ROOT

Start = Callable[..., Pid1]
SHELL = ("/bin/sh", "-c")
PENDING = (sys.executable, "-I", str(ROOT / "tests" / "probes" / "pending.py"))

# Faults of the process itself, what nobody can catch, and what tells an init of its own affairs.
NOT_FORWARDED = {
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT,
    signal.SIGSYS, signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU,
}  # fmt: skip
FORWARDED = sorted(signal.valid_signals() - NOT_FORWARDED - {signal.SIGTERM})


def received(pid1: Pid1, who: str) -> list[str]:
    return [line.split()[1] for line in pid1.log.splitlines() if line.startswith(f"{who} ")]


def test_every_signal_reaches_the_programs_group_exactly_once(start: Start) -> None:
    pid1 = start(*PROBE, "signals")
    pid1.wait(lambda: pid1.log.count("ready") == 2, "the program and its child to start")
    expected = ["ready"]
    for number in FORWARDED:
        expected.append(str(int(number)))
        pid1.process.send_signal(number)
        for who in ("tool", "child"):
            pid1.wait(
                lambda who=who: len(received(pid1, who)) >= len(expected),  # type: ignore[misc]
                f"signal {expected[-1]} at the {who}",
            )
    pid1.process.send_signal(signal.SIGTERM)
    assert pid1.end() == 0, pid1.log
    assert received(pid1, "tool") == received(pid1, "child") == expected


def test_ten_thousand_signals_do_not_end_it(start: Start) -> None:
    pid1 = start(*PROBE, "flood", "10000", "5")
    assert pid1.end() == 5, pid1.log


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1"])
def test_a_program_that_does_nothing_about_it_is_ended(start: Start, name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    pid1 = start(*SHELL, "ulimit -c 0; echo ready; exec sleep 1000")
    pid1.wait_for("ready")
    pid1.process.send_signal(number)
    assert pid1.end() == 128 + number, pid1.log


def test_a_hang_up_is_kept_from_a_session_that_outlives_its_terminal(start: Start) -> None:
    script = "trap 'echo hung up; exit 1' HUP; trap 'exit 6' USR1; echo ready; while :; do sleep 0.1; done"
    pid1 = start(*SHELL, script, env={"SANDBOX_HANGUP": "keep"})
    pid1.wait_for("ready")
    for _ in range(9):
        pid1.process.send_signal(signal.SIGHUP)
    pid1.process.send_signal(signal.SIGUSR1)
    assert pid1.end() == 6, pid1.log
    assert "hung up" not in pid1.log


def test_a_tool_of_such_a_session_begins_with_no_signal_ignored(start: Start) -> None:
    pid1 = start(*SHELL, "grep SigIgn: /proc/self/status", env={"SANDBOX_HANGUP": "keep"})
    assert pid1.end() == 0, pid1.log
    assert "0000000000000000" in pid1.log


LEAVER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = os.fork()
if other == 0:
    os.setpgid(0, 0)
while other and os.getpgid(other) != other:
    time.sleep(0.01)
if other and os.fork():
    os.setpgid(0, other)
    print("ready", flush=True)
while True:
    time.sleep(1000)
"""


def test_one_that_left_its_group_to_others_is_killed_too(start: Start) -> None:
    pid1 = start(sys.executable, "-I", "-c", LEAVER, env={"SANDBOX_GRACE": "0.2"})
    pid1.wait_for("ready")
    pid1.process.send_signal(signal.SIGTERM)
    assert pid1.end() == 128 + signal.SIGKILL, pid1.log


def test_one_that_ignores_sigterm_is_killed_after_the_grace_period(start: Start) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 1000; done"
    pid1 = start(*SHELL, script, env={"SANDBOX_GRACE": "0.2"})
    pid1.wait_for("ready")
    pid1.process.send_signal(signal.SIGTERM)
    assert pid1.end() == 137, pid1.log
    assert "the tool did not end when asked to" in pid1.log


@pytest.mark.parametrize(
    ("script", "killed"),
    [("exec sleep 1000", False), ("trap 'exit 3' TERM; while :; do sleep 0.1; done", False),
     ("trap '' TERM; while :; do sleep 1000; done", True), ("kill -STOP $$", False)],
)  # fmt: skip
def test_one_that_takes_too_long_is_ended(start: Start, script: str, killed: bool) -> None:
    pid1 = start(*SHELL, script, env={"SANDBOX_LIMIT": "0.3", "SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 124, pid1.log
    assert "the tool took more than 0.3 s" in pid1.log
    assert ("so it is killed" in pid1.log) is killed


def test_one_that_ends_in_time_has_its_own_exit_code(start: Start) -> None:
    pid1 = start(*SHELL, "exit 5", env={"SANDBOX_LIMIT": "1000"})
    assert pid1.end() == 5, pid1.log
    assert pid1.log == ""


def test_one_that_is_stopped_is_continued_to_hear_it(start: Start) -> None:
    script = "trap 'echo heard; exit 9' TERM; echo ready; kill -STOP $$; while :; do sleep 0.1; done"
    pid1 = start(*SHELL, script)
    pid1.wait_for("ready")
    (shell,) = pid1.process.children()
    pid1.wait(lambda: shell.status() == psutil.STATUS_STOPPED, "the program to stop")
    pid1.process.send_signal(signal.SIGTERM)
    assert pid1.end() == 9, pid1.log
    assert "heard" in pid1.log


def test_a_signal_sent_before_it_began_is_not_lost(start: Start) -> None:
    """Mask and pending signals survive exec: execve(2)."""
    pid1 = start(*SHELL, "exec sleep 1000", before=PENDING)
    assert pid1.end() == 128 + signal.SIGTERM, pid1.log


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1", "RTMIN"])
def test_a_signal_sent_before_there_is_a_program_reaches_it(start: Start, tmp_path: Path, name: str) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    pid1 = start(str(gate), *SHELL, "exec sleep 1000", way="held")
    pid1.wait_for("blocked")
    number = getattr(signal, f"SIG{name}")
    pid1.process.send_signal(number)
    gate.write_text("go\n")
    assert pid1.end() == 128 + number, pid1.log


# What a program gets.


def status(log: str) -> dict[str, int]:
    return {
        name: int(mask, 16)
        for name, mask in re.findall(r"^(S[a-z]+[A-Z]\w+):\s+([0-9a-f]{16})$", log, re.MULTILINE)
    }


@pytest.mark.parametrize("way", ["run", "steps"])
def test_no_signal_is_blocked_ignored_or_pending(start: Start, way: str) -> None:
    """Python ignores SIGPIPE, and PID 1 blocks all: none of that is the program's."""
    pid1 = start("/bin/cat", "/proc/self/status", way=way)
    assert pid1.end() == 0, pid1.log
    found = status(pid1.log)
    assert [found[name] for name in ("SigPnd", "ShdPnd", "SigBlk", "SigIgn")] == [0, 0, 0, 0], pid1.log


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE])
def test_nor_one_that_was_ignored_before(start: Start, number: int) -> None:
    """As under nohup(1)."""
    ignoring = ("/usr/bin/env", f"--ignore-signal={signal.Signals(number).name.removeprefix('SIG')}")
    pid1 = start("/bin/cat", "/proc/self/status", before=ignoring)
    assert pid1.end() == 0, pid1.log
    assert status(pid1.log)["SigIgn"] == 0, pid1.log


def test_no_descriptor_but_the_standard_ones_is_open(start: Start, tmp_path: Path) -> None:
    """Neither PID 1's nor what the engine may have left open."""
    secret = tmp_path / "secret"
    secret.touch()
    leaking = ("/bin/sh", "-c", f'exec 7<{secret} 9<{secret}; exec "$@"', "sh")
    pid1 = start("/bin/ls", "/proc/self/fd", before=leaking)
    assert pid1.end() == 0, pid1.log
    # The last is the folder that ls reads.
    assert pid1.log.split() == ["0", "1", "2", "3"]


def test_it_leads_a_group_of_its_own_and_sees_pid_1_above(start: Start) -> None:
    pid1 = start("/bin/sh", "-c", "read -r pid _ _ parent group _ </proc/self/stat; echo $pid $parent $group")
    assert pid1.end() == 0, pid1.log
    pid, parent, group = pid1.log.split()
    assert (parent, group) == ("1", pid)
