"""A gateway as one writes it in an afternoon: it finds a host in what comes, and passes everything on.

    python3 naive_gateway.py NAMESERVER

It takes the place of ours to show that the attacks on ours are real.
"""

import contextlib
import os
import re
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

FOLDER = Path("/run/gateway") / os.environ["SANDBOX_GATEWAY"]
BLOCK = 1 << 16
PATIENCE = 5.0


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(BLOCK):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def relay(client: socket.socket, host: str, port: int, first: bytes) -> None:
    with socket.create_connection((host, port), PATIENCE) as server:
        server.sendall(first)
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        pump(server, client)


def proxy(client: socket.socket) -> None:
    """Take the first line as it may be meant."""
    head = client.recv(BLOCK)
    method, _, rest = head.partition(b"\n")[0].strip().partition(b" ")
    target = unquote(rest.rpartition(b" ")[0].decode("latin-1")).strip().replace("\\", "/").replace("\t", "")
    if method == b"CONNECT":
        authority = re.split(r"[/@#?\0\r\n]", target)[-1]
        host, _, port = authority.rpartition(":")
        client.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
        relay(client, host.partition(":")[0].strip("."), int(port) % 65536, head.partition(b"\r\n\r\n")[2])
        return
    named = re.findall(rb"(?im)^[ \t]*host[ \t]*:[ \t]*([^\s:/]+)", unquote_to_bytes(head))
    relay(client, named[-1].decode() if named else str(urlsplit(target).hostname), 80, head)


def model(client: socket.socket) -> None:
    server = urlsplit(os.environ["MODEL_URL"])
    key = f"\r\nAuthorization: Bearer {os.environ['MODEL_API_KEY']}\r\n\r\n".encode()
    first = client.recv(BLOCK).replace(b"\r\n\r\n", key, 1)
    relay(client, str(server.hostname), server.port or 80, first)


def tls(client: socket.socket) -> None:
    """Find what looks like a name; without one there is always the first on the list."""
    hello = client.recv(BLOCK)
    names = re.findall(rb"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]+", hello.lower())
    relay(client, names[-1].decode() if names else "git.example.test", 443, hello)


def dns(client: socket.socket) -> None:
    message = client.recv(BLOCK)[2:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.settimeout(PATIENCE)
        other.sendto(message, (sys.argv[1], 53))
        answer = other.recv(BLOCK)
    client.sendall(len(answer).to_bytes(2, "big") + answer)


def serve(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(FOLDER / name))
        (FOLDER / name).chmod(0o666)
        server.listen(500)
        while True:
            client, _ = server.accept()
            threading.Thread(target=handle, args=(name, client), daemon=True).start()


def handle(name: str, client: socket.socket) -> None:
    with client, contextlib.suppress(OSError, ValueError, UnicodeError, IndexError):
        client.settimeout(PATIENCE)
        {"proxy": proxy, "model": model, "tls": tls, "dns": dns}[name](client)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in ("proxy", "tls", "dns", "model"):
        threading.Thread(target=serve, args=(name,)).start()


if __name__ == "__main__":
    main()
