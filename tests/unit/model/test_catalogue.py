"""init/model/: real servers on loopback, asked and settled with."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.errors import SandboxError
from init.model import catalogue, discovery, failures
from init.model.failures import EndpointError
from init.model.servers import ModelServers, ModelSpec, Origin, Server

Answers = dict[str, Any]
Serve = Callable[[Answers], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve answers by path: JSON, or (status, headers, text); the key, if one came, is echoed by 401."""
    servers = []

    def start(answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answers.get(self.path, (404, {}, "no"))
                status, headers, text = answer if isinstance(answer, tuple) else (200, {}, json.dumps(answer))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.replace("KEY", self.headers.get("Authorization", "none")).encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def named(url: str, *specs: ModelSpec, name: str = "local", key: str = "") -> Server:
    origin = Origin() if name == "local" else Origin(f"servers.{name}")
    return Server(name, url, key, "MODEL_API_KEY", "", origin, specs)


def listed(*ids: str, **more: object) -> Answers:
    return {"object": "list", "data": [{"id": name, "object": "model", **more} for name in ids]}


def refuse(server: Server, ids: Sequence[str]) -> NoReturn:
    raise catalogue.ambiguous(server, ids)


def settle(server: Server, warned: list[str] | None = None, **roles: str) -> catalogue.Catalogue:
    said = [] if warned is None else warned
    return catalogue.resolve(ModelServers((server,), roles), refuse, lambda what, _fix: said.append(what))


CONTEXTS: dict[str, tuple[Answers, str, int | None]] = {
    "vLLM": ({"/v1/models": listed("m", owned_by="vllm", max_model_len=40960)}, "vLLM", 40960),
    "SGLang": ({"/v1/models": listed("m", owned_by="sglang", max_model_len=32768)}, "SGLang", 32768),
    "llama.cpp": (
        {
            "/v1/models": listed("m", owned_by="llamacpp", meta={"n_ctx_train": 131072}),
            "/props": {"default_generation_settings": {"n_ctx": 16384}},
        },
        "llama.cpp",
        16384,
    ),
    "llama.cpp, no props": (
        {"/v1/models": listed("m", owned_by="llamacpp", meta={"n_ctx": 20480, "n_ctx_train": 131072})},
        "llama.cpp",
        20480,
    ),
    "LM Studio, loaded": (
        {
            "/v1/models": listed("m", owned_by="organization_owner"),
            "/api/v0/models": {"data": [{"id": "m", "loaded_context_length": 8192, "max_context_length": 9}]},
        },
        "LM Studio",
        8192,
    ),
    "llama.cpp, old, no props": (
        {"/v1/models": listed("m", owned_by="llamacpp", meta={"n_ctx_train": 131072})},
        "llama.cpp",
        None,
    ),
    "LM Studio, not loaded": (
        {
            "/v1/models": listed("m", owned_by="organization_owner"),
            "/api/v0/models": {"data": [{"id": "m", "max_context_length": 131072}]},
        },
        "LM Studio",
        None,
    ),
    "vLLM, an adapter": (
        {
            "/v1/models": {
                "data": [
                    {"id": "m", "owned_by": "vllm", "parent": "base", "max_model_len": None},
                    {"id": "base", "owned_by": "vllm", "max_model_len": 24576},
                ]
            }
        },
        "vLLM",
        24576,
    ),
    "Ollama, loaded": (
        {
            "/v1/models": listed("m", owned_by="library"),
            "/api/ps": {"models": [{"name": "m", "context_length": 4096}]},
        },
        "Ollama",
        4096,
    ),
    "Ollama, its own parameter": (
        {
            "/v1/models": listed("m", owned_by="library"),
            "/api/ps": {"models": []},
            "/api/show": {"parameters": "stop \"x\"\nnum_ctx                        24576"},
        },
        "Ollama",
        24576,
    ),
    "Ollama, trained for more than it gives": (
        {
            "/v1/models": listed("m", owned_by="library"),
            "/api/ps": {"models": []},
            "/api/show": {"model_info": {"qwen3.context_length": 40960}},
        },
        "Ollama",
        None,
    ),
    "zero": ({"/v1/models": listed("m", max_model_len=0)}, "OpenAI-compatible", None),
    "negative": ({"/v1/models": listed("m", max_model_len=-1)}, "OpenAI-compatible", None),
    "a word": ({"/v1/models": listed("m", max_model_len="many")}, "OpenAI-compatible", None),
    "infinite": ({"/v1/models": listed("m", max_model_len=float("inf"))}, "OpenAI-compatible", None),
    "a list": ({"/v1/models": listed("m", max_model_len=[1])}, "OpenAI-compatible", None),
    "null": ({"/v1/models": listed("m", meta=None)}, "OpenAI-compatible", None),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "kind", "context"), CONTEXTS.values(), ids=CONTEXTS)
