"""One exchange with a model, streamed as the tools do it, and put together again."""

from __future__ import annotations

import json
import time

from init.model import endpoint, failures
from init.model.failures import EndpointError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from init.model.catalogue import Model, Provider

# Seconds; a model that is loaded on demand takes its time for the first answer.
PATIENCE = 120.0

# Seconds; what took less says nothing of a server's speed.
SHORTEST = 0.05

# Tokens asked for: enough to measure, and for a model that thinks aloud first to come to its call.
SHORT, LONG = 96, 1024


class Call(Record):
    """A tool call; the arguments are JSON, as text."""

    id: str
    name: str
    arguments: str


class Reply(Record):
    """What a streamed answer held.

    Attributes:
        text: the answer itself.
        thoughts: the reasoning that came besides.
        calls: the tool calls.
        ended: why it ended: the server's finish_reason, or `time` where it was still coming after PATIENCE.
        first: seconds to the first piece.
        rate: tokens a second after it, 0 where it came too fast to tell.
        prompt: tokens of the prompt, 0 where the server does not tell.
    """

    text: str
    thoughts: str
    calls: tuple[Call, ...]
    ended: str
    first: float
    rate: float
    prompt: int


def converse(
    provider: Provider,
    entry: Model,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Any] | None,
    most: int = 0,
) -> Reply:
    """Send a conversation as the tools do, streamed; return the model's next message.

    Args:
        provider: whom to ask.
        entry: the model.
        messages: the conversation.
        tools: those that the model may call.
        most: tokens of the answer; 0 for as many as suit a call, or a few lines.

    Raises:
        EndpointError: the server refuses, or its answer breaks off.
    """
    body: dict[str, Any] = {
        "model": entry.id, "messages": messages, "stream": True, "stream_options": {"include_usage": True},
        "max_tokens": min(most or (LONG if tools else SHORT), entry.output),
    }  # fmt: skip
    if tools:
        body["tools"] = tools
    url = f"{provider.base}/chat/completions"
    begun = time.monotonic()
    gathered = _Gathered()

    def take(chunk: Any) -> None:
        gathered.add(chunk, time.monotonic() - begun)

    try:
        endpoint.events(provider.server, url, body, take, seconds=PATIENCE)
    except EndpointError as error:
        if not (error.passing and gathered.pieces):
            raise
        gathered.ended = "time"
    except endpoint.UNEXPECTED_SHAPE as error:
        what = f"{url} sends pieces of an answer that are of no form known: {error}"
        raise EndpointError("answer", what, "Does the server speak the OpenAI API?") from error
    if not gathered.ended:
        raise EndpointError(
            "answer", f"{url} ends its answer before it is finished, after {gathered.pieces} pieces",
            "The server, or a proxy before it, breaks off: look at their logs.",
        )  # fmt: skip
    return gathered.reply()


class _Gathered:
    """The pieces of a streamed answer, put together."""

    def __init__(self) -> None:
        self.text, self.thoughts, self.ended = "", "", ""
        self.calls: list[Call] = []
        # Where in the list the call of an index is.
        self.places: dict[int, int] = {}
        self.pieces, self.tokens, self.prompt = 0, 0, 0
        self.first = self.last = 0.0

    def add(self, chunk: Any, seconds: float) -> None:
        """Take one event; an error that a server sends in the stream ends it.

        Raises:
            EndpointError: it is an error.
            TypeError: it is of another form; or another of endpoint.UNEXPECTED_SHAPE.
        """
        if chunk.get("error"):
            said = failures.error_text(json.dumps(chunk))
            raise EndpointError("answer", f"the server breaks off: {said}", "Look at its log.")
        usage = chunk.get("usage") or {}
        self.tokens = int(usage.get("completion_tokens") or self.tokens)
        self.prompt = int(usage.get("prompt_tokens") or self.prompt)
        for choice in chunk.get("choices") or []:
            self.ended = str(choice.get("finish_reason") or self.ended)
            delta = choice.get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if delta.get("content") or thought or delta.get("tool_calls"):
                self.first = self.first or seconds
                self.last = seconds
                self.pieces += 1
            self.text += _text(delta.get("content"))
            self.thoughts += _text(thought)
            for call in delta.get("tool_calls") or []:
                self._add_call(call)

    def _add_call(self, call: Mapping[str, Any]) -> None:
        function, name = call.get("function") or {}, str(call.get("id") or "")
        index = call["index"] if isinstance(call.get("index"), int) else -1
        place = self.places.get(index, -1)
        # Some servers leave the index out, or give every call the same.
        if place < 0 or (name and self.calls[place].id not in ("", name)):
            place = self.places[index] = len(self.calls)
            self.calls.append(Call("", "", ""))
        known, arguments = self.calls[place], function.get("arguments")
        self.calls[place] = Call(
            known.id or name,
            known.name or str(function.get("name") or ""),
            # Not as text, they are no JSON afterwards, and are told of.
            known.arguments + (arguments if isinstance(arguments, str) else str(arguments or "")),
        )

    def reply(self) -> Reply:
        """Return the whole."""
        after = self.last - self.first
        rate = ((self.tokens or self.pieces) - 1) / after if after > SHORTEST else 0.0
        calls = tuple(self.calls)
        return Reply(self.text, self.thoughts, calls, self.ended, self.first, rate, self.prompt)


def _text(content: Any) -> str:
    """Return the text of a piece, which some servers send as a list of parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content)
    return content if isinstance(content, str) else ""
