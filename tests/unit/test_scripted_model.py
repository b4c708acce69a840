"""tests/probes/scripted_model.py speaks as the servers do that it stands in for."""

import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from typing import Any

import pytest

PROBE = Path(__file__).parents[1] / "probes" / "scripted_model.py"
Json = dict[str, Any]


class Model:
    """A server that runs, and what it is asked."""

    def __init__(self, *flags: str) -> None:
        command = [sys.executable, "-I", str(PROBE), "--port", "0", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port: int = self.logged()["listening"]

    def logged(self) -> Json:
        assert self.process.stdout
        line: Json = json.loads(self.process.stdout.readline())
        return line

    def send(
        self, path: str, body: Json | None = None, key: str | None = None, tls: ssl.SSLContext | None = None
    ) -> HTTPResponse:
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=60, context=tls)
            if tls
            else HTTPConnection("127.0.0.1", self.port, timeout=60)
        )
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request(
            "POST" if body is not None else "GET",
            path,
            json.dumps(body) if body is not None else None,
            headers,
        )
        return connection.getresponse()

    def ask(self, path: str, body: Json | None = None, key: str | None = None) -> tuple[int, Any]:
        response = self.send(path, body, key)
        return response.status, json.loads(response.read())

    def complete(self, said: str, *tools: Json, **fields: Any) -> tuple[int, Any]:
        messages = fields.pop("messages", [{"role": "user", "content": said}])
        offered = {"tools": [{"type": "function", "function": tool} for tool in tools]} if tools else {}
        body = {"model": "scripted-model", "messages": messages, **offered, **fields}
        return self.ask("/v1/chat/completions", body)

    def stream(self, said: str, **fields: Any) -> Iterator[Json]:
        messages = [{"role": "user", "content": said}]
        body = {"model": "scripted-model", "messages": messages, "stream": True, **fields}
        for line in self.send("/v1/chat/completions", body):
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))


Serve = Callable[..., Model]
ADD = {
    "name": "add",
    "parameters": {
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "unit": {"type": "string"}}
    },
}
WRITE = {"name": "write", "parameters": {"properties": {"path": {"type": "string"}, "content": {}}}}


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[Model] = []

    def start(*flags: str) -> Model:
        running.append(Model(*flags))
        return running[-1]

    yield start
    for model in running:
        model.process.kill()
        model.process.communicate()


def called(answer: tuple[int, Any]) -> tuple[str, Json]:
    (call,) = answer[1]["choices"][0]["message"]["tool_calls"]
    return call["function"]["name"], json.loads(call["function"]["arguments"])


def test_vllm_tells_its_context_and_refuses_an_unknown_model(serve: Serve) -> None:
    model = serve("--model", "one", "--model", 'a, "b" c', "--context", "40960")
    cards = model.ask("/v1/models")[1]["data"]
    assert [(card["id"], card["max_model_len"]) for card in cards] == [("one", 40960), ('a, "b" c', 40960)]
    assert model.ask("/props") == (404, {"detail": "Not Found"})
    error = {"message": "The model `scripted-model` does not exist.", "type": "NotFoundError"}
    assert model.complete("") == (404, {"error": {**error, "param": "model", "code": 404}})


@pytest.mark.parametrize(("word", "told"), [("0", {"max_model_len": 0}), ("absent", {})])
def test_a_context_may_be_nothing_or_left_out(serve: Serve, word: str, told: Json) -> None:
    (card,) = serve("--shape", "sglang", "--context", word).ask("/v1/models")[1]["data"]
    assert {name: card[name] for name in card if name == "max_model_len"} == told
    assert card["owned_by"] == "sglang"


@pytest.mark.parametrize("old", [False, True])
def test_llamacpp_tells_its_context_in_props(serve: Serve, old: bool) -> None:
    model = serve("--shape", "llamacpp", "--context", "32768", *(["--old"] if old else []))
    listed = model.ask("/v1/models")[1]
    meta = listed["data"][0]["meta"]
    assert (meta["n_ctx_train"], meta.get("n_ctx")) == (262144, None if old else 32768)
    assert listed["models"][0]["name"] == "scripted-model"
    assert model.ask("/props")[1]["default_generation_settings"]["n_ctx"] == 32768
    assert model.ask("/nothing")[1]["error"]["message"] == "File Not Found"
    assert model.complete("", model="any name")[0] == 200