def test_each_kind_of_server_tells_its_context_in_its_own_way(
    serve: Serve, answers: Answers, kind: str, context: int | None
) -> None:
    server = named(serve(answers))
    served = discovery.ask(server)
    assert served.kind == kind
    assert discovery.context_of(server, served, "m") == context


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("", {"/v1/models": listed("m")}),
        ("", {"/models": listed("m")}),
        ("/v1", {"/v1/models": listed("m")}),
        ("/llm", {"/llm/v1/models": listed("m")}),
        ("/llm", {"/llm/models": listed("m")}),
        ("/llm", {"/llm/models": (200, {}, "<html>"), "/llm/v1/models": listed("m")}),
    ],
)  # fmt: skip
def test_the_address_is_taken_with_or_without_v1(serve: Serve, path: str, answers: Answers) -> None:
    url = serve(answers)
    served = discovery.ask(named(f"{url}{path}"))
    assert f"{served.base}/models".removeprefix(url) in answers
    assert list(served.entries) == ["m"]


FAULTS: dict[str, tuple[Answers, str, str]] = {
    "html": ({"/v1/models": (200, {}, "<html></html>")}, "a web page", "API"),
    "said to be html": ({"/v1/models": (200, {"Content-Type": "text/html"}, "Hi")}, "a web page", "API"),
    "broken": ({"/v1/models": (200, {}, '{"data": [')}, "not answer with JSON", "MODEL_URL"),
    "nested": ({"/v1/models": (200, {}, "[" * 100000)}, "nested too deeply", "MODEL_URL"),
    "no list": ({"/v1/models": {"models": []}}, "no list of models", "/v1"),
    "empty": ({"/v1/models": listed()}, "serves no model", "Load one"),
    "bad ids": ({"/v1/models": {"data": [{"id": 1}, {"id": "a\u001b"}, "x", {}]}}, "no model", "Load one"),
    "401": ({"/v1/models": (401, {}, '{"error": {"message": "bad"}}')}, "401 Unauthorized: bad", "a key"),
    "404": ({}, "404 Not Found", "/v1"),
    "503": ({"/v1/models": (503, {}, "")}, "503", "loading"),
    "500": ({"/v1/models": (500, {}, '{"detail": "no memory"}')}, "500 Internal Server Error: no", "log"),
    "redirect": ({"/v1/models": (301, {"Location": "https://a.invalid/"}, "")}, "to https://a", "followed"),
    "https": ({"/v1/models": (400, {}, "an HTTP request to an HTTPS server.")}, "400", "https://"),
    "huge": ({"/v1/models": (200, {}, "x" * (9 << 20))}, "more than 8 MiB", "model server"),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "what", "fix"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_told_with_what_to_do(serve: Serve, answers: Answers, what: str, fix: str) -> None:
    with pytest.raises(EndpointError) as refused:
        discovery.ask(named(f"{serve(answers)}/v1"))
    assert what in refused.value.what
    assert fix in refused.value.fix
    assert refused.value.stage == "answer"


def test_a_key_that_is_refused_is_not_shown_even_where_the_server_echoes_it(serve: Serve) -> None:
    url = serve({"/v1/models": (401, {}, "you sent KEY")})
    with pytest.raises(EndpointError) as refused:
        discovery.ask(named(url, key="s3cr3t"))
    assert "you sent Bearer ***" in refused.value.what
    assert "mend MODEL_API_KEY" in refused.value.fix


@pytest.mark.parametrize("padding", [0, 280, 290])
def test_a_key_is_hidden_before_a_long_answer_is_cut(serve: Serve, padding: int) -> None:
    url = serve({"/v1/models": (401, {}, f"{'x' * padding} KEY")})
    with pytest.raises(EndpointError) as refused:
        discovery.ask(named(url, key="s3cr3t-and-long-enough-to-be-cut"))
    assert "s3c" not in refused.value.what


@pytest.fixture
def silent() -> Iterator[str]:
    """Take connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def test_a_server_that_never_answers_is_given_up(silent: str) -> None:
    with pytest.raises(EndpointError, match=r"not complete within 3 s") as refused:
        discovery.ask(named(silent), 3)
    assert refused.value.passing


def test_a_server_that_drips_is_given_up_too() -> None:
    """A timeout of the socket's own would begin anew with each byte."""
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        # Not for ever: the client may not get as far.
        server.settimeout(10)
        with contextlib.suppress(TimeoutError), server.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            with pytest.raises(EndpointError, match=r"not complete within 3 s"):
                discovery.ask(named(f"http://127.0.0.1:{server.getsockname()[1]}/v1"), 3)
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    ("url", "stage", "fix"),
    [
        ("http://no-such-name.invalid/v1", "name", "write the address"),
        ("http://printer.local.invalid.local/v1", "name", ".local"),
        ("http://localhost:9/v1", "connect", "http://host.docker.internal:9/v1"),
        ("http://127.0.0.1:9/v1", "connect", "http://host.docker.internal:9/v1"),
        ("http://0.0.0.0:9/v1", "connect", "http://host.docker.internal:9/v1"),
        ("http://LOCALHOST:9/v1", "connect", "http://host.docker.internal:9/v1"),
        ("http://[::1]:9/v1", "connect", "http://host.docker.internal:9/v1"),
    ],
)
def test_a_server_that_is_not_reached_is_told_by_how_far_it_came(url: str, stage: str, fix: str) -> None:
    with pytest.raises(EndpointError) as refused:
        discovery.ask(named(url), 60)
    assert refused.value.stage == stage
    assert fix in refused.value.fix


