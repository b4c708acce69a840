"""A server that tells what reached it: HTTP on 80 and 8080, TLS on 443 and 8443 with the certificate given.

    python3 destination.py CERTIFICATE KEY

GET and POST answer with what was received, as JSON. The path chooses another answer: /raw/NAME one of RAW,
/stream lines that come slowly, /flood bytes without end.
"""

import json
import socket
import ssl
import sys
import threading
import time
from typing import BinaryIO

RAW = {
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "none": b"",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "endless-head": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\nuntil the end",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n",
    "early": b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
}


def serve(port: int, context: ssl.SSLContext | None) -> None:
    server = socket.create_server(("", port), backlog=500)
    while True:
        connection, peer = server.accept()
        threading.Thread(target=answer, args=(connection, peer[0], context), daemon=True).start()


def answer(connection: socket.socket, peer: str, context: ssl.SSLContext | None) -> None:
    try:
        with context.wrap_socket(connection, server_side=True) if context else connection as plain:
            file = plain.makefile("rb")
            head = b"".join(iter(file.readline, b"\r\n"))
            path = head.split(b" ")[1].decode()
            if path.startswith("/raw/"):
                plain.sendall(RAW[path[5:]])
                return
            if path == "/flood":
                # Nothing is read of what comes.
                while True:
                    plain.sendall(bytes(1 << 20))
            if path == "/stream":
                stream(plain)
                return
            length = next((int(v) for n, v in fields(head) if n == "content-length"), 0)
            body = file.read(length) if length else chunks(file, head)
            print(json.dumps({"head": head.decode("latin-1"), "peer": peer}), flush=True)
            told = json.dumps(
                {"head": head.decode("latin-1"), "body": len(body), "end": body[-20:].decode("latin-1")}
            )
            plain.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n{told}".encode())
    except (OSError, IndexError):
        return


def fields(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode("latin-1").split("\r\n")[1:-1]
    return [(line.partition(":")[0].lower(), line.partition(":")[2].strip()) for line in lines]


def chunks(file: BinaryIO, head: bytes) -> bytes:
    if b"chunked" not in head.lower():
        return b""
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body


def stream(plain: socket.socket) -> None:
    """Send a line each 50 ms, until nobody takes it; then say so."""
    plain.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        for number in range(2000):
            line = b"data: %d\n\n" % number
            plain.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            time.sleep(0.05)
    except OSError:
        print(json.dumps({"left": True}), flush=True)


def main() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    for port, trust in ((80, None), (8080, None), (443, context), (8443, context)):
        threading.Thread(target=serve, args=(port, trust)).start()


if __name__ == "__main__":
    main()
