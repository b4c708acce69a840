"""A parser with its second reader, which other people wrote.

What the parser takes, the second reader takes for the same, or refuses. What it refuses is nobody's business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from gateway.connection import Gone
from gateway.refusal import Refusal
from gateway.wire.client_hello import More


@dataclass(frozen=True)
class Subject:
    """A parser.

    Attributes:
        parse: takes the bytes; None where they are refused. Anything else that it raises is a finding.
        check: compares what was read with what the second reader reads; raises AssertionError.
        seeds: inputs as real clients and servers send them.
        words: what means something to it.
    """

    parse: Callable[[bytes], Any]
    check: Callable[[bytes, Any, Random], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]


def refusable(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def tried(data: bytes) -> Any:
        try:
            return parse(data)
        except (Refusal, More, Gone):
            return None

    return tried
