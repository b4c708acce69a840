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


def test_one_of_many_clients_pushes_out_nothing_of_the_others() -> None:
    out, now = io.StringIO(), [0.0]
    journal = Journal(out, lambda: now[0])
    for number in range(1000):
        journal.write("dns", "deny", "10.0.0.1", host=f"{number}.example.com")
    journal.write("dns", "deny", "10.0.0.2", host="other.example.com")
    now[0] = 11.0
    journal.write("dns", "deny", "10.0.0.3", host="later.example.com")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["from"] for line in lines] == ["10.0.0.1"] * 100 + ["10.0.0.2", "10.0.0.1", "10.0.0.3"]
    assert lines[-2]["dropped"] == 900
    assert journal.refused == 1002
