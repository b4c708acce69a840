"""Whatever a tool and its children do: its own exit code comes out, and no zombie stays."""

import json
import signal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.sandbox import Sandbox

EVENTS = (
    "spawn", "exit", "orphan", "lasting_orphan", "stopped_orphan", "handled_signal", "stop",
    "kill_grandchild",
)  # fmt: skip
DEADLY = (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV, signal.SIGRTMAX)

codes = st.integers(0, 255)
events = st.lists(st.tuples(st.sampled_from(EVENTS), codes), max_size=12)
ends = st.tuples(st.just("exit"), codes) | st.tuples(st.just("signal"), st.sampled_from(DEADLY).map(int))


@settings(
    max_examples=15, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(events=events, end=ends)
def test_any_sequence_of_events_ends_with_the_tools_code_and_no_zombie(
    sandbox: Sandbox, events: list[tuple[str, int]], end: tuple[str, int]
) -> None:
    program = json.dumps({"events": events, "end": end})
    result = sandbox.plain(arguments=("/probes/pid1.py", "program", program), env={"TOOLS": "python"})
    how, number = end
    assert result.returncode == (128 + number if how == "signal" else number), result.stderr
    assert result.stdout == "zombies 0\n", result.stderr
