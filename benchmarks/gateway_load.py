"""What one gateway of a cluster carries: streams, tokens and requests a second; and how it refuses more.

    python benchmarks/gateway_load.py [--seconds 4] [--memory 128m] [--image IMAGE]

Three containers: a model server that streams one token an event, as vLLM does, a gateway as deploy/kubernetes
has it (128 MiB, at an address, with a key), and a client, which reaches the server directly and by the
gateway. Both ways take turns. The client has 100 addresses, for a gateway sees each pod's own.

Each event has the time at which it was sent, so that its delay is known. The client stands in the gateway's
process namespace: there it reads what the gateway took of a processor. It and the server say what they took
themselves; and where the direct way delivers what was offered, it is not they who are slow. This file is the
server and the client as well, --inside.
"""

import argparse
import array
import contextlib
import fcntl
import heapq
import json
import os
import re
import select
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

SUBJECT = os.environ.get("SANDBOX_IMAGE", "agentic-sandbox:latest")
PROGRAM = ["/usr/bin/python3", "-I", "/bench/gateway_load.py", "--inside"]
HOST, PORT, MODEL = "server.test", 8000, 21001
KEY = "sk-benchmark-0123456789abcdef0123456789abcdef"
STREAMS, RATES, WAYS = (1, 10, 50, 100, 200), (50, 100), ("direct", "gateway")
AT_ONCE = (1, 10, 50)  # requests
TOO_MANY = 260  # streams: more than it takes
ADDRESSES = 100
# An event of vLLM's, the time it was sent in the place of "created".
EVENT = (
    b'data: {"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":%d,'
    b'"model":"qwen3.6-35b","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,'
    b'"finish_reason":null,"token_ids":null}]}\n\n'
)
CREATED = re.compile(rb'"created":(\d+)')
# ioctl(2), netdevice(7): an address and a netmask; a struct ifreq has 40 bytes.
SIOCSIFADDR, SIOCGIFADDR, IFREQ = 0x8916, 0x8915, struct.Struct("16sHH4s16x")

Figures = dict[str, float]


def main() -> None:
    """Print the tables, or play a part."""
    parser = argparse.ArgumentParser(description="Measure what one gateway carries.")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--memory", default="128m", help="the gateway's limit")
    parser.add_argument("--image", default=SUBJECT)
    parser.add_argument("--inside", choices=["serve", "ask"])
    parser.add_argument("--gateway", default="")
    arguments = parser.parse_args()
    if arguments.inside == "serve":
        serve()
    elif arguments.inside == "ask":
        ask(arguments.gateway, arguments.seconds)
    else:
        measure(arguments.image, arguments.seconds, arguments.memory)


# Outside.


