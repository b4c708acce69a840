"""What the gateway costs: time of a request, of a stream's events, throughput both ways, and its memory.

    python benchmarks/egress.py [--rounds 200] [--mebibytes 512] [--image IMAGE]

Three containers: a server, a gateway as compose.yml has it, and a client that reaches the server directly, by
the gateway's socket, and by the link and the gateway, as programs of a session do. The ways take turns, so
that all share the machine's moods; compare ratios. This file is the server and the client as well, --inside.
Memory is what the kernel counts for the gateway's container without its page cache, with connections whose
readers are slow, so that all that may be on its way is on its way.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SUBJECT = os.environ.get("SANDBOX_IMAGE", "agentic-sandbox:latest")
PROGRAM = ["/usr/bin/python3", "-I", "/bench/egress.py", "--inside"]
HOST, PORT = "server.test", 8000
POLICY = f"allow: [{{host: '{HOST}:{PORT}', private: true, tls: false}}]\n"
EVENTS, PAUSE = 100, 0.005  # of a stream, seconds between two
BLOCK = bytes(1 << 20)
WAYS = ("direct", "gateway", "link, gateway")
LINK = {"model": 21001, "proxy": 21002}
HELD = (100, 200)  # connections with slow readers; it takes no more than 200


def main() -> None:
    """Print the tables, or play a part."""
    parser = argparse.ArgumentParser(description="Measure the gateway.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--mebibytes", type=int, default=512)
    parser.add_argument("--image", default=SUBJECT)
    parser.add_argument("--inside", choices=["serve", "ask", "hold"])
    parser.add_argument("--count", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.inside == "serve":
        serve()
    elif arguments.inside == "ask":
        ask(arguments.rounds, arguments.mebibytes << 20)
    elif arguments.inside == "hold":
        hold(arguments.count)
    else:
        measure(arguments.image, arguments.rounds, arguments.mebibytes)


# Outside.


def docker(*words: str) -> str:
    """Return what the engine prints."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def measure(image: str, rounds: int, mebibytes: int) -> None:
    """Have the three containers, and print what the client found and what the gateway's kernel counts."""
    mark = f"benchmark-{os.getpid()}"
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        (Path(name) / "egress.yml").write_text(POLICY)
        Path(name).chmod(0o755)
        bench = f"--volume={Path(__file__).parent}:/bench:ro"
        docker("network", "create", mark)
        stack.callback(docker, "network", "rm", mark)
        docker("volume", "create", mark)
        stack.callback(docker, "volume", "rm", mark)
        options = ["--detach", "--rm", f"--network={mark}", bench]

        def start(*words: str) -> str:
            container = docker("run", *options, *words)
            stack.callback(docker, "rm", "--force", container)
            return container

        start(f"--network-alias={HOST}", f"--entrypoint={PROGRAM[0]}", image, *PROGRAM[1:], "serve")
        gateway = start(
            "--memory=128m", "--memory-swap=128m", "--cap-drop=ALL", "--read-only", "--ulimit=nofile=4096",
            "--env=EGRESS=list", f"--env=MODEL_URL=http://{HOST}:{PORT}/v1", f"--volume={mark}:/run/gateway",
            f"--volume={name}:/etc/sandbox/config:ro", "--entrypoint=sandbox-gateway", image,
        )  # fmt: skip
        while "ready" not in docker("logs", gateway):
            pass
        print(f"gateway: {resident(gateway):.1f} MiB when it has started")
        client = start(
            f"--volume={mark}:/run/gateway:ro", "--env=SANDBOX_GATEWAY=default", "--entrypoint=sleep",
            image, "infinity",
        )  # fmt: skip
        asked = [*PROGRAM, "ask", f"--rounds={rounds}", f"--mebibytes={mebibytes}"]
        before = processor(gateway)
        show(json.loads(docker("exec", client, *asked).splitlines()[-1]))
        print(f"\ngateway: {processor(gateway) - before:.2f} s of a processor, {resident(gateway):.1f} MiB")
        for count in HELD:
            with held(client, count):
                print(f"gateway: {resident(gateway):.1f} MiB with {count} full tunnels")


