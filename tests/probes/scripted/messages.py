"""Anthropic's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .conversation import Answered, Conversation, Json, Reply, Said, images_in, pieces, text_of

PATHS = ("messages", "messages/count_tokens")


def heard(request: Json) -> Conversation:
    messages = [said for message in request.get("messages") or [] for said in _said(message)]
    if request.get("system"):
        messages.insert(0, Said("system", text_of(request["system"])))
    offered = request.get("tools") or []
    # A function has no type, or this one; the others are those that Anthropic runs itself.
    kinds = ["function" if tool.get("type") in (None, "custom") else tool["type"] for tool in offered]
    return Conversation(
        messages,
        {
            tool["name"]: tool.get("input_schema") or {}
            for tool, kind in zip(offered, kinds, strict=True)
            if kind == "function"
        },
        kinds,
    )


def most(request: Json) -> int | None:
    return request.get("max_tokens")


def tells_usage(_: Json) -> bool:
    return True


def whole(reply: Reply, about: Answered) -> Json:
    return {**_message(about), "content": list(_blocks(reply)), "stop_reason": _end(reply)}


def events(reply: Reply, about: Answered) -> Iterator[str]:
    yield _event("message_start", message=_message(about))
    for index, block in enumerate(_blocks(reply)):
        empty, name, field, text = _begun(block)
        yield _event("content_block_start", index=index, content_block={**block, **empty})
        for piece in pieces(text):
            yield _event("content_block_delta", index=index, delta={"type": name, field: piece})
        yield _event("content_block_stop", index=index)
    end = {"stop_reason": _end(reply), "stop_sequence": None}
    yield _event("message_delta", delta=end, usage=_usage(about))
    yield _event("message_stop")


def counted(heard_so_far: Conversation) -> Json:
    """What messages/count_tokens answers."""
    return {"input_tokens": heard_so_far.characters // 4}


def _said(message: Json) -> Iterator[Said]:
    """One message of it may be several: each result of a tool is one."""
    content, role = message.get("content"), str(message.get("role"))
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    for block in blocks:
        if block.get("type") == "tool_result":
            yield Said("tool", text_of(block.get("content")), images_in(block.get("content")))
    others = [block for block in blocks if block.get("type") != "tool_result"]
    if others:
        yield Said(role, text_of(others), images_in(others))


def _event(kind: str, **fields: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def _message(about: Answered) -> Json:
    return {
        "id": "msg_scripted", "type": "message", "role": "assistant", "model": about.model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": _usage(about),
    }  # fmt: skip


def _usage(about: Answered) -> Json:
    return {"input_tokens": about.prompt, "output_tokens": about.completion}


def _end(reply: Reply) -> str:
    return "tool_use" if reply.call else "end_turn"


def _blocks(reply: Reply) -> Iterator[Json]:
    if reply.thought:
        yield {"type": "thinking", "thinking": reply.thought, "signature": ""}
    if reply.call:
        arguments = json.loads(reply.call.arguments)
        yield {"type": "tool_use", "id": reply.call.id, "name": reply.call.name, "input": arguments}
    else:
        yield {"type": "text", "text": reply.text}


def _begun(block: Json) -> tuple[Json, str, str, str]:
    """What a block begins with, and how the rest comes: the delta's type, its field, all of the text."""
    if block["type"] == "tool_use":
        return {"input": {}}, "input_json_delta", "partial_json", json.dumps(block["input"])
    field = block["type"]
    return {field: ""}, f"{field}_delta", field, block[field]