def test_an_engine_that_does_not_name_its_machine_is_told() -> None:
    url = "http://host.docker.internal:8000/v1"
    assert "--add-host" in failures.not_reached(named(url), url, socket.gaierror(), 5).fix


def test_tls_to_a_server_that_speaks_none(serve: Serve) -> None:
    url = serve({}).replace("http://", "https://")
    with pytest.raises(EndpointError, match="does not speak TLS") as refused:
        discovery.ask(named(url))
    assert refused.value.fix == "Write http:// in MODEL_URL."


def test_the_only_model_is_taken(serve: Serve) -> None:
    resolved = settle(
        named(serve({"/v1/models": listed("m", max_model_len=131072, owned_by="vllm")}), ModelSpec())
    )
    (provider,) = resolved.providers
    assert provider.models == (catalogue.Model("m", 131072, 32000, tools=True, vision=False),)
    assert resolved.roles == {"main": ("local", "m")}


def test_a_model_for_embeddings_is_not_meant(serve: Serve) -> None:
    resolved = settle(named(serve({"/v1/models": listed("text-embedding-x", "m")}), ModelSpec()))
    assert resolved.roles["main"] == ("local", "m")


@pytest.mark.parametrize("count", [2, 1000])
def test_several_models_are_listed_for_the_user_to_choose(serve: Serve, count: int) -> None:
    url = serve({"/v1/models": listed(*(f"model-{n}" for n in range(count)))})
    with pytest.raises(SandboxError, match="model-0, model-1") as refused:
        settle(named(url, ModelSpec()))
    assert refused.value.fix == "Set MODEL_ID to one of them."
    assert len(refused.value.what) < 1000
    assert count == 2 or "and 970 more" in refused.value.what
    assert settle(named(url, ModelSpec("model-1"))).roles["main"] == ("local", "model-1")


def test_an_id_that_is_not_served_is_told_with_those_that_are(serve: Serve) -> None:
    url = serve({"/v1/models": listed("qwen3.6-35b", "other")})
    with pytest.raises(
        SandboxError, match=r"MODEL_ID 'qwen3-35b' is not served .*: qwen3.6-35b, other"
    ) as refused:
        settle(named(url, ModelSpec("qwen3-35b")))
    assert "Did you mean qwen3.6-35b?" in refused.value.fix


@pytest.mark.parametrize(
    ("spec", "what", "fix"),
    [
        (
            ModelSpec(),
            "serves several models",
            "Name one in config/models.yml, servers.big.models, or in roles.",
        ),
        (ModelSpec("x"), "config/models.yml, servers.big.models: the id 'x' is not served", "letter by"),
        (
            ModelSpec("a", output=9999, tools=False),
            "no room for a prompt",
            "Set the output of a (config/models.yml, servers.big.models) to a quarter of it, or to nothing.",
        ),
    ],
)
def test_a_setting_of_the_file_is_called_by_its_place_there(
    serve: Serve, spec: ModelSpec, what: str, fix: str
) -> None:
    url = serve({"/v1/models": listed("a", "b", max_model_len=4096)})
    with pytest.raises(SandboxError) as refused:
        settle(named(url, spec, name="big"))
    assert what in refused.value.what
    assert fix in refused.value.fix


def test_ollama_takes_a_name_without_its_tag(serve: Serve) -> None:
    resolved = settle(named(serve({"/v1/models": listed("m:latest", "n:latest")}), ModelSpec("m")))
    assert resolved.roles["main"] == ("local", "m:latest")