def docker(*words: str) -> str:
    """Return what the engine prints."""
    # What a container writes to stderr comes as that.
    done = subprocess.run(
        ["docker", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout.strip()


def measure(image: str, seconds: float, limit: str) -> None:
    """Have the three containers, and print what the client tells."""
    mark = f"benchmark-{os.getpid()}"
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        (Path(name) / "model.key").write_text(KEY)
        Path(name).chmod(0o755)
        docker("network", "create", "--internal", mark)
        stack.callback(docker, "network", "rm", mark)
        options = ["--detach", "--rm", f"--network={mark}", f"--volume={Path(__file__).parent}:/bench:ro"]

        def start(*words: str) -> str:
            container = docker("run", *options, *words)
            stack.callback(docker, "rm", "--force", container)
            return container

        start(f"--network-alias={HOST}", f"--entrypoint={PROGRAM[0]}", image, *PROGRAM[1:], "serve")
        gateway = start(
            f"--memory={limit}", f"--memory-swap={limit}", "--cap-drop=ALL", "--read-only",
            "--user=65534:65534", "--ulimit=nofile=4096", "--env=EGRESS=model", f"--env=MODEL_URL=http://{HOST}:{PORT}/v1",
            "--env=MODEL_API_KEY_FILE=model.key", f"--volume={name}:/etc/sandbox/keys:ro",
            "--entrypoint=/bin/sh", image, "-c", "SANDBOX_GATEWAY=tcp:$(hostname -i) exec sandbox-gateway",
        )  # fmt: skip
        while "ready" not in docker("logs", gateway):
            pass
        address = docker("exec", gateway, "hostname", "-i")
        print(f"gateway: {resident(gateway):.1f} MiB when it has started")
        command = [
            "docker", "run", "--rm", "--interactive", f"--network={mark}", f"--pid=container:{gateway}",
            "--cap-add=NET_ADMIN", "--user=0", "--ulimit=nofile=4096", options[-1],
            f"--entrypoint={PROGRAM[0]}", image, *PROGRAM[1:], "ask", f"--gateway={address}",
            f"--seconds={seconds}",
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            told(process, gateway)
        killed = docker("logs", gateway).count("was ended by signal")
        print(f"gateway: killed for want of memory, and started again: {killed}")


def told(process: "subprocess.Popen[str]", gateway: str) -> None:
    """Print what the client says, and where it asks for it, the gateway's memory."""
    if not process.stdin or not process.stdout:
        raise AssertionError
    for line in process.stdout:
        if line == "memory?\n":
            process.stdin.write(f"{resident(gateway):.1f}\n")
            process.stdin.flush()
        else:
            print(line, end="", flush=True)


def resident(container: str) -> float:
    """Return the MiB of a container that are no page cache: its processes, and what is in its sockets."""
    text = docker("exec", container, "cat", "/sys/fs/cgroup/memory/memory.stat")
    figures = dict(line.split() for line in text.splitlines())
    return int(figures.get("rss") or figures["anon"]) / (1 << 20)


# The server.


def serve() -> None:
    """Answer requests for the models, and stream tokens at the rate that is asked for."""
    streams = Streams()
    threading.Thread(target=streams.run, daemon=True).start()
    with socket.create_server(("", PORT), backlog=512) as listening:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=answer, args=(connection, streams), daemon=True).start()


class Streams:
    """All streams of the server: one thread sends each event when its time has come."""

    def __init__(self) -> None:
        self.count = 0
        self._due: list[tuple[float, int, float, socket.socket]] = []
        self._lock = threading.Lock()

    def add(self, connection: socket.socket, rate: float) -> None:
        """Send events on a connection, until it is closed."""
        connection.setblocking(False)
        # Streams of a server do not keep step.
        first = time.monotonic() + (connection.fileno() * 0.618 % 1) / rate
        with self._lock:
            self.count += 1
            heapq.heappush(self._due, (first, connection.fileno(), 1 / rate, connection))

    def run(self) -> None:
        """Send, for ever."""
        while True:
            now = time.monotonic()
            with self._lock:
                is_due = bool(self._due) and self._due[0][0] <= now
                due = heapq.heappop(self._due) if is_due else None
                pause = min(self._due[0][0] - now, 0.001) if self._due else 0.001
            if not due:
                time.sleep(max(pause, 0))
                continue
            when, number, interval, connection = due
            event = EVENT % time.monotonic_ns()
            try:
                connection.send(b"%x\r\n%s\r\n" % (len(event), event))
            except BlockingIOError:
                pass  # the reader is slow: what it misses is not delivered
            except OSError:
                self.count -= 1
                connection.close()
                continue
            with self._lock:
                heapq.heappush(self._due, (when + interval, number, interval, connection))


def answer(connection: socket.socket, streams: Streams) -> None:
    """Serve one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        if head.split()[1].endswith(b"/completions"):
            rate = float(head.partition(b"\r\n\r\n")[2] or connection.recv(64))
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            streams.add(connection, rate)
            return
        body = b'{"object":"list","data":[{"id":"m","object":"model"}],"processor":%f,"streams":%d}' % (
            time.process_time(), streams.count,
        )  # fmt: skip
        fields = b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close" % len(body)
        connection.sendall(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (fields, body))
        connection.close()


# The client.


class Load:
    """What the client asks, and by which way.

    Args:
        gateway: its address.
        seconds: for which each figure is measured.
    """

    def __init__(self, gateway: str, seconds: float) -> None:
        self._gateway, self._seconds = gateway, seconds
        self._own = addresses()

    def opened(self, way: str, number: int, request: bytes) -> socket.socket:
        """Return a connection, from one of the client's addresses, on which a request was sent."""
        place = (HOST, PORT) if way == "direct" else (self._gateway, MODEL)
        connection = socket.create_connection(place, source_address=(self._own[number % ADDRESSES], 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request.replace(b" /", b" /" if way == "direct" else b" /local/", 1))
        return connection

    def stream(self, way: str, number: int, rate: int) -> socket.socket:
        """Return a stream, whose answer nobody has read yet."""
        body = b"%d" % rate
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s"
        return self.opened(way, number, head % (len(body), body))

    def streams(self, way: str, count: int, rate: int) -> Figures:
        """Have so many streams at once, and measure."""
        connections = [self.stream(way, number, rate) for number in range(count)]
        events = Events(connections)
        while events.waited_for:
            events.read(None)
        with spent(self, way) as took:
            delays: array.array[float] = array.array("d")
            end = time.monotonic() + self._seconds
            while time.monotonic() < end:
                events.read(delays)
        took["memory"] = memory() if way == "gateway" else 0
        self.close(connections)
        delays = array.array("d", sorted(delays))
        return {
            **took, "delivered": len(delays) / self._seconds, "median": delays[len(delays) // 2],
            "late": delays[len(delays) * 99 // 100],
        }  # fmt: skip

    def close(self, connections: list[socket.socket]) -> None:
        """Close streams, and wait until the server knows: what is between them has ended them, too."""
        for connection in connections:
            connection.close()
        while self.models("direct")["streams"]:
            time.sleep(0.1)

    def requests(self, way: str, at_once: int) -> Figures:
        """Have so many clients ask, one request after the other, each on a connection of its own."""
        end = time.monotonic() + self._seconds
        times: list[list[float]] = [[] for _ in range(at_once)]

        def client(number: int) -> None:
            while (begun := time.monotonic()) < end:
                self.models(way, number)
                times[number].append(time.monotonic() - begun)

        with spent(self, way) as took:
            threads = [threading.Thread(target=client, args=(number,)) for number in range(at_once)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        every = [one for each in times for one in each]
        return {**took, "delivered": len(every) / self._seconds, "median": statistics.median(every) * 1000}

    def models(self, way: str, number: int = 0) -> dict[str, float]:
        """Ask for the models; return what the server says."""
        with self.opened(way, number, b"GET /v1/models HTTP/1.1\r\nHost: m\r\n\r\n") as connection:
            data = b""
            while part := connection.recv(65536):
                data += part
        body: dict[str, float] = json.loads(data.partition(b"\r\n\r\n")[2])
        return body


class Events:
    """The events of many streams, as they come.

    Attributes:
        waited_for: the streams that have had none yet.
    """

    def __init__(self, connections: list[socket.socket]) -> None:
        self._poll = select.epoll()
        self._by_number = {connection.fileno(): connection for connection in connections}
        self.waited_for = set(self._by_number)
        # The end of what came, where an event may be cut.
        self._rest: dict[int, bytes] = dict.fromkeys(self._by_number, b"")
        for number in self._by_number:
            self._poll.register(number, select.EPOLLIN)

    def read(self, delays: "array.array[float] | None") -> None:
        """Take what is there; add the ms each event was on its way."""
        for number, _ in self._poll.poll(0.05):
            data = self._rest[number] + self._by_number[number].recv(1 << 16)
            now = time.monotonic_ns()
            whole, _, self._rest[number] = data.rpartition(b"\n\n")
            sent = CREATED.findall(whole)
            if sent:
                self.waited_for.discard(number)
            elif not data:
                raise SystemExit("a stream has ended")
            if delays is not None:
                delays.extend((now - int(one)) / 1e6 for one in sent)


@contextlib.contextmanager
def spent(load: Load, way: str) -> Iterator[Figures]:
    """Yield figures, to which the seconds are added that each part had of a processor."""
    parts: dict[str, Callable[[], float]] = {
        "client": time.process_time, "server": lambda: load.models("direct")["processor"],
    }  # fmt: skip
    if way == "gateway":
        parts["gateway"] = processor
    before = {part: read() for part, read in parts.items()}
    begun = time.monotonic()
    took: Figures = {}
    yield took
    took["seconds"] = time.monotonic() - begun
    took.update({part: read() - before[part] for part, read in parts.items()})


def processor() -> float:
    """Return the seconds for which the gateway's processes had a processor: proc_pid_stat(5)."""
    inner = Path("/proc/1/task/1/children").read_text().split()[0]
    stats = [Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in (1, inner)]
    return sum(int(fields[number]) for fields in stats for number in (11, 12)) / os.sysconf("SC_CLK_TCK")


def memory() -> float:
    """Return the MiB of the gateway's container, which whoever started it is asked for."""
    print("memory?", flush=True)
    return float(input())


def addresses() -> list[str]:
    """Give the client many addresses; return them."""
    with socket.socket() as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFADDR, IFREQ.pack(b"eth0", socket.AF_INET, 0, bytes(4)))
        *network, last = IFREQ.unpack(answer)[3]
        own = [bytes((*network, last + 100 + number)) for number in range(ADDRESSES)]
        for number, address in enumerate(own):
            name = b"eth0:%d" % number
            fcntl.ioctl(any_socket, SIOCSIFADDR, IFREQ.pack(name, socket.AF_INET, 0, address))
    return [socket.inet_ntoa(address) for address in own]


def ask(gateway: str, seconds: float) -> None:
    """Print a table for each figure."""
    load = Load(gateway, seconds)
    print(f"\n{'requests at once':22} {'a second':>9} {'ms':>7} {'ratio':>6} {'gateway':>8} {'us each':>8}")
    for at_once in AT_ONCE:
        direct, through = (load.requests(way, at_once) for way in WAYS)
        each = through["gateway"] / (through["delivered"] * seconds) * 1e6
        print(f"{f'{at_once}, direct':22} {direct['delivered']:9.0f} {direct['median']:7.2f}")
        print(
            f"{f'{at_once}, gateway':22} {through['delivered']:9.0f} {through['median']:7.2f}"
            f" {through['median'] / direct['median']:6.2f} {share(through, 'gateway')} {each:8.0f}",
            flush=True,
        )
    print(
        f"\n{'streams x tokens/s':22} {'tokens/s':>9} {'median ms':>9} {'99 % ms':>8} {'more':>6}"
        f" {'gateway':>8} {'us each':>8} {'MiB':>6} {'client':>7} {'server':>7}"
    )
    for rate in RATES:
        for count in STREAMS:
            streamed(load, count, rate)
    refused(load)


def streamed(load: Load, count: int, rate: int) -> None:
    """Print how so many streams go, directly and by the gateway."""
    direct, through = (load.streams(way, count, rate) for way in WAYS)
    for way, found in zip(WAYS, (direct, through), strict=True):
        more = " " * 31
        if way == "gateway":
            each = found["gateway"] / (found["delivered"] * found["seconds"]) * 1e6
            later = found["median"] - direct["median"]
            more = f"{later:6.2f} {share(found, way)} {each:8.0f} {found['memory']:6.1f}"
        print(
            f"{f'{count} x {rate}, {way}':22} {found['delivered']:9.0f} {found['median']:9.2f}"
            f" {found['late']:8.2f} {more} {share(found, 'client')} {share(found, 'server')}",
            flush=True,
        )


def share(found: Figures, part: str) -> str:
    """Return how much of one processor a part had."""
    return f"{found[part] / found['seconds']:8.0%}"


def refused(load: Load) -> None:
    """Open more streams than there is room for; print how they are answered, and an answer that refuses."""
    connections = [load.stream("gateway", number, 1) for number in range(TOO_MANY)]
    answers = [connection.recv(4096) for connection in connections]
    counts = Counter(answer.split(b"\r\n")[0].decode() for answer in answers)
    print(f"\n{TOO_MANY} streams at once: {dict(counts)}; {memory():.1f} MiB")
    print(next((answer.decode() for answer in answers if b" 200 " not in answer[:20]), "none was refused"))
    load.close(connections)


if __name__ == "__main__":
    main()
