"""What the gateway writes down: a session cannot have it say nothing of the list."""

import io
import json

from gateway.journal import Journal


def test_a_flood_pushes_out_nothing_that_is_said_of_the_list() -> None:
    out = io.StringIO()
    journal = Journal(out, clock=lambda: 1.0)
    for number in range(10_000):
        journal.write("dns", "deny", reason="not-allowed", host=f"n{number}.example")
    journal.write("policy", "allow", reason="read", digest="abc")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) < 1000
    assert lines[-1]["digest"] == "abc"
    assert journal.refused == 10_000
