"""init/model/completion.py: the pieces of an answer, as servers send them and as they should not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.model import completion, endpoint
from init.model.completion import Call
from init.model.failures import EndpointError


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def call(arguments: Any, index: Any = 0, **more: Any) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    place = {} if index is None else {"index": index}
    return delta(tool_calls=[{**place, **more, "function": {**name, "arguments": arguments}}])


def gather(*chunks: Any) -> completion.Reply:
    gathered = completion._Gathered()
    for seconds, chunk in enumerate(chunks, 1):
        gathered.add(chunk, seconds)
    return gathered.reply()


ONE, TWO = Call("a", "add", '{"a": 1}'), Call("b", "add", '{"a": 2}')


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        ([call('{"a"', id="a", name="add"), call(": 1}")], [ONE]),
        ([call('{"a": 1}', id="a", name="add")], [ONE]),
        ([call('{"a": 1}', None, id="a", name="add")], [ONE]),
        ([call('{"a"', None, id="a", name="add"), call(": 1}", None)], [ONE]),
        ([call('{"a"', id="a", name="add"), call(": 1}", id="a", name="add")], [ONE]),
        ([call('{"a": 1}', id="a", name="add"), call('{"a": 2}', 1, id="b", name="add")], [ONE, TWO]),
        ([call('{"a": 1}', id="a", name="add"), call('{"a": 2}', id="b", name="add")], [ONE, TWO]),
        (
            [call('{"a": 1}', None, id="a", name="add"), call('{"a": 2}', None, id="b", name="add")],
            [ONE, TWO],
        ),
        ([call({"a": 1}, id="a", name="add")], [Call("a", "add", "{'a': 1}")]),
        ([call(None, id="a", name="add")], [Call("a", "add", "")]),
    ],
)
def test_calls_are_put_together_as_servers_send_them(chunks: list[Any], calls: list[Call]) -> None:
    assert list(gather(*chunks).calls) == calls


@pytest.mark.parametrize(
    ("chunks", "text", "thoughts"),
    [
        ([delta(content="a"), delta(content="b")], "ab", ""),
        ([delta(content=[{"type": "text", "text": "a"}]), delta(content=None)], "a", ""),
        ([delta(reasoning_content="hm"), delta(content="a")], "a", "hm"),
        ([delta(reasoning="hm")], "", "hm"),
        ([{"choices": []}, {"choices": None, "usage": None}, {}], "", ""),
    ],
)
def test_text_is_put_together(chunks: list[Any], text: str, thoughts: str) -> None:
    reply = gather(*chunks)
    assert (reply.text, reply.thoughts) == (text, thoughts)


def test_the_rate_is_that_of_the_tokens_after_the_first() -> None:
    assert gather(delta(content="a"), delta(content="b"), {"usage": {"completion_tokens": 21}}).rate == 20
    assert gather(delta(content="a")).rate == 0


def test_an_error_within_the_stream_ends_it() -> None:
    with pytest.raises(EndpointError, match="out of memory"):
        gather({"error": {"message": "out of memory"}})


def nested(depth: int) -> Any:
    content: Any = "a"
    for _ in range(depth):
        content = [{"text": content}]
    return content


@pytest.mark.parametrize("field", ["content", "tool_calls", "reasoning", "error"])
def test_a_piece_that_is_nested_too_deeply_is_refused_as_any_odd_one(field: str) -> None:
    deep = nested(100_000)
    chunk = {"error": deep} if field == "error" else delta(**{field: deep})
    if field == "tool_calls":
        gather(chunk)  # not walked through
        return
    with pytest.raises((*endpoint.UNEXPECTED_SHAPE, EndpointError)):
        gather(chunk)


ATOMS = st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers()
NAMES = st.sampled_from(
    ["choices", "delta", "content", "tool_calls", "index", "id", "function", "arguments", "usage", "error"]
)


@given(
    st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
)
def test_any_piece_is_taken_or_refused(chunk: Any) -> None:
    for piece in (chunk, {"choices": [chunk]}, {"choices": [{"delta": chunk}]}, delta(tool_calls=[chunk])):
        try:
            gather(piece)
        except (*endpoint.UNEXPECTED_SHAPE, EndpointError):
            continue
