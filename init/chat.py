"""One exchange with a model, streamed as the tools do it, and put together again."""

import json
import time

from init import endpoint, faults
from init.faults import EndpointError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from init.catalogue import Model, Provider

# Seconds; a model that is loaded on demand takes its time for the first answer.
PATIENCE = 120.0

# Seconds; what took less says nothing of a server's speed.
SHORTEST = 0.05

# Tokens asked for: enough to measure, and for a model that thinks aloud first to come to its call.
SHORT, LONG = 96, 1024


class Reply(Record):
    """What a streamed answer held.

    Attributes:
        text: the answer itself.
        thought: whether reasoning came besides.
        calls: the tool calls, each with its name and its arguments as text.
        first: seconds to the first piece.
        rate: tokens a second after it, 0 where it came too fast to tell.
    """

    text: str
    thought: bool
    calls: "Sequence[Mapping[str, str]]"
    first: float
    rate: float


def converse(
    provider: "Provider",
    entry: "Model",
    messages: "Sequence[Mapping[str, Any]]",
    tools: "Sequence[Any] | None",
) -> Reply:
    """Send a conversation as the tools do, streamed; return the model's next message.

    Raises:
        EndpointError: the server refuses, or its answer breaks off.
    """
    body: dict[str, Any] = {
        "model": entry.id, "messages": messages, "stream": True, "stream_options": {"include_usage": True},
        "max_tokens": min(LONG if tools else SHORT, entry.output),
    }  # fmt: skip
    if tools:
        body["tools"] = tools
    url = f"{provider.base}/chat/completions"
    begun = time.monotonic()
    gathered = _Gathered()
    with endpoint.stream(provider.server, url, body, seconds=PATIENCE) as response:
        for line in response:
            data = line.strip().removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                gathered.add(endpoint.parsed(provider.server, url, data), time.monotonic() - begun)
    if not gathered.finished:
        raise EndpointError(
            "answer", f"{url} ends its answer before it is finished, after {gathered.pieces} pieces",
            "The server, or a proxy before it, breaks off: look at their logs.",
        )  # fmt: skip
    return gathered.reply()


class _Gathered:
    """The pieces of a streamed answer, put together."""

    def __init__(self) -> None:
        self.text, self.thought, self.finished = "", False, False
        self.calls: dict[int, dict[str, str]] = {}
        self.pieces, self.tokens = 0, 0
        self.first = self.last = 0.0

    def add(self, chunk: "Any", seconds: float) -> None:
        """Take one event; an error that a server sends in the stream ends it."""
        if not isinstance(chunk, dict):
            return
        if chunk.get("error"):
            raise EndpointError(
                "answer",
                f"the server breaks off: {faults.first_line(json.dumps(chunk).encode())}",
                "Look at its log.",
            )
        self.tokens = (chunk.get("usage") or {}).get("completion_tokens") or self.tokens
        for choice in chunk.get("choices") or []:
            self.finished = self.finished or bool(choice.get("finish_reason"))
            delta = choice.get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if delta.get("content") or thought or delta.get("tool_calls"):
                self.first = self.first or seconds
                self.last = seconds
                self.pieces += 1
            self.text += delta.get("content") or ""
            self.thought = self.thought or bool(thought)
            for call in delta.get("tool_calls") or []:
                self._add_call(call)

    def _add_call(self, call: "Mapping[str, Any]") -> None:
        known = self.calls.setdefault(call.get("index") or 0, {"name": "", "arguments": ""})
        function = call.get("function") or {}
        known["name"] += function.get("name") or ""
        known["arguments"] += function.get("arguments") or ""

    def reply(self) -> Reply:
        """Return the whole."""
        after = self.last - self.first
        rate = ((self.tokens or self.pieces) - 1) / after if after > SHORTEST else 0.0
        return Reply(self.text, self.thought, tuple(self.calls.values()), self.first, rate)
