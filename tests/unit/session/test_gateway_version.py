"""init/session/gateway_version.py: a gateway of another version, and one that hangs, by a real socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from init import paths
from init.errors import SandboxError
from init.session import gateway_version

Serve = Callable[[bytes | None], str]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Answer with these bytes, or never; return the gateway's place."""
    (tmp_path / "VERSION").write_text("1.2.3\n")
    monkeypatch.setattr(paths, "VERSION", str(tmp_path / "VERSION"))
    monkeypatch.setattr(gateway_version, "_ANSWERING", 0.2)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "model"))
    listening.listen()
    threads = []

    def answer(data: bytes) -> None:
        with listening.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(data)

    def start(data: bytes | None) -> str:
        if data is not None:
            threads.append(threading.Thread(target=answer, args=(data,)))
            threads[-1].start()
        return str(tmp_path)

    yield start
    for thread in threads:
        thread.join()
    listening.close()


def test_a_gateway_of_the_same_image_is_taken(serve: Serve) -> None:
    gateway_version.require(serve(b'HTTP/1.1 200 OK\r\n\r\n{"version": "1.2.3"}'))


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"version": "1.2.2"}', "1.2.2"),
        (b'HTTP/1.1 403 Refused\r\n\r\n{"error": "there is no model server"}', "unknown"),
        (b"", "unknown"),
    ],
)
def test_a_gateway_of_another_image_is_told_with_both_versions(
    serve: Serve, answer: bytes, version: str
) -> None:
    with pytest.raises(SandboxError, match=f"of version {version}, and this session's of 1.2.3"):
        gateway_version.require(serve(answer))


def test_a_gateway_that_hangs_is_not_waited_for_without_end(serve: Serve) -> None:
    # A stopped process's socket takes connections: the kernel does that.
    with pytest.raises(SandboxError, match="does not answer"):
        gateway_version.require(serve(None))
