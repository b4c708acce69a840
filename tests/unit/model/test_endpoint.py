"""init/model/endpoint.py: answers that are nested so deeply that whoever walks through them falls."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from init.doctor import tool_call
from init.doctor.report import to_stdout
from init.model import completion, discovery, endpoint
from init.model.catalogue import Model, Provider
from init.model.failures import EndpointError
from init.model.servers import Origin, Server

ENTRY = Model("m", 32768, 8192, tools=True, vision=False)
LIST = '{"data": [{"id": "m"}]}'


def deep(levels: int) -> str:
    """Return JSON in which lists are in lists: what json.dumps itself could not write."""
    return "[" * levels + "]" * levels


# Where in which answer it is: the path and the answer around it.
PLACES = {
    "list": ("/v1/models", 200, "%s"),
    "owner": ("/v1/models", 200, '{"data": [{"id": "m", "owned_by": %s}]}'),
    "context": ("/v1/models", 200, '{"data": [{"id": "m", "max_model_len": %s}]}'),
    "props": ("/props", 200, '{"default_generation_settings": {"n_ctx": %s}}'),
    "refusal": ("/v1/chat/completions", 500, '{"error": {"message": %s}}'),
    "content": ("/v1/chat/completions", 200, 'data: {"choices": [{"delta": {"content": %s}}]}\n\n'),
    "thought": ("/v1/chat/completions", 200, 'data: {"choices": [{"delta": {"reasoning": %s}}]}\n\n'),
    "usage": ("/v1/chat/completions", 200, 'data: {"usage": {"completion_tokens": %s}}\n\n'),
    "error": ("/v1/chat/completions", 200, 'data: {"error": %s}\n\n'),
    "call": (
        "/v1/chat/completions", 200,
        'data: {"choices": [{"delta": {"tool_calls": [{"id": "1", "function": {"name": "add", "arguments":'
        ' %s}}]}, "finish_reason": "tool_calls"}]}\n\n',
    ),
}  # fmt: skip
Serve = Callable[[str, int, str], Provider]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one answer at a path, a list of models else."""
    answers: dict[str, tuple[int, str]] = {"/v1/models": (200, LIST)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text = answers.get(self.path, (404, "{}"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def start(path: str, status: int, text: str) -> Provider:
        answers[path] = (status, text)
        base = f"http://127.0.0.1:{server.server_port}/v1"
        return Provider(Server("local", base, "", "MODEL_API_KEY", "", Origin(), ()), "vLLM", base, (ENTRY,))

    yield start
    server.shutdown()
    thread.join()
    server.server_close()


def use(provider: Provider) -> None:
    """Do with a server what a start and the doctor do."""
    served = discovery.ask(provider.server)
    discovery.context_of(provider.server, served, "m")
    completion.converse(provider, ENTRY, [], None)
    tool_call.examine(to_stdout(as_json=True), provider, ENTRY)


@pytest.mark.parametrize("levels", [90, 500, 900, 3000, 100_000])
@pytest.mark.parametrize("place", PLACES)
def test_an_answer_that_is_nested_deeply_is_refused_or_passed_over(
    serve: Serve, place: str, levels: int
) -> None:
    path, status, around = PLACES[place]
    provider = serve(path, status, around % deep(levels))
    refused = ""
    try:
        use(provider)
    except EndpointError as error:
        refused = error.what
    if levels > endpoint.DEEPEST and place not in ("props", "refusal"):
        assert "is nested too deeply" in refused


@pytest.mark.parametrize("levels", [90, 900, 100_000])
def test_the_arguments_of_a_call_may_be_nested_too(serve: Serve, levels: int) -> None:
    """They come as text of the model's own."""
    path, status, around = PLACES["call"]
    provider = serve(path, status, around % json.dumps(deep(levels)))
    assert not tool_call.examine(to_stdout(as_json=True), provider, ENTRY)
