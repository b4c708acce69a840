"""What every API has in common: what was said so far, which tools there are, what the model says next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = dict[str, Any]
PIECE = 24  # characters in one streamed delta
SYSTEM = ("system", "developer")


class Said(NamedTuple):
    """One message; what a tool returned is one of the role `tool`."""

    role: str
    text: str
    images: int = 0


class Call(NamedTuple):
    """A call of a tool; the arguments are JSON, as text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Conversation:
    """What a request holds.

    Attributes:
        messages: all of them, instructions first.
        tools: the functions that may be called: the schema of each one's arguments, by name.
        kinds: the type of each tool that was offered, in whatever form.
    """

    messages: list[Said]
    tools: dict[str, Json]
    kinds: list[str]

    def last(self, role: str) -> str:
        texts = [said.text for said in self.messages if said.role == role]
        return texts[-1] if texts else ""

    def asked(self, task: re.Pattern[str]) -> tuple[str, int]:
        """The last task of the user's, and how many results came after it; others may speak in his name."""
        places = [place for place, said in enumerate(self.messages) if said.role == "user"]
        place = next((n for n in reversed(places) if task.search(self.messages[n].text)), -1)
        results = sum(said.role == "tool" for said in self.messages[place + 1 :])
        return (self.messages[place].text if place >= 0 else self.last("user")), results

    @property
    def has_result(self) -> bool:
        return any(said.role == "tool" for said in self.messages)

    @property
    def instructions(self) -> list[int]:
        """Where the messages are that are none of the user's, the model's or a tool's."""
        return [place for place, said in enumerate(self.messages) if said.role in SYSTEM]

    @property
    def characters(self) -> int:
        return sum(len(said.text) for said in self.messages)


@dataclass(frozen=True)
class Reply:
    """What the model says next: a text, or a call."""

    text: str = ""
    call: Call | None = None
    thought: str = ""


class Answered(NamedTuple):
    """What an answer tells besides the reply."""

    model: str
    prompt: int  # tokens
    completion: int
    reasoning: str  # what the server calls a thought
    usage: bool  # whether a stream has to tell the tokens


def text_of(content: Any) -> str:
    """A message's content as text, which may come in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def images_in(content: Any) -> int:
    """How many parts of a content are images, in the words of any API."""
    kinds = ("image", "image_url", "input_image")
    parts = content if isinstance(content, list) else []
    return sum(isinstance(part, dict) and part.get("type") in kinds for part in parts)


def pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
