"""init/model/apis.py: which tools a model server does not suit, by what it answers to nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from init.model import apis, endpoint
from init.model.catalogue import Catalogue, Model, Provider
from init.model.failures import EndpointError
from init.model.servers import Origin, Server
from init.tools import Tool

SERVER = Server("local", "http://model.example:8000", "", "SANDBOX_KEY_LOCAL", "", Origin(), ())
MODEL = Model("one", 40000, 1000, tools=True, vision=False)
PROVIDER = Provider(SERVER, "vLLM", "http://model.example:8000/v1", (MODEL,))
CATALOGUE = Catalogue((PROVIDER,), {"main": ("local", "one")})


def tool(name: str, api: str = "chat", context: int = 0, renderer: str = "pi") -> Tool:
    return Tool(name, name, (name,), (), {}, (), (), renderer, api, context)


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, answer: object) -> Iterator[list[str]]:
    """Let the server give this answer, or refuse with this status and these words."""
    asked: list[str] = []

    def request(_: Server, url: str, body: object, *, seconds: float) -> object:
        asked.append(url)
        assert (body, seconds > 0) == ({}, True)
        if isinstance(answer, tuple):
            status, said = answer
            raise EndpointError("answer", f"{url} answers {status} {said}", "", status=status)
        return answer

    monkeypatch.setattr(endpoint, "request", request)
    yield asked


@pytest.mark.parametrize(
    ("answer", "lacks"),
    [
        ((404, "Not Found"), True),
        ((404, "Not Found: 404 page not found"), True),
        ((405, "Method Not Allowed"), True),
        ((501, "Not Implemented"), True),
        ({"error": "Unexpected endpoint or method. (POST /v1/messages)"}, True),
        ((400, "Bad Request: messages: field required"), False),
        ((422, "Unprocessable Entity"), False),
        ((404, "Not Found: model '' not found"), False),
        ((401, "Unauthorized"), False),
        ((500, "Internal Server Error"), False),
        ((0, "nothing in time"), False),
        ({"error": "messages is required"}, False),
        ([], False),
    ],
    ids=str,
)
def test_only_what_surely_is_not_there_is_missing(
    monkeypatch: pytest.MonkeyPatch, answer: object, lacks: bool
) -> None:
    with answering(monkeypatch, answer) as asked:
        assert apis.lacks(PROVIDER, "messages") == lacks
        assert asked == ["http://model.example:8000/v1/messages"]


def test_nobody_is_asked_for_chat_completions(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch, (404, "")) as asked:
        assert not apis.lacks(PROVIDER, "chat")
        assert not asked


def test_each_api_is_asked_for_once_and_each_tool_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = [
        tool("a"), tool("b", "messages"), tool("c", "messages", 50000), tool("d", context=50000),
        tool("e", context=40000), tool("f", "messages", renderer=""),
    ]  # fmt: skip
    with answering(monkeypatch, (404, "Not Found")) as asked:
        assert apis.unfit(tools, CATALOGUE) == {
            "b": "the server has no /messages",
            "c": "the server has no /messages",
            "d": "needs a context of 50000, there is 40000",
        }
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("kind", "fix"),
    [("vLLM", "vLLM has it since 0.11.1."), ("OpenAI-compatible", "llama.cpp has it since November 2025")],
)
def test_what_is_missing_is_told_with_the_version_that_has_it(kind: str, fix: str) -> None:
    what, how = apis.missing(PROVIDER._replace(kind=kind), "messages", ["claude"])
    assert what == "http://model.example:8000/v1/messages is not there, and claude needs it"
    assert fix in how
    assert ("SGLang" in how) == (kind != "vLLM")
