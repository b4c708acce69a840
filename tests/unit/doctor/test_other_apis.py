"""init/doctor/other_apis.py: what is told of a server, by the events that it sends."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from init.doctor import other_apis
from init.doctor.report import Report
from init.model import apis, endpoint
from init.tools import Tool
from tests.unit.model.test_apis import MODEL, PROVIDER, tool

CALLED: Mapping[str, list[dict[str, Any]]] = {
    "messages": [
        {"type": "message_start"},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "add"}},
        {"type": "message_stop"},
    ],
    "responses": [
        {"type": "response.created"},
        {"type": "response.output_item.done", "item": {"type": "function_call", "name": "add"}},
        {"type": "response.completed"},
    ],
}
TALKED = [
    {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
    {"type": "message_stop"},
]
BROKEN = [{"type": "error", "error": {"type": "overloaded_error", "message": "too much to do"}}]


def examine(
    monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], *tools: Tool, there: bool = True
) -> tuple[Report, frozenset[str]]:
    """Have these tools' API answer with these events."""

    @contextmanager
    def stream(
        _server: object, _url: str, body: Mapping[str, Any], *, seconds: float
    ) -> Iterator[io.BytesIO]:
        assert body["stream"] is (seconds > 0)
        assert len(body["tools"]) == 1
        lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
        yield io.BytesIO("".join(lines).encode())

    monkeypatch.setattr(endpoint, "stream", stream)
    monkeypatch.setattr(apis, "lacks", lambda *_: not there)
    report = Report(None, io.StringIO())
    return report, other_apis.examine(report, PROVIDER, MODEL, tools)


@pytest.mark.parametrize("api", CALLED)
def test_a_call_of_the_function_is_good(monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    report, unusable = examine(monkeypatch, CALLED[api], tool("a", api), tool("b"), tool("c", api))
    (finding,) = report.findings
    assert (finding.name, finding.status, unusable) == (api, "pass", frozenset())
    assert "it called add within" in finding.detail
    assert "as a and c need it" in finding.detail


@pytest.mark.parametrize(
    ("events", "status", "detail"),
    [
        (TALKED, "warn", "no tool was called by messages"),
        (CALLED["messages"][:2], "fail", "ends its answer before it is finished"),
        (BROKEN, "fail", "the server breaks off: too much to do"),
        ([], "fail", "ends its answer before it is finished"),
        ([{"type": "content_block_start", "content_block": []}], "fail", "before it is finished"),
        ([{"type": "content_block_start", "content_block": [1]}], "fail", "of no form known"),
    ],
    ids=["no call", "cut off", "an error", "nothing", "an empty list", "a list"],
)
def test_what_is_not_as_it_should_be_is_told(
    monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], status: str, detail: str
) -> None:
    report, unusable = examine(monkeypatch, events, tool("a", "messages"))
    (finding,) = report.findings
    assert (finding.name, finding.status) == ("messages", status)
    assert detail in finding.detail
    assert unusable == (frozenset({"messages"}) if status == "fail" else frozenset())


def test_what_is_not_there_is_told_with_the_version_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    report, unusable = examine(monkeypatch, [], tool("a", "messages"), there=False)
    (finding,) = report.findings
    assert (finding.status, unusable) == ("fail", frozenset({"messages"}))
    assert "/v1/messages is not there, and a needs it" in finding.detail
    assert "since 0.11.1" in finding.fix


def test_who_speaks_chat_completions_has_nothing_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    report, unusable = examine(monkeypatch, [], tool("a"), tool("b", "messages", renderer=""))
    assert (report.findings, unusable) == ([], frozenset())
