"""init/session/supervise.py as PID 1: exit codes, orphans, and what a program leaves behind."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.pid1 import PROBE, Pid1

Start = Callable[..., Pid1]
SHELL = ("/bin/sh", "-c")

EVENTS = (
    "spawn", "exit", "orphan", "lasting_orphan", "stopped_orphan", "handled_signal", "stop",
    "kill_grandchild",
)  # fmt: skip
DEADLY = (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV, signal.SIGRTMAX)

codes = st.integers(0, 255)
events = st.lists(st.tuples(st.sampled_from(EVENTS), codes), max_size=12)
ends = st.tuples(st.just("exit"), codes) | st.tuples(st.just("signal"), st.sampled_from(DEADLY).map(int))


@pytest.mark.parametrize("way", ["run", "steps"])
@pytest.mark.parametrize("code", [0, 1, 42, 126, 127, 128, 255])
def test_the_exit_code_is_the_programs(start: Start, way: str, code: int) -> None:
    pid1 = start(*SHELL, f"exit {code}", way=way)
    assert pid1.end() == code, pid1.log


@pytest.mark.parametrize(
    "name", ["HUP", "INT", "QUIT", "ILL", "KILL", "SEGV", "PIPE", "TERM", "USR1", "RTMIN"]
)
def test_a_program_that_a_signal_ended_has_128_and_its_number(start: Start, name: str) -> None:
    number = int(getattr(signal, f"SIG{name}"))
    pid1 = start(*SHELL, f"ulimit -c 0; kill -{number} $$")
    assert pid1.end() == 128 + number, pid1.log


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("missing", 127, "No such file or directory"),
        ("text/below", 127, "Not a directory"),
        ("text", 126, "Permission denied"),
        ("folder", 126, "Permission denied"),
        ("empty", 126, "Exec format error"),
    ],
)
def test_a_program_that_cannot_be_run_is_told(
    start: Start, tmp_path: Path, name: str, code: int, why: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").touch(0o644)
    (tmp_path / "empty").touch(0o755)
    pid1 = start(f"{tmp_path}/{name}")
    assert pid1.end() == code, pid1.log
    assert pid1.log == f"sandbox: error: cannot run {tmp_path}/{name}: {why}\n"


def test_of_steps_the_second_runs_only_after_a_first_that_went_well(start: Start, tmp_path: Path) -> None:
    pid1 = start(*SHELL, f"echo >>{tmp_path}/runs; exit $(($(wc -l <{tmp_path}/runs) - 1))", way="steps")
    assert pid1.end() == 1, pid1.log
    assert (tmp_path / "runs").read_text() == "\n\n"


def test_a_step_leaves_what_else_runs_alone(start: Start, tmp_path: Path) -> None:
    """Only a session is ended with all that is left; what a step started may serve the session."""
    script = (
        f"[ -e {tmp_path}/pid ] && exec kill -0 $(cat {tmp_path}/pid); sleep 1000 & echo $! >{tmp_path}/pid"
    )
    pid1 = start(*SHELL, script, way="steps")
    assert pid1.end() == 0, pid1.log


@pytest.mark.parametrize("count", [1, 20, 1000])
def test_orphans_are_reaped_and_their_codes_are_not_the_programs(start: Start, count: int) -> None:
    pid1 = start(*PROBE, "orphans", str(count), "7")
    assert pid1.end() == 7, pid1.log
    assert pid1.log == "zombies 0\n"


def test_zombies_are_reaped_when_their_parent_is_gone(start: Start) -> None:
    pid1 = start(*PROBE, "zombies", "20", "7")
    assert pid1.end() == 7, pid1.log
    assert pid1.log == "zombies 20\nzombies 0\n"


def test_orphans_that_end_with_the_program_do_not_change_its_code(start: Start) -> None:
    pid1 = start(*PROBE, "last-orphans", "100", "7")
    assert pid1.end() == 7, pid1.log


@settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(events=events, end=ends)
def test_any_sequence_of_events_ends_with_the_programs_code_and_no_zombie(
    start: Start, events: list[tuple[str, int]], end: tuple[str, int]
) -> None:
    pid1 = start(*PROBE, "program", json.dumps({"events": events, "end": end}))
    how, number = end
    assert pid1.end() == (128 + number if how == "signal" else number), pid1.log
    assert pid1.log == "zombies 0\n"


def test_what_is_left_is_asked_to_end_and_then_killed_and_named(start: Start, tmp_path: Path) -> None:
    script = (
        f"(trap 'echo polite; exit' TERM; touch {tmp_path}/one; while :; do sleep 0.1; done) & "
        f"(trap '' TERM; touch {tmp_path}/two; while :; do sleep 0.1; done) & "
        f"until [ -e {tmp_path}/one ] && [ -e {tmp_path}/two ]; do sleep 0.1; done; exit 3"
    )
    pid1 = start(*SHELL, script, env={"SANDBOX_GRACE": "1"})
    assert pid1.end() == 3, pid1.log
    assert "polite" in pid1.log.splitlines()
    assert "killing what the tool left behind" in pid1.log
    assert "sh (pid " in pid1.log


def test_a_daemon_that_ignores_sigterm_is_killed_and_named(start: Start) -> None:
    pid1 = start(*PROBE, "daemon", "6", env={"SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 6, pid1.log
    assert "straggler (pid " in pid1.log


STOPPED = "until grep -q '^State:.T' /proc/$!/status; do sleep 0.05; done"


def test_one_that_is_stopped_hears_it(start: Start) -> None:
    polite = (
        "(trap 'echo heard; exit' TERM; kill -STOP $(exec sh -c 'echo $PPID'); while :; do sleep 0.1; done)"
    )
    pid1 = start(*SHELL, f"{polite} & {STOPPED}; exit 6")
    assert pid1.end() == 6, pid1.log
    assert pid1.log == "heard\n"


def test_one_that_is_stopped_and_does_not_listen_is_killed_too(start: Start) -> None:
    script = f"trap '' TERM; sleep 1000 & kill -STOP $!; {STOPPED}; exit 6"
    pid1 = start(*SHELL, script, env={"SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 6, pid1.log
    assert "killing what the tool left behind" in pid1.log


def test_a_name_is_shown_so_that_it_steers_nothing(start: Start) -> None:
    pid1 = start(*PROBE, "named", "6", env={"SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 6, pid1.log
    assert r"(processes=\x1b[2J\nUid:\t0\x9b (pid " in pid1.log


def test_of_many_some_are_named_and_all_are_counted(start: Start) -> None:
    script = "trap '' TERM; for n in $(seq 30); do sleep 1000 & done; exit 6"
    pid1 = start(*SHELL, script, env={"SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 6, pid1.log
    assert pid1.log.count("sleep (pid ") == 20
    assert ", and 10 more)" in pid1.log


def test_a_tracer_that_keeps_what_is_dead_keeps_no_session(start: Start) -> None:
    """Of a tracee that is dead its parent hears only from the tracer, or once that is gone."""
    pid1 = start(*PROBE, "held", env={"SANDBOX_GRACE": "0.5"})
    pid1.wait_for("ready")
    pid1.process.send_signal(signal.SIGTERM)
    assert pid1.end() == 128 + signal.SIGKILL, pid1.log


def test_a_program_stands_back_where_processors_are_scarce(start: Start) -> None:
    pid1 = start("/usr/bin/nice")
    assert pid1.end() == 0, pid1.log
    assert int(pid1.log) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)


def test_an_endless_flood_keeps_neither_the_session_nor_the_straggler(start: Start) -> None:
    pid1 = start(*PROBE, "endless", "5", env={"SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 5, pid1.log


def test_an_init_that_waits_takes_no_processor_time(start: Start) -> None:
    pid1 = start(*SHELL, "echo ready; exec sleep 1000")
    pid1.wait_for("ready")

    def idle() -> bool:
        before = pid1.process.num_ctx_switches()
        for _ in range(5):
            Path(f"/proc/{pid1.process.pid}/stat").read_text()
        return bool(pid1.process.num_ctx_switches() == before)

    pid1.wait(idle, "PID 1 had nothing to do")


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_what_cannot_be_written_changes_the_code_and_is_kept(
    start: Start, tmp_path: Path, where: str
) -> None:
    """Never 120, which is Python's own where it fails to write at its end."""
    closed = ("/bin/sh", "-c", f'exec "$@" {where}', "sh")
    pid1 = start(str(tmp_path), "/bin/true", way="told", before=closed)
    assert pid1.end() == 81
    assert "a thing to know" in (tmp_path / "untold-report").read_text()