def test_lmstudio_tells_the_context_of_a_loaded_model_in_its_own_lists(serve: Serve) -> None:
    model = serve("--shape", "lmstudio", "--model", "one", "--model", "two", "--context", "8192")
    assert "context" not in json.dumps(model.ask("/v1/models"))
    one, two = model.ask("/api/v0/models")[1]["data"]
    assert (one["state"], one["loaded_context_length"], one["max_context_length"]) == ("loaded", 8192, 262144)
    assert two["state"] == "not-loaded"
    assert "loaded_context_length" not in two
    assert model.complete("", model="two")[0] == 200
    assert model.ask("/api/v0/models/two")[1]["state"] == "loaded"
    (instance,) = model.ask("/api/v1/models")[1]["models"][1]["loaded_instances"]
    assert instance["config"]["context_length"] == 8192
    assert model.ask("/props") == (200, {"error": "Unexpected endpoint or method. (GET /props)"})


def test_ollama_tells_the_context_once_the_model_is_loaded(serve: Serve) -> None:
    model = serve("--shape", "ollama", "--model", "qwen3:8b", "--context", "4096", "--trained", "40960")
    assert model.ask("/v1/models")[1]["data"][0]["owned_by"] == "library"
    shown = model.ask("/api/show", {"model": "qwen3:8b"})[1]
    architecture = shown["model_info"]["general.architecture"]
    assert shown["model_info"][f"{architecture}.context_length"] == 40960
    assert "parameters" not in shown
    assert model.ask("/api/ps")[1] == {"models": []}
    assert model.complete("", model="qwen3:8b")[0] == 200
    assert model.ask("/api/ps")[1]["models"][0]["context_length"] == 4096
    assert model.complete("", model="qwen3")[1]["error"]["message"] == "model 'qwen3' not found"
    response = model.send("/props")
    assert (response.status, response.read()) == (404, b"404 page not found")


def test_an_ollama_modelfile_sets_the_context(serve: Serve) -> None:
    model = serve("--shape", "ollama", "--model", "a:latest", "--num-ctx", "65536")
    parameters = model.ask("/api/show", {"model": "a"})[1]["parameters"]
    assert parameters.split() == ["num_ctx", "65536"]
    assert model.complete("", model="a")[0] == 200
    (loaded,) = model.ask("/api/ps")[1]["models"]
    assert (loaded["name"], loaded["context_length"]) == ("a:latest", 65536)


@pytest.mark.parametrize(
    ("shape", "path", "error"),
    [
        ("vllm", "/v1/models", "Unauthorized"),
        ("llamacpp", "/props", {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}),
    ],
)
def test_a_key_is_wanted(serve: Serve, shape: str, path: str, error: object) -> None:
    model = serve("--shape", shape, "--key", "secret")
    for key in (None, "wrong"):
        assert model.ask(path, key=key) == (401, {"error": error})
    assert model.ask(path, key="secret")[0] == 200
    assert [model.logged()["authorization"] for _ in range(3)] == [None, "Bearer wrong", "Bearer secret"]
    # The list of llama-server is open to all, so that it says nothing of a key.
    assert model.ask("/v1/models")[0] == (200 if shape == "llamacpp" else 401)


def test_a_plain_tool_is_called_and_its_result_told(serve: Serve) -> None:
    model = serve()
    assert called(model.complete("Add a=3 and b=-4.", ADD)) == ("add", {"a": 3, "b": -4, "unit": "unit"})
    assert called(model.complete("Add in unit=km.", ADD))[1]["unit"] == "km"
    assert called(model.complete("Add, unit='m s'", ADD))[1] == {"a": 7, "b": 7, "unit": "m s"}
    messages = [{"role": "user", "content": "Add"}, {"role": "tool", "content": "the sum is 14"}]
    answer = model.complete("", ADD, messages=messages, max_completion_tokens=9)[1]
    assert answer["choices"][0]["message"]["content"] == "done: the sum is 14"
    line = [model.logged() for _ in range(4)][-1]
    assert (line["model"], line["max_tokens"], line["prompt_characters"]) == ("scripted-model", 9, 16)
    assert (line["tools"], line["tool_result"]) == (1, True)


def test_the_file_that_was_named_is_written(serve: Serve) -> None:
    model = serve()
    assert called(model.complete("Write it", ADD, WRITE))[1]["path"] == "hello.txt"
    assert called(model.complete("Write a/b.txt", ADD, WRITE))[1]["path"] == "a/b.txt"
    arguments = called(model.complete("Write to /tmp/x/pong.txt.", WRITE, ADD))[1]
    assert arguments == {"path": "/tmp/x/pong.txt", "content": "hello from the scripted model\n"}  # noqa: S108
    messages = [{"role": "user", "content": "Write it"}, {"role": "tool", "content": "ok"}]
    answer = model.complete("", WRITE, messages=messages)[1]
    assert answer["choices"][0]["message"]["content"] == "done: wrote hello.txt"


