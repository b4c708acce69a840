"""What stands before llama.cpp: it passes everything on as it comes, and keeps each answer within the cap.

llama.cpp's own ``n_predict`` is only what holds where a request names nothing: a request that asks for more
gets more. A toy that is asked for 8,192 tokens rambles for minutes.
"""

import http.client
import json
import select
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

# Each way to ask llama.cpp for the length of an answer: its own, and those of the APIs that it speaks.
LENGTHS = ("n_predict", "max_tokens", "max_completion_tokens", "max_output_tokens")
LARGEST_REQUEST = 64 << 20
# What belongs to one connection and is made anew for the other; the length is known anew too.
OF_ONE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


def capped(body: bytes, cap: int) -> bytes:
    """Return a request with no length above the cap; what is no JSON object is for llama.cpp to refuse."""
    try:
        request = json.loads(body)
    except ValueError:
        return body
    if not isinstance(request, dict):
        return body
    for name in LENGTHS:
        # A negative length, or none, would be as long as the context.
        if name in request and not (isinstance(request[name], int | float) and 0 <= request[name] <= cap):
            request[name] = cap
    return json.dumps(request).encode()


class Front(ThreadingHTTPServer):
    """Listens for clients, and asks the server behind for each."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], behind: tuple[str, int], cap: int) -> None:
        super().__init__(address, Handler)
        self.behind = behind
        self.cap = cap

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that is gone; of anything else, where it was."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    server: Front
    # The name that BaseHTTPRequestHandler gives a method's handler.
    methods: ClassVar = ("do_DELETE", "do_GET", "do_HEAD", "do_OPTIONS", "do_POST")

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Handle each of llama.cpp's methods alike."""
        if name in self.methods:
            return self.pass_on
        raise AttributeError(name)

    def pass_on(self) -> None:
        """Ask the server behind, and give its answer back piece by piece."""
        length = int(self.headers.get("Content-Length", 0))
        if "Transfer-Encoding" in self.headers or not 0 <= length <= LARGEST_REQUEST:
            self.close_connection = True
            self.send_error(413, "a request has a Content-Length, of 64 MiB at most")
            return
        body = capped(self.rfile.read(length), self.server.cap)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in OF_ONE_CONNECTION}
        behind = http.client.HTTPConnection(*self.server.behind)
        try:
            behind.request(self.command, self.path, body or None, headers)
            if self.still_wanted(behind):
                self.give_back(behind.getresponse())
        except ConnectionError:
            self.close_connection = True
        finally:
            # llama.cpp stops an answer that nobody reads.
            behind.close()

    def still_wanted(self, behind: http.client.HTTPConnection) -> bool:
        """Wait for the answer to begin; tell whether the client is still there."""
        readable, _, _ = select.select([self.connection, behind.sock], [], [])
        return behind.sock in readable or self.connection.recv(1, socket.MSG_PEEK) != b""

    def give_back(self, answer: http.client.HTTPResponse) -> None:
        """Pass on a status, headers and a body, each piece of it when it is there."""
        self.send_response_only(answer.status, answer.reason)
        length = answer.headers["Content-Length"]
        for key, value in answer.headers.items():
            if key.lower() not in OF_ONE_CONNECTION:
                self.send_header(key, value)
        self.send_header(*("Transfer-Encoding", "chunked") if length is None else ("Content-Length", length))
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
        if length is None:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Leave the log to llama.cpp, which names every request."""
