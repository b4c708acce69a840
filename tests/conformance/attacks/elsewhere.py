"""What is elsewhere: a name server, web servers, a model server. All that reaches it is a line of JSON.

    python3 elsewhere.py FACTS

FACTS are JSON: `ports`, on which TCP and UDP are taken, 0 for any; `names`, each with answers in turn,
each of them a list of addresses, where OUTSIDE and INSIDE are our own; `public`, the begin of the one that is
outside, which is the answer for every other name. The first line printed has our addresses and ports.
"""

import base64
import contextlib
import gzip
import json
import re
import socket
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from itertools import cycle, pairwise
from pathlib import Path

DNS, A, AAAA = 53, 1, 28
PATIENCE = 5.0
# The ports of the clients that are not told yet.
BUSY: list[int] = []


def tell(**facts: object) -> None:
    """Print a line, in one piece."""
    print(json.dumps(facts) + "\n", end="", flush=True)


def addresses() -> list[str]:
    """Return the addresses of this machine; proc(5) shows the local ones as host routes."""
    lines = Path("/proc/net/fib_trie").read_text(encoding="ascii").splitlines()
    found = {line.split()[-1] for line, kind in pairwise(lines) if "/32 host LOCAL" in kind}
    with contextlib.suppress(FileNotFoundError):
        for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
            digits, *_, device = line.split()
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))
            found.add(f"{address}%{device}" if address.startswith("fe80") else address)
    return sorted(found)


# What is sent here is text, or has the marks of the attacks in it as text.


def take(connection: socket.socket, port: int) -> None:
    """Tell what a client sends until it waits, and answer. Who says that it is the last one is told last."""
    BUSY.append(port)
    with connection, contextlib.suppress(OSError):
        local, peer = connection.getsockname()[0], connection.getpeername()[0]
        connection.settimeout(PATIENCE)
        data = b""
        with contextlib.suppress(TimeoutError):
            while len(data) < 1 << 18 and (part := connection.recv(1 << 16)):
                data += part
                if data.startswith(LARGE):
                    exchange(connection, data)
                    break
                connection.settimeout(0.3)
        while data.startswith(b"last") and len(BUSY) > 1:
            time.sleep(0.01)
        tell(port=port, local=local, peer=peer, data=data.decode("latin-1"))
        connection.settimeout(PATIENCE)
        connection.sendall(answer(data))
    BUSY.remove(port)


def answer(data: bytes) -> bytes:
    """Return an answer of HTTP; /to/NAME redirects to NAME, which is written backwards: no mark is in it."""
    target = data.split(b" ")[1] if data.count(b" ") > 1 else b""
    _, found, form = target.partition(b"echo=")
    if found:
        return echoed(form.decode(), re.findall(rb"(?im)^authorization:[ \t]*(.*?)\r?$", data)[-1].decode())
    _, found, name = target.rpartition(b"to/")
    if found:
        return b"HTTP/1.1 302 Found\r\nLocation: http://%s/\r\nContent-Length: 0\r\n\r\n" % name[::-1]
    return b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Type: text/plain\r\n\r\nelsewhere\n"


# Large bodies, of which nothing is kept.
LARGE = (b"POST /sink ", b"GET /source ")


def exchange(connection: socket.socket, head: bytes) -> None:
    """Take a body and tell how long it was, or send one of 1 GiB."""
    connection.settimeout(60)
    if head.startswith(LARGE[1]):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
        for _ in range(1 << 10):
            connection.sendall(bytes(1 << 20))
        return
    length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
    taken, block = len(head.partition(b"\r\n\r\n")[2]), bytearray(1 << 20)
    while taken < length and (count := connection.recv_into(block)):
        taken += count
    told = b"%d bytes" % taken
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda text: json.dumps({"error": text}).replace("/", "\\/"),
    "in JSON, all escaped": lambda text: "".join(f"\\u{ord(c):04x}" if not c.isalnum() else c for c in text),
    "in a URL": lambda text: urllib.parse.quote(text, safe=""),
    "in a URL, in lower case": lambda text: re.sub(
        "%..", lambda m: m[0].lower(), urllib.parse.quote(text, safe="")
    ),
    "in HTML": lambda text: "".join(f"&#x{ord(c):X};" if not c.isalnum() else c for c in text),
    "in base64": lambda text: base64.b64encode(text.partition(" ")[2].encode()).decode(),
    "in base64 with what stands before it": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(f"a{text}".encode()).decode(),
    "in hexadecimal": lambda text: text.encode().hex(),
}
HEADS = {
    "in a field": "HTTP/1.1 401 No\r\nX-Was: {}\r\nContent-Length: 0\r\n\r\n",
    "in the reason": "HTTP/1.1 401 Not {}\r\nContent-Length: 0\r\n\r\n",
    "in a redirection": "HTTP/1.1 302 Found\r\nLocation: /?k={}\r\nContent-Length: 0\r\n\r\n",
    "in a cookie": "HTTP/1.1 200 OK\r\nSet-Cookie: k={}\r\nContent-Length: 0\r\n\r\n",
    "in a trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Was: {}\r\n\r\n",
    "in an extension of a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;x={}\r\n\r\n",
    "in an early answer": "HTTP/1.1 103 Early {0}\r\nX-Was: {0}\r\n\r\nHTTP/1.1 204 OK\r\n\r\n",
}
BODIES = ("in chunks of one byte", "compressed", "compressed, which is not said")
FORMS = (*WRITTEN, *HEADS, *BODIES)