def test_thought_comes_before_the_answer_and_usage_at_the_end(serve: Serve) -> None:
    chunks = list(serve("--fault", "reasoning").stream("", stream_options={"include_usage": True}))
    names = [name for chunk in chunks[:-1] for name in chunk["choices"][0]["delta"] if name != "role"]
    assert names[1] == "reasoning_content"
    assert names[-1] == "content"
    assert chunks[-1]["usage"]["total_tokens"] == 1016


@pytest.mark.parametrize("silence", ["headers", "first", "between"])
def test_it_is_silent_before_a_call_and_notes_who_gives_up(serve: Serve, silence: str) -> None:
    model = serve("--silent", "1000", "--silence", silence)
    body = {"messages": [], "model": "scripted-model", "stream": True}
    offered = {"tools": [{"type": "function", "function": ADD}]}
    assert model.send("/v1/chat/completions", body).read().endswith(b"[DONE]\n\n"), "it calls nothing"
    model.logged()
    with socket.create_connection(("127.0.0.1", model.port), timeout=10) as client:
        request = json.dumps({**body, **offered}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nContent-Length: {len(request)}\r\n\r\n"
        client.sendall(head.encode() + request)
        notes = [model.logged()["answered"]]
        if silence != "headers":
            notes.append(model.logged()["answered"])
        assert notes[-1] == "silent"
    assert model.logged()["answered"] == "given up"


def test_a_call_may_be_a_thought_or_have_no_id(serve: Serve) -> None:
    message = serve("--fault", "thought-calls").complete("", ADD)[1]["choices"][0]["message"]
    assert message["reasoning_content"].startswith("<tool_call>")
    assert "tool_calls" not in message
    message = serve("--fault", "empty-id").complete("", ADD)[1]["choices"][0]["message"]
    assert message["tool_calls"][0]["id"] == ""


def test_a_server_may_refuse_fields_that_it_does_not_know(serve: Serve) -> None:
    model = serve("--fault", "unknown-fields")
    status, answer = model.complete("", store=False, max_completion_tokens=1, max_tokens=1)
    assert status == 400
    assert answer["error"]["message"] == "Extra inputs are not permitted: max_completion_tokens, store"
    assert model.complete("", max_tokens=1)[0] == 200


BASH = {
    "name": "Bash",
    "parameters": {"properties": {"command": {"type": "string"}}, "required": ["command"]},
}
WORDS = {
    "name": "shell",
    "parameters": {
        "properties": {"cmd": {"type": "array"}, "quiet": {"type": "boolean"}, "why": {"type": "string"}},
        "required": ["cmd", "quiet", "why"],
    },
}
FILE = {
    "name": "Write",
    "parameters": {"properties": {"file_path": {"description": "An absolute path"}, "content": {}}},
}
VIEW = {"name": "view_image", "parameters": {"properties": {"path": {"type": "string"}}}}
READ = {"name": "read", "parameters": {"properties": {"filePath": {"type": "string"}}}}
PLACE = "/home/agent/workspace/hello.txt"
HELLO = "hello from the scripted model\n"


@pytest.mark.parametrize(
    ("said", "tools", "name", "arguments"),
    [
        ("Write it", [BASH, FILE], "Write", {"file_path": PLACE, "content": HELLO}),
        ("Write it", [VIEW, BASH], "Bash", {"command": f"printf %s '{HELLO}' >hello.txt"}),
        ("Please run `id -u`.", [FILE, BASH], "Bash", {"command": "id -u"}),
        ("Run `id`", [FILE, WORDS], "shell", {"cmd": ["bash", "-c", "id"], "quiet": False, "why": "run it"}),
        ("Look at /home/a.png", [READ, BASH, VIEW], "view_image", {"path": "/home/a.png"}),
        ("Look at /home/a.png", [BASH, READ], "read", {"filePath": "/home/a.png"}),
    ],
    ids=["its file", "by a shell", "a command", "a command's words", "an image", "an image as a file"],
)  # fmt: skip
def test_a_tool_is_chosen_by_what_it_is_for(
    serve: Serve, said: str, tools: list[Json], name: str, arguments: Json
) -> None:
    assert called(serve().complete(said, *tools)) == (name, arguments)


def test_tasks_are_done_one_after_the_other_and_after_those_of_before(serve: Serve) -> None:
    model = serve()
    result = {"role": "tool", "content": "ok"}
    before = [{"role": "user", "content": "Write a.txt"}, result]
    messages = [*before, {"role": "user", "content": "Run `id`, then write b.txt."}]
    assert called(model.complete("", BASH, FILE, messages=messages)) == ("Bash", {"command": "id"})
    messages += [result, {"role": "user", "content": "It is late."}]
    name, arguments = called(model.complete("", BASH, FILE, messages=messages))
    assert (name, arguments["file_path"]) == ("Write", "/home/agent/workspace/b.txt")
    answer = model.complete("", BASH, FILE, messages=[*messages, result])[1]
    assert answer["choices"][0]["message"]["content"] == "done: ran id, wrote b.txt"


def events(model: Model, path: str, body: Json) -> list[Json]:
    lines = model.send(path, {"model": "scripted-model", "stream": True, **body}).read().splitlines()
    read = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]
    assert [b"event: " + event["type"].encode() for event in read] == [
        line for line in lines if line.startswith(b"event: ")
    ]
    return read


