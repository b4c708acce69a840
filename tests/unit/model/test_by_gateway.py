"""init/model/by_gateway.py: answers of every form over a real socket, and what breaks off."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from init.model import by_gateway, endpoint
from init.model.failures import EndpointError
from init.model.servers import Origin, Server

Serve = Callable[[bytes], str]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Answer every request with these bytes, and end the connection; return the gateway's place."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "model"))
    listening.listen()
    said = [b""]

    def answer() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)
                connection.sendall(said[0])

    thread = threading.Thread(target=answer)
    thread.start()

    def start(data: bytes) -> str:
        said[0] = data
        return str(tmp_path)

    yield start
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


WHOLE = {
    "a length": (HEAD + b"content-length: 7\r\n\r\none\ntwo and more", b"one\ntwo"),
    "chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\non\r\n5\r\ne\ntwo\r\n0\r\n\r\n", b"one\ntwo"),
    "the connection's end": (HEAD + b"\r\none\ntwo", b"one\ntwo"),
    "nothing": (HEAD + b"content-length: 0\r\n\r\n", b""),
}


@pytest.mark.parametrize(("data", "body"), WHOLE.values(), ids=WHOLE)
def test_a_body_ends_where_it_says(serve: Serve, data: bytes, body: bytes) -> None:
    with by_gateway.answer(serve(data), "/") as answer:
        assert (answer.status, answer.headers["content-type"]) == (200, "text/plain")
        assert answer.read(1000) == body
    with by_gateway.answer(serve(data), "/") as answer:
        lines = list(iter(lambda: answer.readline(1000), b""))
    assert lines == body.splitlines(keepends=True)


BROKEN = {
    "no answer": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "another protocol": b"SSH-2.0-x\r\n\r\n",
    "a short body": HEAD + b"content-length: 7\r\n\r\none",
    "chunks without an end": HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n",
    "no chunk": HEAD + b"transfer-encoding: chunked\r\n\r\nmany\r\none\r\n",
    "a head without end": HEAD + b"".join(b"a%d: b\r\n" % number for number in range(1000)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_is_none(serve: Serve, data: bytes) -> None:
    with pytest.raises(ConnectionError), by_gateway.answer(serve(data), "/") as answer:
        answer.read(1000)


def test_a_gateway_that_hangs_is_told_from_a_server_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_GATEWAYS_OWN", 0.1)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "model"))
        # As a stopped process does: the kernel takes connections, and nobody answers.
        listening.listen()
        server = Server(
            "local", "http://m/v1", "", "MODEL_API_KEY", "", Origin(), (), via=str(tmp_path / "model")
        )
        with pytest.raises(EndpointError, match="the gateway does not answer") as told:
            endpoint.request(server, "http://m/v1/models", seconds=0.1)
    assert not told.value.passing


def test_asking_a_gateway_loads_no_tls_and_no_other_heavy_module() -> None:
    code = (
        "import init.programs.connect, sys;"
        "print({'ssl', 'http.client', 'urllib.request', 'asyncio', 'yaml', 'structlog', 'shutil', 'socket'}"
        " & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    run = [sys.executable, "-S", "-c", code]
    assert subprocess.run(run, cwd=root, check=True, capture_output=True, text=True).stdout == "set()\n"
