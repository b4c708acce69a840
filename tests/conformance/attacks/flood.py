"""Overload the gateway, in each way that is named; print how it ended, and whether it serves right after it.

python3 flood.py WAY...
"""

import contextlib
import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator

sys.path.append("/wall")  # where the folder of the tests is in a session

from tests.conformance.attacks.leave import question
from tests.conformance.attacks.leave_by_proxy import MODEL_PORT, PROXY_PORT, TLS_PORT

DNS = ("127.0.0.1", 53)
SERVED = 60.0
REQUEST = b"POST http://git.example.test/sink HTTP/1.1\r\nHost: git.example.test\r\n"
BLOCK = bytes(1 << 20)


def connected(port: tuple[str, int]) -> socket.socket | None:
    try:
        return socket.create_connection(port, 1.0)
    except OSError:
        return None


@contextlib.contextmanager
def open_connections(port: tuple[str, int], count: int, first: bytes) -> Iterator[list[socket.socket]]:
    held = []
    for _ in range(count):
        # What does not fit into the queue of the port would wait for a second each.
        if client := connected(port):
            with contextlib.suppress(OSError):
                client.sendall(first)
            held.append(client)
    try:
        yield held
    finally:
        for client in held:
            # Away at once, without a farewell: socket(7), SO_LINGER.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()


def connections() -> str:
    """Open 10,000 connections, 1,000 at a time, and say nothing."""
    ports = (PROXY_PORT, MODEL_PORT, TLS_PORT, DNS)
    made = 0
    for number in range(40):
        with open_connections(ports[number % 4], 250, b"") as held:
            made += len(held)
    return f"{made} connections"


def slow_writers() -> str:
    """Begin many heads, and go on with a byte at a time."""
    with open_connections(PROXY_PORT, 250, b"GET http://git.example.test/ HTTP/1.1\r\nX: ") as held:
        for _ in range(3):
            for client in held:
                with contextlib.suppress(OSError):
                    client.sendall(b"y")
            time.sleep(0.1)
    return f"{len(held)} slow writers"


def slow_readers() -> str:
    """Ask for much, and read nothing of it."""
    large = b"GET http://git.example.test/source HTTP/1.1\r\nHost: git.example.test\r\n\r\n"
    with open_connections(PROXY_PORT, 150, large) as held:
        time.sleep(3)
    return f"{len(held)} slow readers"


def a_head_without_an_end() -> str:
    """Send a head of 1 GB."""
    sent = 0
    with contextlib.suppress(OSError), socket.create_connection(PROXY_PORT, 30) as client:
        client.sendall(b"GET http://git.example.test/ HTTP/1.1\r\nX: ")
        for _ in range(1000):
            client.sendall(BLOCK.replace(b"\0", b"x"))
            sent += len(BLOCK)
    return f"{sent >> 20} MiB of a head"


def a_large_body(size: int) -> str:
    """Send a body, which goes to the server as it comes."""
    with socket.create_connection(PROXY_PORT, 300) as client:
        client.sendall(REQUEST + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(BLOCK)):
            client.sendall(BLOCK)
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    return answer.partition(b"\r\n\r\n")[2].decode()


def questions() -> str:
    """Ask for 20,000 names, and wait for no answer."""
    message = question("flood")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(20_000):
            client.sendto(message, DNS)
    return "20000 questions"


WAYS: dict[str, Callable[[], str]] = {
    "10,000 connections": connections,
    "slow writers": slow_writers,
    "slow readers": slow_readers,
    "a head of 1 GB": a_head_without_an_end,
    "a body of 1 GB": lambda: a_large_body(1000 << 20),
    "a body of 10 GB": lambda: a_large_body(10_000 << 20),
    "20,000 questions of names": questions,
}


def served(deadline: float) -> bool:
    """Tell whether a request is answered before that time."""
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(MODEL_PORT, 10) as client:
            client.sendall(b"GET /local/v1/models HTTP/1.1\r\n\r\n")
            if b" 200 " in client.recv(1 << 16):
                return True
        time.sleep(0.05)
    return False


def main() -> None:
    found = {}
    for way in sys.argv[1:]:
        try:
            told = WAYS[way]()
        except OSError as error:
            told = f"{type(error).__name__}: {error}"
        begun = time.monotonic()
        found[way] = [told, served(begun + SERVED), round(time.monotonic() - begun, 2)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