def test_responses_are_streamed_and_come_again_as_input(serve: Serve) -> None:
    model = serve()
    offered = {
        "tools": [
            {"type": "function", "name": "Bash", "parameters": BASH["parameters"]},
            {"type": "web_search"},
        ]
    }
    asked = {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]}
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Run `id`"}]}
    read = events(model, "/v1/responses", {"instructions": "Help.", "input": [asked, user], **offered})
    (item,) = read[-1]["response"]["output"]
    assert (item["type"], item["name"], json.loads(item["arguments"])) == (
        "function_call",
        "Bash",
        {"command": "id"},
    )
    deltas = [event["delta"] for event in read if event["type"] == "response.function_call_arguments.delta"]
    assert "".join(deltas) == item["arguments"]
    assert read[-1]["response"]["usage"]["total_tokens"] == 1016
    line = model.logged()
    assert (line["api"], line["system_messages"], line["kinds"]) == (
        "responses",
        2,
        ["function", "web_search"],
    )
    image = {"type": "input_image", "image_url": "data:image/png;base64,"}
    result = {"type": "function_call_output", "call_id": item["call_id"], "output": [image]}
    read = events(model, "/v1/responses", {"input": [user, item, result], **offered})
    assert read[-1]["response"]["output"][0]["content"][0]["text"] == "done: ran id"
    assert model.logged()["images"] == 1
    status, answer = model.ask(
        "/v1/responses", {"model": "scripted-model", "input": "Hello", "max_output_tokens": 9}
    )
    assert (status, answer["output"][0]["content"][0]["text"]) == (200, "Scripted task")
    assert model.logged()["max_tokens"] == 9


def test_messages_are_streamed_and_counted(serve: Serve) -> None:
    model = serve("--fault", "reasoning")
    offered = {"tools": [{"name": "Write", "input_schema": FILE["parameters"]}]}
    system = {"system": [{"type": "text", "text": "Help."}]}
    user = {"role": "user", "content": "Write it"}
    read = events(model, "/v1/messages?beta=true", {**system, "messages": [user], **offered})
    starts = [event["content_block"] for event in read if event["type"] == "content_block_start"]
    assert [block["type"] for block in starts] == ["thinking", "tool_use"]
    deltas = [event["delta"] for event in read if event["type"] == "content_block_delta"]
    text = "".join(delta.get("partial_json", "") for delta in deltas)
    assert json.loads(text)["file_path"] == "/home/agent/workspace/hello.txt"
    assert read[-2]["delta"]["stop_reason"] == "tool_use"
    assert read[-2]["usage"] == {"input_tokens": 1000, "output_tokens": 16}
    line = model.logged()
    assert (line["api"], line["system_messages"], line["kinds"]) == ("messages", 1, ["function"])
    result = {
        "type": "tool_result",
        "tool_use_id": starts[1]["id"],
        "content": [{"type": "text", "text": "ok"}],
    }
    messages = [user, {"role": "user", "content": [result]}]
    answer = model.ask("/v1/messages", {"model": "scripted-model", "messages": messages, **offered})[1]
    assert answer["content"][1]["text"] == "done: wrote hello.txt"
    assert model.ask("/v1/messages/count_tokens", {"messages": [user]}) == (200, {"input_tokens": 2})


