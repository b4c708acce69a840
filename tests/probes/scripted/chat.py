"""OpenAI's chat completions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from .conversation import Answered, Conversation, Json, Reply, Said, images_in, pieces, text_of

PATHS = ("chat/completions",)


def heard(request: Json) -> Conversation:
    messages = [
        Said(str(message.get("role")), text_of(message.get("content")), images_in(message.get("content")))
        for message in request.get("messages") or []
    ]
    offered = request.get("tools") or []
    functions = [tool["function"] for tool in offered if tool.get("type") == "function"]
    return Conversation(
        messages,
        {function["name"]: function.get("parameters") or {} for function in functions},
        [str(tool.get("type")) for tool in offered],
    )


def most(request: Json) -> int | None:
    return request.get("max_tokens") or request.get("max_completion_tokens")


def tells_usage(request: Json) -> bool:
    return bool((request.get("stream_options") or {}).get("include_usage"))


def whole(reply: Reply, about: Answered) -> Json:
    message: Json = {"role": "assistant", "content": None if reply.call else reply.text}
    if reply.thought:
        message[about.reasoning] = reply.thought
    if reply.call:
        message["tool_calls"] = [_call(reply, reply.call.arguments)]
    choice = {"index": 0, "message": message, "finish_reason": _end(reply)}
    return {**_head(about, "chat.completion"), "choices": [choice], "usage": _usage(about)}


def events(reply: Reply, about: Answered) -> Iterator[str]:
    head = _head(about, "chat.completion.chunk")
    steps: list[tuple[Json, str | None]] = [(delta, None) for delta in _deltas(reply, about.reasoning)]
    for delta, end in [*steps, ({}, _end(reply))]:
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
    if about.usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': _usage(about)})}\n\n"
    yield "data: [DONE]\n\n"


def _head(about: Answered, kind: str) -> Json:
    return {"id": "chatcmpl-scripted", "created": int(time.time()), "model": about.model, "object": kind}


def _end(reply: Reply) -> str:
    return "tool_calls" if reply.call else "stop"


def _usage(about: Answered) -> Json:
    tokens = {"prompt_tokens": about.prompt, "completion_tokens": about.completion}
    return {**tokens, "total_tokens": about.prompt + about.completion}


def _call(reply: Reply, arguments: str) -> Json:
    assert reply.call
    function = {"name": reply.call.name, "arguments": arguments}
    return {"id": reply.call.id, "type": "function", "function": function}


def _deltas(reply: Reply, reasoning: str) -> Iterator[Json]:
    """The message as a stream sends it: the role, then thought, text or call piece by piece."""
    yield {"role": "assistant", "content": ""}
    yield from ({reasoning: piece} for piece in pieces(reply.thought))
    yield from ({"content": piece} for piece in pieces(reply.text))
    if reply.call:
        yield {"tool_calls": [{"index": 0, **_call(reply, "")}]}
        for piece in pieces(reply.call.arguments):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