def echoed(name: str, text: str) -> bytes:
    """Return an answer that tells the key of the request."""
    form = urllib.parse.unquote(name)
    if form in HEADS:
        return HEADS[form].format(text).encode()
    if form == "in chunks of one byte":
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in text.encode())
        return b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    coding = b"Content-Encoding: gzip\r\n" if form == "compressed" else b""
    body = gzip.compress(text.encode()) if form.startswith("compressed") else WRITTEN[form](text).encode()
    return b"HTTP/1.1 401 No\r\n%sContent-Length: %d\r\n\r\n%s" % (coding, len(body), body)


def serve(server: socket.socket) -> None:
    port = server.getsockname()[1]
    while True:
        connection, _ = server.accept()
        worker = answer_names if port == DNS else take
        threading.Thread(target=worker, args=(connection, port), daemon=True).start()


def datagrams(server: socket.socket) -> None:
    port = server.getsockname()[1]
    while True:
        data, peer = server.recvfrom(1 << 16)
        if port == DNS:
            server.sendto(named(data), peer)
        else:
            tell(port=port, peer=peer[0], data=data.decode("latin-1"))


def echoes() -> None:
    """Tell what comes by ping."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as server:
        while True:
            data, peer = server.recvfrom(1 << 16)
            tell(port="icmp", peer=peer[0], data=data.decode("latin-1"))


# The name server.

# By name and kind.
TURNS: dict[tuple[str, int], Iterator[list[str]]] = {}
OTHERWISE: list[str] = []


def answer_names(connection: socket.socket, _port: int) -> None:
    with connection, contextlib.suppress(OSError), connection.makefile("rb") as file:
        connection.settimeout(PATIENCE)
        while len(length := file.read(2)) == 2:
            message = named(file.read(int.from_bytes(length, "big")))
            connection.sendall(len(message).to_bytes(2, "big") + message)


def named(message: bytes) -> bytes:
    """Tell which name is asked for, and return its addresses, which are good for no second."""
    labels, at = [], 12
    while at < len(message) and 0 < message[at] < 64:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    name, kind = ".".join(labels).lower(), int.from_bytes(message[at + 1 : at + 3], "big")
    tell(port=DNS, asked=name, kind=kind, data=message.decode("latin-1"))
    texts = next(TURNS[name, kind]) if (name, kind) in TURNS else OTHERWISE
    family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
    fitting = [text for text in texts if kind in (A, AAAA) and (":" in text) == (kind == AAAA)]
    packed = [socket.inet_pton(family, text) for text in fitting]
    records = b"".join(
        b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\x01\0\0\0\0" + len(data).to_bytes(2, "big") + data
        for data in packed
    )
    counts = b"\0\x01" + len(packed).to_bytes(2, "big") + bytes(4)
    return message[:2] + b"\x81\x80" + counts + message[12 : at + 5] + records


def main() -> None:
    facts = json.loads(sys.argv[1])
    own = addresses()
    outside = next((address for address in own if address.startswith(facts["public"])), "")
    inside = next((a for a in own if ":" not in a and not a.startswith((facts["public"], "127."))), "")
    OTHERWISE.append(outside)
    for name, turns in facts.get("names", {}).items():
        real = [[one.replace("OUTSIDE", outside).replace("INSIDE", inside) for one in turn] for turn in turns]
        TURNS.update({(name, kind): cycle(real) for kind in (A, AAAA)})
    ports = []
    for port in facts["ports"]:
        server = socket.create_server(("", port), backlog=500)
        ports.append(server.getsockname()[1])
        packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        packets.bind(("", ports[-1]))
        threading.Thread(target=serve, args=(server,)).start()
        threading.Thread(target=datagrams, args=(packets,)).start()
    threading.Thread(target=echoes, daemon=True).start()
    tell(addresses=own, outside=outside, inside=inside, ports=ports)


if __name__ == "__main__":
    main()