@contextlib.contextmanager
def held(client: str, count: int) -> Iterator[None]:
    """Have so many tunnels that are full in both directions."""
    command = ["docker", "exec", "--interactive", client, *PROGRAM, "hold", f"--count={count}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if not process.stdin or not process.stdout or not process.stdout.readline():
            raise SystemExit("the tunnels cannot be held: was the gateway out of memory?")
        yield
        process.stdin.write(b"\n")
        process.stdin.close()


def resident(container: str) -> float:
    """Return the MiB of a container that are no page cache."""
    text = docker("exec", container, "cat", "/sys/fs/cgroup/memory/memory.stat")
    figures = dict(line.split() for line in text.splitlines())
    return int(figures.get("rss") or figures["anon"]) / (1 << 20)


def processor(container: str) -> float:
    """Return the seconds for which all processes of a container had a processor."""
    stat = docker("exec", container, "cat", "/proc/1/stat").rpartition(")")[2].split()
    inner = docker("exec", container, "cat", "/proc/1/task/1/children").split()[0]
    child = docker("exec", container, "cat", f"/proc/{inner}/stat").rpartition(")")[2].split()
    # utime and stime: proc_pid_stat(5)
    return sum(int(fields[number]) for fields in (stat, child) for number in (11, 12)) / os.sysconf(
        "SC_CLK_TCK"
    )


def show(found: dict[str, dict[str, list[float]]]) -> None:
    """Print a table for each figure."""
    for figure, ways in found.items():
        floor = statistics.median(ways["direct"])
        print(f"\n{figure:32} {'median':>9} {'min to max':>20} {'more':>8} {'ratio':>7}")
        for way, values in ways.items():
            middle = statistics.median(values)
            spread = f"{min(values):.2f} to {max(values):.2f}"
            print(f"{way:32} {middle:9.2f} {spread:>20} {middle - floor:8.2f} {middle / floor:7.2f}")


# The server.


def serve() -> None:
    """Answer /v1/models, stream events, send and take bytes without end."""
    with socket.create_server(("", PORT), backlog=512) as listening:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    """Serve one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(OSError), connection:
        head = b""
        while b"\n" not in head:
            head += connection.recv(65536)
        target = head.split()[1]
        if target.endswith(b"/models"):
            body = b'{"object": "list", "data": [{"id": "m", "object": "model"}]}'
            fields = b"Content-Type: application/json\r\nContent-Length: %d" % len(body)
            connection.sendall(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (fields, body))
        elif target.endswith(b"/completions"):
            stream(connection)
        elif target in (b"/down", b"/hold"):
            # It reads nothing.
            while True:
                connection.sendall(BLOCK)
        else:
            while connection.recv(1 << 20):
                pass


def stream(connection: socket.socket) -> None:
    """Send events, each with the time at which it is sent."""
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(EVENTS):
        time.sleep(PAUSE)
        event = b"data: %d\n\n" % time.monotonic_ns()
        connection.sendall(b"%x\r\n%s\r\n" % (len(event), event))
    connection.sendall(b"0\r\n\r\n")


# The client.


def connected(way: str, name: str) -> socket.socket:
    """Return a connection to the server, or to one of the gateway's sockets."""
    if way == "direct":
        connection = socket.create_connection((HOST, PORT))
    elif way == "gateway":
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"/run/gateway/default/{name}")
        return connection
    else:
        connection = socket.create_connection(("127.0.0.1", LINK[name]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def asked(way: str, method: bytes, path: bytes) -> socket.socket:
    """Return a connection on which a request of the model server was sent."""
    connection = connected(way, "model")
    prefix = b"" if way == "direct" else b"/local"
    fields = b"Host: server.test\r\nContent-Length: 0\r\nConnection: close\r\n"
    connection.sendall(b"%s %s%s HTTP/1.1\r\n%s\r\n" % (method, prefix, path, fields))
    return connection


def request(way: str) -> float:
    """Return the ms of a request on a new connection, to its end."""
    begun = time.perf_counter()
    with asked(way, b"GET", b"/v1/models") as connection:
        data = b""
        while b'"model"}]}' not in data:
            part = connection.recv(65536)
            if not part:
                raise SystemExit(f"{way}: {data!r}")
            data += part
    return (time.perf_counter() - begun) * 1000


def delay(way: str) -> float:
    """Return the median ms from the sending of an event to its arrival."""
    delays: list[float] = []
    with asked(way, b"POST", b"/v1/chat/completions") as connection, connection.makefile("rb") as lines:
        events = filter(lambda line: line.startswith(b"data: "), lines)
        delays.extend((time.monotonic_ns() - int(line[6:])) / 1e6 for line in events)
    if len(delays) != EVENTS:
        raise SystemExit(f"{way}: {len(delays)} events")
    return statistics.median(delays)


def tunnel(way: str, path: bytes) -> socket.socket:
    """Return a connection to the server, through CONNECT where there is something in between."""
    connection = connected(way, "proxy")
    if way != "direct":
        connection.sendall(b"CONNECT %s:%d HTTP/1.1\r\n\r\n" % (HOST.encode(), PORT))
        answer = connection.recv(65536)
        if b"x-egress-reason: busy" in answer:
            # It is still at ending those of the round before.
            connection.close()
            time.sleep(0.1)
            return tunnel(way, path)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"{way}: {answer!r}")
    connection.sendall(b"GET %s HTTP/1.1\r\n" % path)
    return connection


def down(way: str, size: int) -> float:
    """Return the MB/s of what comes."""
    with tunnel(way, b"/down") as connection:
        block, left, begun = bytearray(1 << 20), size, time.perf_counter()
        while left > 0:
            left -= connection.recv_into(block)
        return size / (time.perf_counter() - begun) / 1e6


def up(way: str, size: int) -> float:
    """Return the MB/s of what goes, until the server has ended the connection behind all of it."""
    with tunnel(way, b"/up") as connection:
        begun = time.perf_counter()
        for _ in range(size // len(BLOCK)):
            connection.sendall(BLOCK)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        return size / (time.perf_counter() - begun) / 1e6


def ask(rounds: int, size: int) -> None:
    """Measure each way in turn; print all figures as JSON."""
    figures: dict[str, tuple[Callable[[str], float], int]] = {
        "a request, ms": (request, rounds),
        "an event of a stream, ms": (delay, 5),
        "down, MB/s": (lambda way: down(way, size), 5),
        "up, MB/s": (lambda way: up(way, size), 5),
    }
    with link():
        found: dict[str, dict[str, list[float]]] = {}
        for figure, (act, count) in figures.items():
            found[figure] = {way: [] for way in WAYS}
            for _ in range(count):
                for way in WAYS:
                    found[figure][way].append(act(way))
    print(json.dumps(found))


@contextlib.contextmanager
def link() -> Iterator[None]:
    """Have the link, as PID 1 starts it."""
    ports = {name: socket.create_server(("127.0.0.1", port), backlog=512) for name, port in LINK.items()}
    words = [f"{port.fileno()}={name}" for name, port in ports.items()]
    descriptors = [port.fileno() for port in ports.values()]
    with subprocess.Popen(["/usr/local/bin/sandbox-link", *words], pass_fds=descriptors) as process:
        yield
        process.kill()


def hold(count: int) -> None:
    """Have so many tunnels whose two ends read nothing, and write until nobody takes any more."""
    connections = [tunnel("gateway", b"/hold") for _ in range(count)]
    for connection in connections:
        connection.setblocking(False)
    taken = -1
    while taken:
        taken = 0
        time.sleep(0.5)
        for connection in connections:
            with contextlib.suppress(BlockingIOError):
                taken += connection.send(BLOCK)
    print("full", flush=True)
    input()


if __name__ == "__main__":
    main()
