"""A tool call by the model, as an agent's work is made of them: is it made, and gone on from."""

from __future__ import annotations

import json

from init.model import completion, endpoint
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from init.doctor.report import Report
    from init.model.catalogue import Model, Provider
    from init.model.completion import Call

ADD = "Use the tool add to add a=19 and b=23, then tell me the sum. Do not calculate it yourself."
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two whole numbers and returns the sum.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}

# What is told of a model that is slow.
SLOW = "It thinks long, or the server is slow: an agent will be, too."

# What makes a server hand tool calls over as such.
_TOOL_FLAGS = {
    "vLLM": "Start vLLM with --enable-auto-tool-choice --tool-call-parser NAME, which goes with the model.",
    "SGLang": "Start SGLang with --tool-call-parser NAME, which goes with the model.",
    "llama.cpp": "Start llama-server with --jinja, and with a model whose template knows tools.",
    "Ollama": "Take a model that `ollama show NAME` lists the capability tools of.",
    "LM Studio": "Take a model that LM Studio marks as trained for tool use.",
}
_ANY_TOOL_FLAG = (
    "Switch tool calls on in the server (docs/model-servers.md), or take a model that is made for them."
)


def examine(report: Report, provider: Provider, entry: Model) -> bool:
    """Have the model call a tool, and go on from its result; tell whether it called it.

    Raises:
        EndpointError: the server refuses a request, or breaks off.
    """
    fix = _TOOL_FLAGS.get(provider.kind, _ANY_TOOL_FLAG)
    messages: list[dict[str, Any]] = [{"role": "user", "content": ADD}]
    report.waiting(f"asking {entry.id} for a tool call (up to {completion.PATIENCE:g} s)")
    try:
        reply = completion.converse(provider, entry, messages, [TOOL])
    except EndpointError as error:
        if error.status not in (400, 404, 422, 500, 501):
            raise
        report.fail("tool call", f"a request with a tool is refused: {error.what}", fix)
        return False
    call = next((call for call in reply.calls if call.name == "add"), None)
    if call is None and reply.ended in ("length", "time"):
        patience = f"{completion.LONG} tokens or {completion.PATIENCE:g} s"
        report.warn("tool call", f"it came to no call within {patience}", SLOW)
        return True
    if call is None:
        said = " ".join(reply.text.split())[:80]
        what = "is written into the text, not made" if _looks_like_call(reply.text) else "is not made"
        report.fail("tool call", f"the call {what}: {said!r}", fix)
        return False
    try:
        given = json.loads(call.arguments)
        first, second = int(given["a"]), int(given["b"])
    except endpoint.UNEXPECTED_SHAPE:
        what = f"the call has arguments that are not as asked: {call.arguments[:80]!r}"
        report.fail("tool call", what, fix)
        return False
    messages += _result(reply.text, call, first + second)
    report.waiting(f"handing {entry.id} the tool's result (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, messages, [TOOL])
    called = f"it called add({given['a']}, {given['b']})"
    if str(first + second) in reply.text:
        report.good("tool call", f"{called} and went on from the result")
    elif reply.thought or reply.ended == "time":
        report.good("tool call", f"{called}; it was still at it after the result")
    else:
        fix = "Small models do that; try a larger one."
        report.warn("tool call", f"{called}, but did not use the result", fix)
    return True


def _result(text: str, call: Call, total: int) -> list[dict[str, Any]]:
    """Return the messages that go on: what the model answered, and what the tool did."""
    # Some templates take no id but the model's own.
    name = call.id or "call_1"
    function = {"name": call.name, "arguments": call.arguments}
    made = {"id": name, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": text or None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": name, "content": str(total)},
    ]


def _looks_like_call(text: str) -> bool:
    return any(
        mark in text
        for mark in ("<tool_call", "<function", '"arguments"', '"parameters"', "[TOOL_CALLS]", "add(")
    )
