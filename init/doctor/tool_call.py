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
    from init.model.completion import Call, Reply

ADD = "Use the tool add to add a=19 and b=23, then tell me the sum. Do not calculate it yourself."
TOOL: dict[str, Any] = {
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
    "Ollama": "Update Ollama, and take a model that `ollama show NAME` lists the capability tools of.",
    "LM Studio": "Update LM Studio, and take a model that it marks as trained for tool use.",
}
_ANY_TOOL_FLAG = (
    "Switch tool calls on in the server (docs/model-servers.md), or take a model that is made for them."
)

# What has a server look for calls where the model writes them while it thinks: vLLM's issues 39056 and 42021,
# SGLang's 27021, LM Studio's 1669.
_THINKING_FLAGS = {
    "vLLM": "Update vLLM, and start it with the --reasoning-parser and --tool-call-parser of the model; or "
    """switch thinking off: --default-chat-template-kwargs '{"enable_thinking": false}'.""",
    "SGLang": "Update SGLang, and start it with the --reasoning-parser and --tool-call-parser of the model.",
    "llama.cpp": "Update llama.cpp; or switch thinking off: --reasoning-budget 0.",
}
_ANY_THINKING_FLAG = "Update the server; or switch thinking off, or take a model that does not think."

# llama.cpp's pull request 12292. OMP was seen to send the same request 30 times a second, for ever.
_ID_FLAGS = {
    "llama.cpp": "Update llama.cpp: it gives every call an id since March 2025.",
    "vLLM": "Update vLLM, or take another --tool-call-parser that goes with the model.",
}
_ANY_ID_FLAG = "Update the server. Until then use OpenCode: OMP asks the same again and again."

# How the templates of the usual models write a call.
_MARKS = ("<tool_call", "<function", "[TOOL_CALLS]", '"arguments"')


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
    if call is None:
        return _without_a_call(report, provider, reply)
    try:
        given = json.loads(call.arguments)
        first, second = int(given["a"]), int(given["b"])
    except endpoint.UNEXPECTED_SHAPE:
        what = f"the call has arguments that are not as asked: {call.arguments[:80]!r}"
        report.fail("tool call", what, fix)
        return False
    if not call.id:
        what = "the call has no id, which agents know its result by"
        report.fail("tool call", what, _ID_FLAGS.get(provider.kind, _ANY_ID_FLAG))
        return False
    messages += _result(reply.text, call, first + second)
    report.waiting(f"handing {entry.id} the tool's result (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, messages, [TOOL])
    called = f"it called add({given['a']}, {given['b']})"
    if str(first + second) in reply.text:
        report.good("tool call", f"{called} and went on from the result")
    elif reply.thoughts or reply.ended == "time":
        report.good("tool call", f"{called}; it was still at it after the result")
    else:
        fix = "Small models do that; try a larger one."
        report.warn("tool call", f"{called}, but did not use the result", fix)
    return True


def _without_a_call(report: Report, provider: Provider, reply: Reply) -> bool:
    """Say why there may be no call; tell whether an agent may get along all the same."""
    fix = _TOOL_FLAGS.get(provider.kind, _ANY_TOOL_FLAG)
    if any(mark in reply.text for mark in (*_MARKS, '"parameters"', "add(")):
        report.fail("tool call", f"the call is written into the text, not made: {_short(reply.text)}", fix)
    elif reply.ended in ("length", "time"):
        patience = f"{completion.LONG} tokens or {completion.PATIENCE:g} s"
        report.warn("tool call", f"it came to no call within {patience}", SLOW)
        return True
    elif any(mark in reply.thoughts for mark in _MARKS):
        what = f"the call is written into the reasoning, not made: {_short(reply.thoughts)}"
        report.fail("tool call", what, _THINKING_FLAGS.get(provider.kind, _ANY_THINKING_FLAG))
    else:
        report.fail("tool call", f"the call is not made: {_short(reply.text)}", fix)
    return False


def _short(text: str) -> str:
    return repr(" ".join(text.split())[-80:])


def _result(text: str, call: Call, total: int) -> list[dict[str, Any]]:
    """Return the messages that go on: what the model answered, and what the tool did."""
    function = {"name": call.name, "arguments": call.arguments}
    # Some templates take no id but the model's own.
    made = {"id": call.id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": text or None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": call.id, "content": str(total)},
    ]