def test_a_server_without_a_list_is_no_harm_where_the_id_is_set(serve: Serve) -> None:
    url = serve({})
    warned: list[str] = []
    resolved = settle(named(url, ModelSpec("m", 65536)), warned)
    assert resolved.providers[0].base == f"{url}/v1"
    assert resolved.providers[0].models[0].context == 65536
    assert "404" in warned[0]
    with pytest.raises(EndpointError, match="404"):
        settle(named(url, ModelSpec()))


@pytest.mark.parametrize(
    ("spec", "limit", "limits", "warning"),
    [
        (ModelSpec("m"), 40960, (40960, 10240), None),
        (ModelSpec("m"), None, (32768, 8192), "does not tell the context"),
        (ModelSpec("m", 65536), 40960, (40960, 10240), "only 40960"),
        (ModelSpec("m", 20000), 40960, (20000, 5000), None),
        (ModelSpec("m", 65536), None, (65536, 16384), None),
        (ModelSpec("m", output=100), 40960, (40960, 100), None),
        (ModelSpec("m"), 4096, (4096, 1024), "an agent's own prompt"),
        (ModelSpec("m", tools=False), 4096, (4096, 1024), None),
        (ModelSpec("m"), 1, (1, 1), "an agent's own prompt"),
    ],
)
def test_limits_are_settled(
    serve: Serve, spec: ModelSpec, limit: int | None, limits: tuple[int, int], warning: str | None
) -> None:
    warned: list[str] = []
    more = {} if limit is None else {"max_model_len": limit}
    resolved = settle(named(serve({"/v1/models": listed("m", **more)}), spec), warned)
    (model,) = resolved.providers[0].models
    assert (model.context, model.output) == limits
    assert [warning in text for text in warned] == [True] if warning else not warned


def test_an_output_that_the_server_has_no_room_for_is_refused(serve: Serve) -> None:
    with pytest.raises(SandboxError, match="no room for a prompt"):
        settle(
            named(
                serve({"/v1/models": listed("m", max_model_len=4096)}),
                ModelSpec("m", output=4096, tools=False),
            )
        )


def test_roles_pick_models_of_several_servers(serve: Serve) -> None:
    big = named(serve({"/v1/models": listed("a", "org/b", max_model_len=50000)}), name="big")
    small = named(serve({"/v1/models": listed("s", max_model_len=20000)}), name="small")
    roles = {"main": "big/org/b", "fast": "small", "vision": "big/a"}
    resolved = catalogue.resolve(ModelServers((big, small), roles), refuse, lambda *_: None)
    assert resolved.roles == {"main": ("big", "org/b"), "fast": ("small", "s"), "vision": ("big", "a")}
    assert [model.id for model in resolved.providers[0].models] == ["org/b", "a"]
    assert [model.vision for model in resolved.providers[0].models] == [False, True]


def test_the_role_makes_a_model_one_that_reads_images(serve: Serve) -> None:
    small = named(serve({"/v1/models": listed("vl")}), name="small")
    resolved = settle(small, vision="small")
    assert resolved.providers[0].models[0].vision


def test_a_role_of_a_server_that_is_not_described_is_refused() -> None:
    with pytest.raises(
        SandboxError, match=r"roles\.main: there is no server of the name in 'bigg/x'"
    ) as refused:
        settle(named("http://h", name="big"), main="bigg/x")
    assert "big" in refused.value.fix


def test_a_server_that_loads_is_asked_again_and_it_is_said(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "PAUSES", (0.0, 0.0))
    warned: list[str] = []
    with pytest.raises(EndpointError, match="503"):
        settle(named(serve({"/v1/models": (503, {}, "")}), ModelSpec()), warned)
    assert [text.rpartition(";")[2] for text in warned] == [
        " asking again in 0 s (2 of 3)",
        " asking again in 0 s (3 of 3)",
    ]


ATOMS = st.none() | st.booleans() | st.floats() | st.text() | st.integers()
NAMES = st.sampled_from(["id", "data", "meta", "max_model_len", "owned_by"])


@given(st.recursive(ATOMS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_any_answer_is_a_list_of_models_or_refused(content: Any) -> None:
    for answer in (content, {"data": content}, {"data": [content, {"id": "m", "max_model_len": content}]}):
        served = attempt(answer)
        if isinstance(served, EndpointError):
            assert served.fix
        else:
            assert all(isinstance(name, str) and name.isprintable() for name in served.entries)


def attempt(answer: Any) -> discovery.Listing | EndpointError:
    try:
        return discovery.read(named("http://h/v1"), "http://h/v1", answer)
    except EndpointError as error:
        return error


def test_an_error_of_a_server_is_one_short_line() -> None:
    assert failures.error_text('{"error": {"message": "a\\nb", "code": 1}}') == "a b"
    assert failures.error_text("<html>") == ""
    assert len(failures.error_text("x" * 10000)) == 300
