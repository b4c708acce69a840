"""OpenAI's responses, without a memory: what was said before comes again in `input`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import count

from .conversation import Answered, Conversation, Json, Reply, Said, images_in, pieces, text_of

PATHS = ("responses",)
ROLES = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}


def heard(request: Json) -> Conversation:
    given = request.get("input") or []
    items = given if isinstance(given, list) else [{"role": "user", "content": given}]
    messages = [_said(item) for item in items]
    if request.get("instructions"):
        messages.insert(0, Said("system", str(request["instructions"])))
    offered = request.get("tools") or []
    functions = [tool for tool in offered if tool.get("type") == "function"]
    return Conversation(
        messages,
        {function["name"]: function.get("parameters") or {} for function in functions},
        [str(tool.get("type")) for tool in offered],
    )


def most(request: Json) -> int | None:
    return request.get("max_output_tokens")


def tells_usage(_: Json) -> bool:
    return True


def whole(reply: Reply, about: Answered) -> Json:
    return _response("completed", list(_items(reply)), about)


def events(reply: Reply, about: Answered) -> Iterator[str]:
    number = count()

    def event(kind: str, **fields: object) -> str:
        body = {"type": kind, "sequence_number": next(number), **fields}
        return f"event: {kind}\ndata: {json.dumps(body)}\n\n"

    begun = _response("in_progress", [], about)
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(_items(reply)):
        at: Json = {"item_id": item["id"], "output_index": index}
        empty: Json = {"content": []} if "content" in item else {"arguments": ""}
        yield event(
            "response.output_item.added", output_index=index, item={**item, **empty, "status": "in_progress"}
        )
        if item["type"] == "function_call":
            name, text = "response.function_call_arguments", item["arguments"]
            yield from (event(f"{name}.delta", **at, delta=piece) for piece in pieces(text))
            yield event(f"{name}.done", **at, arguments=text)
        else:
            (part,) = item["content"]
            at["content_index"] = 0
            yield event("response.content_part.added", **at, part={**part, "text": ""})
            name = f"response.{part['type']}"
            yield from (event(f"{name}.delta", **at, delta=piece) for piece in pieces(part["text"]))
            yield event(f"{name}.done", **at, text=part["text"])
            yield event("response.content_part.done", **at, part=part)
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.completed", response=whole(reply, about))


def _said(item: Json) -> Said:
    kind = str(item.get("type", "message"))
    content = item.get("output") if kind == "function_call_output" else item.get("content")
    return Said(ROLES.get(kind, str(item.get("role"))), text_of(content), images_in(content))


def _items(reply: Reply) -> Iterator[Json]:
    if reply.thought:
        thought = {"type": "reasoning_text", "text": reply.thought}
        yield {"type": "reasoning", "id": "rs_scripted", "summary": [], "content": [thought]}
    if reply.call:
        yield {
            "type": "function_call", "id": "fc_scripted", "call_id": reply.call.id, "name": reply.call.name,
            "arguments": reply.call.arguments, "status": "completed",
        }  # fmt: skip
    else:
        text = {"type": "output_text", "text": reply.text, "annotations": []}
        yield {
            "type": "message", "id": "msg_scripted", "role": "assistant", "content": [text],
            "status": "completed",
        }  # fmt: skip


def _response(status: str, output: list[Json], about: Answered) -> Json:
    usage = {
        "input_tokens": about.prompt, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": about.completion, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": about.prompt + about.completion,
    }  # fmt: skip
    return {
        "id": "resp_scripted", "object": "response", "created_at": int(time.time()), "model": about.model,
        "status": status, "output": output, "usage": usage if status == "completed" else None,
        "error": None, "incomplete_details": None, "instructions": None, "metadata": None, "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0,
    }  # fmt: skip