@pytest.mark.parametrize(
    ("shape", "missing"),
    [
        ("vllm", (404, {"detail": "Not Found"})),
        ("lmstudio", (200, {"error": "Unexpected endpoint or method. (POST /v1/messages)"})),
    ],
)
def test_a_server_may_lack_an_api(serve: Serve, shape: str, missing: tuple[int, Json]) -> None:
    model = serve("--shape", shape, "--apis", "chat,responses")
    body = {"model": "scripted-model", "messages": [], "input": []}
    assert model.ask("/v1/messages", body) == missing
    assert (model.ask("/v1/responses", body)[0], model.ask("/v1/chat/completions", body)[0]) == (200, 200)


@pytest.mark.parametrize(
    ("messages", "kind", "said"),
    [
        (["system", "user"], "function", None),
        (["user"], "function", None),
        (["system", "developer", "user"], "function", "System message must be at the beginning."),
        (["user", "system"], "function", "System message must be at the beginning."),
        (["system", "user"], "namespace", "'type' of tool must be 'function'"),
    ],
)
def test_a_strict_template_takes_one_system_message_and_functions(
    serve: Serve, messages: list[str], kind: str, said: str | None
) -> None:
    body = {
        "model": "scripted-model", "messages": [{"role": role, "content": "x"} for role in messages],
        "tools": [{"type": kind, "function": BASH}],
    }  # fmt: skip
    status, answer = serve("--strict").ask("/v1/chat/completions", body)
    assert (status, answer.get("error", {}).get("message")) == (400 if said else 200, said)


def test_tools_may_be_refused_or_not_be_understood(serve: Serve) -> None:
    text = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    status, answer = serve("--fault", "no-tools").complete("", ADD)
    assert (status, answer["error"]["message"]) == (400, text)
    # SGLang refuses nothing.
    for flags in (("--fault", "text-calls"), ("--fault", "no-tools", "--shape", "sglang")):
        message = serve(*flags).complete("", ADD)[1]["choices"][0]["message"]
        assert message["content"].startswith('<tool_call>\n{"name": "add"')
        assert "tool_calls" not in message


def test_a_model_is_loading_and_then_it_is_not(serve: Serve) -> None:
    model = serve("--shape", "llamacpp", "--fault", "loading")
    for _ in range(3):
        assert model.ask("/health")[0] == 503
        assert model.ask("/v1/models")[1]["error"]["message"] == "Loading model"
    assert model.ask("/v1/models")[0] == 200


@pytest.mark.parametrize(("fault", "count"), [("empty", 0), ("thousand", 1000)])
def test_there_are_no_models_or_many(serve: Serve, fault: str, count: int) -> None:
    assert len(serve("--fault", fault).ask("/v1/models")[1]["data"]) == count


@pytest.mark.parametrize(
    ("fault", "status", "header", "value"),
    [
        ("html", 200, "Content-Type", "text/html; charset=utf-8"),
        ("not-json", 200, "Content-Type", "application/json"),
        ("error500", 500, "Content-Type", "application/json"),
        ("redirect", 301, "Location", "https://elsewhere.invalid/"),
        ("huge", 200, "Content-Length", str(64 << 20)),
    ],
)
def test_it_answers_with_something_else(
    serve: Serve, fault: str, status: int, header: str, value: str
) -> None:
    response = serve("--fault", fault).send("/v1/models")
    assert (response.status, response.headers[header]) == (status, value)


@pytest.mark.parametrize(("fault", "begins"), [("hang", b""), ("half", b"HTTP/1.1 200 OK"), ("slow", b"H")])
def test_it_never_comes_to_an_end(serve: Serve, fault: str, begins: bytes) -> None:
    model = serve("--fault", fault)
    with socket.create_connection(("127.0.0.1", model.port), timeout=10) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: model\r\n\r\n")
        got = [client.recv(65536)] if begins else []
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            got.extend(iter(lambda: client.recv(65536), b""))
    assert b"".join(got).startswith(begins)
    assert bool(got) == bool(begins)


def test_a_stream_is_cut_off(serve: Serve) -> None:
    body = {"model": "scripted-model", "messages": [], "stream": True}
    with pytest.raises(IncompleteRead) as cut:
        serve("--fault", "cut").send("/v1/chat/completions", body).read()
    assert b"Scripted task" in cut.value.partial
    assert b"[DONE]" not in cut.value.partial


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_it_speaks_tls(serve: Serve, tmp_path: Path) -> None:
    files = [str(tmp_path / "cert"), str(tmp_path / "key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    model = serve("--tls", *files)
    with socket.create_connection(("127.0.0.1", model.port)):  # which says nothing, and is in nobody's way
        assert model.send("/v1/models", tls=ssl.create_default_context(cafile=files[0])).status == 200
