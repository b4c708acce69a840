"""The fuzzer: a short run of it, and faults that it must find. see tests/fuzzing."""

import re
from random import Random
from typing import Any

import pytest

from gateway import endpoints, names
from gateway.wire import chunks, client_hello, dns, http_head
from tests.fuzzing import SUBJECTS, campaign
from tests.fuzzing.hello import HELLOS, NAME


def always() -> Random:
    """Return the same numbers each time."""
    return Random(1)  # noqa: S311 - nothing is secret here


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_short_run_finds_nothing(name: str) -> None:
    result = campaign.run(SUBJECTS[name], always(), runs=2000)
    assert not result.findings
    assert result.taken > 50, "it tries hardly anything that is taken"


@pytest.mark.parametrize("data", HELLOS.values(), ids=HELLOS)
def test_the_name_in_a_real_clients_hello_is_read(data: bytes) -> None:
    assert client_hello.server_name(data) == NAME


def _first_length(fields: http_head.Fields, _minor: int) -> int | None:
    return int((fields.all("content-length") or ("0",))[0])


FAULTS: dict[str, tuple[str, object, str, Any]] = {
    "a space in a field's name": ("request", http_head, "_TOKEN", re.compile(rb"[!-9;-~ ]+")),
    "the first of two lengths": ("request", http_head, "length", _first_length),
    "bare LF in an answer": ("answer", http_head, "_VALUE", re.compile(rb"[^\0\r]*")),
    "a chunk's length in part": ("chunks", chunks, "_SIZE", re.compile(rb"([0-9A-Fa-f])[^\r\n]*\r\n")),
    "a name that is guessed": ("hello", client_hello, "_host", lambda _content: NAME),
    "an answer for another name": ("question", dns, "_POINTER_TO_QUESTION", 0xC00D),
    "an address": ("authority", names, "_NUMBER", re.compile("(?!)")),
    "parameters of a path": (
        "endpoint",
        endpoints,
        "_ONE_MODEL",
        re.compile("v1/models/((?:[A-Za-z0-9._@:+;-]|%2F|%2E|/)+)"),
    ),
}


@pytest.mark.parametrize(("name", "module", "rule", "weakened"), FAULTS.values(), ids=FAULTS)
def test_a_parser_that_is_too_kind_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, module: object, rule: str, weakened: Any
) -> None:
    monkeypatch.setattr(module, rule, weakened)
    assert campaign.run(SUBJECTS[name], always(), runs=8000, most=1).findings
