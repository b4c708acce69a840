"""The gateway in its container: what passes its sockets, and what a hostile program cannot make of them."""

import concurrent.futures
import contextlib
import json
import secrets
import select
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.listeners.listener import MOST_BUSY
from tests.harness.engine import IMAGE, docker, logs
from tests.harness.waiting import wait_for

KEY = "sk-planted/key+of=the.user"
NAMES = ("git.example.test", "other.example.test", "mirror.example.test", "model.example.test")
POLICY = """
allow:
  - git.example.test
  - git.example.test:80
  - mirror.example.test:8443
  - nowhere.example.test
  - {host: mirror.example.test:8080, tls: false}
  - {host: inside.example.test, private: true}
  - closed.example.test
  - itself.example.test:80
"""
PROBES = Path(__file__).parents[1] / "probes"


class Gateway:
    """A gateway in its container, beside a destination on a network of documentation addresses, RFC 5737."""

    def __init__(self, folder: Path) -> None:
        self.mark = secrets.token_hex(4)
        self.folder, self.network = folder, f"gateway-{self.mark}"
        self.volume, self.config = folder / "volume", folder / "config"
        self.sockets = self.volume / "default"
        self.name, self.destination = f"gateway-{self.mark}-g", f"gateway-{self.mark}-d"

    def start(self) -> None:
        self.volume.mkdir()
        self.volume.chmod(0o777)
        self.config.mkdir()
        self.config.chmod(0o755)
        self.write(POLICY)
        self._certificate()
        self._make_network()
        aliases = [word for name in (*NAMES, "closed.example.test") for word in ("--network-alias", name)]
        docker(
            "run", "--detach", "--name", self.destination, "--network", self.network, *aliases, "--user", "0",
            "-v", f"{PROBES}:/probes:ro", "-v", f"{self.folder}:/certificate:ro", "--entrypoint",
            "/usr/bin/python3", IMAGE,
            "/probes/destination.py", "/certificate/server.pem", "/certificate/server.key",
        )  # fmt: skip
        docker(
            "run", "--detach", "--name", self.name, "--network", self.network, "--user", "65534:65534",
            "--read-only",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "128m", "--pids-limit",
            "64",
            "--add-host", "inside.example.test:10.255.255.1", "--add-host",
            "metadata.example.test:169.254.169.254",
            "--hostname", "itself.example.test",
            "--ulimit", "nofile=512",
            "-e", "EGRESS=list", "-e", "EGRESS_ALLOW=metadata.example.test", "-e", f"MODEL_API_KEY={KEY}",
            "-e", "MODEL_URL=http://model.example.test:8080/v1",
            "-v", f"{self.volume}:/run/gateway", "-v", f"{self.config}:/etc/sandbox/config:ro",
            "--entrypoint", "/usr/local/bin/sandbox-gateway", IMAGE,
        )  # fmt: skip
        wait_for(lambda: '"ready"' in logs(self.name), lambda: logs(self.name))
        wait_for(self.answers, lambda: f"{logs(self.name)} {logs(self.destination)}")

    def answers(self) -> bool:
        try:
            return b" 200 " in self.ask("proxy", get("http://git.example.test/"))
        except (FileNotFoundError, ConnectionError):
            return False

    def write(self, text: str) -> None:
        (self.config / "egress.yml").write_text(text)
        (self.config / "egress.yml").chmod(0o644)

    def reload(self, text: str) -> dict[str, Any]:
        """Write another list, make the gateway take it, and return what the journal says of it."""
        before = len(self.journal("policy"))
        self.write(text)
        docker("kill", "--signal", "HUP", self.name)
        wait_for(lambda: len(self.journal("policy")) > before, lambda: logs(self.name))
        return self.journal("policy")[-1]

    def connect(self, socket_name: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(str(self.sockets / socket_name))
        return connection

    def ask(self, socket_name: str, data: bytes) -> bytes:
        """Send bytes, and return all that comes back."""
        with self.connect(socket_name) as connection:
            connection.sendall(data)
            return received(connection)

    def journal(self, kind: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in logs(self.name).splitlines() if line.startswith("{"))
        return [line for line in lines if line["kind"] == kind]

    def child(self) -> str:
        """Return the PID of the process that serves: another one where the kernel killed it."""
        return docker("exec", self.name, "cat", "/proc/1/task/1/children").strip()

    def kill_child(self) -> None:
        docker("exec", self.name, "/bin/bash", "-c", "kill -9 $(cat /proc/1/task/1/children)")

    def memory(self) -> int:
        """Return the bytes of the container that are no page cache: cgroups v1 and v2."""
        text = docker("exec", self.name, "cat", "/sys/fs/cgroup/memory/memory.stat", check=False)
        text = text or docker("exec", self.name, "cat", "/sys/fs/cgroup/memory.stat")
        figures = dict(line.split() for line in text.splitlines())
        return int(figures.get("rss") or figures["anon"])

    def stop(self) -> None:
        docker("rm", "--force", self.name, self.destination, check=False)
        docker("network", "rm", self.network, check=False)

    def _certificate(self) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", "server.key", "-out", "server.pem", "-days", "2", "-subj", "/CN=git.example.test",
             "-addext", "subjectAltName=DNS:*.example.test"],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip

    def _make_network(self) -> None:
        # A public address for the gateway, and nobody's: another run beside this one takes another part.
        tried = [f"203.0.113.{16 * part}/28" for part in range(16)]
        for subnet in tried:
            if docker("network", "create", "--subnet", subnet, self.network, check=False):
                return
        pytest.fail(f"no network of these can be made: {', '.join(tried)}")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(tmp_path_factory.mktemp("gateway"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def reload(gateway: Gateway) -> Iterator[Callable[[str], dict[str, Any]]]:
    yield gateway.reload
    gateway.reload(POLICY)


def received(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def get(target: str, *fields: str) -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", *fields, "", "")).encode("latin-1")


def content(answer: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return read


def reason(answer: bytes) -> str:
    """Return why a request was refused: it must have been, and readably."""
    assert content(answer)["reason"], answer
    return str(content(answer)["reason"])


def tls(gateway: Gateway, connection: socket.socket, name: str | None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(gateway.folder / "server.pem"))
    context.check_hostname = name is not None
    return context.wrap_socket(connection, server_hostname=name)


def tunnel(gateway: Gateway, authority: str, *fields: str) -> tuple[socket.socket, bytes]:
    connection = gateway.connect("proxy")
    connection.sendall("\r\n".join((f"CONNECT {authority} HTTP/1.1", *fields, "", "")).encode("latin-1"))
    return connection, connection.recv(1 << 16)


# What passes.


def test_connect_reaches_an_allowed_name(gateway: Gateway) -> None:
    connection, answer = tunnel(gateway, "git.example.test:443", "Host: git.example.test:443")
    assert answer.startswith(b"HTTP/1.1 200 ")
    with tls(gateway, connection, "git.example.test") as secured:
        secured.sendall(get("/inside", "Host: git.example.test"))
        assert "GET /inside" in content(received(secured))["head"]


def test_captured_tls_reaches_an_allowed_name(gateway: Gateway) -> None:
    with tls(gateway, gateway.connect("tls"), "git.example.test") as secured:
        secured.sendall(get("/captured", "Host: git.example.test"))
        assert "GET /captured" in content(received(secured))["head"]


def test_plain_http_reaches_a_name_whose_entry_says_so(gateway: Gateway) -> None:
    for target in (
        "http://git.example.test/a?b=c",
        "http://mirror.example.test:8080/a?b=c",
        "HTTP://git.example.test/a?b=c",
    ):
        answer = gateway.ask(
            "proxy", get(target, "Proxy-Authorization: x", "Connection: X-Gone", "X-Gone: 1", "X-Stays: 2")
        )
        head = content(answer)["head"]
        assert head.startswith("GET /a?b=c HTTP/1.1\r\nhost: ")
        assert "x-stays: 2" in head
        assert "roxy" not in head
        assert "gone" not in head.lower()
        assert b"connection: close" in answer


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_arrives_whole(gateway: Gateway, chunked: bool) -> None:
    body = secrets.token_bytes(3_000_000) + b"end"
    if chunked:
        field = "Transfer-Encoding: chunked"
        sent = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    else:
        field, sent = f"Content-Length: {len(body)}", body
    head = get("http://git.example.test/", field).replace(b"GET", b"POST")
    told = content(gateway.ask("proxy", head + sent))
    assert told["body"] == len(body)
    assert told["end"].endswith("end")


def test_what_waits_to_be_told_to_go_on_is_told(gateway: Gateway) -> None:
    with gateway.connect("proxy") as connection:
        connection.sendall(
            get("http://git.example.test/", "Content-Length: 3", "Expect: 100-continue").replace(
                b"GET", b"POST"
            )
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert content(received(connection))["body"] == 3


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("close", b"200", b"until the end"), ("chunked", b"200", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
     ("early", b"413", b"big"),
     ("interim", b"204", b"")],
)  # fmt: skip
def test_an_answer_of_any_form_comes_back(gateway: Gateway, path: str, status: bytes, body: bytes) -> None:
    head, _, rest = gateway.ask("proxy", get(f"http://git.example.test/raw/{path}")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert rest == body


def test_a_client_of_http_1_0_reads_a_chunked_answer(gateway: Gateway) -> None:
    request = get("http://git.example.test/raw/chunked").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert gateway.ask("proxy", request).endswith(b"\r\n\r\nabcde")


def test_a_stream_comes_as_it_is_sent_and_ends_with_its_reader(gateway: Gateway) -> None:
    with gateway.connect("proxy") as connection:
        connection.sendall(get("http://git.example.test/stream"))
        wait_for(lambda: b"data: 3" in connection.recv(1 << 16), lambda: "the fourth line")
    wait_for(lambda: '"left"' in logs(gateway.destination), lambda: logs(gateway.destination))


# What does not.

REFUSED_NAMES = {
    "another name": ("other.example.test:443", "not-allowed"),
    "a name that ends alike": ("evil-git.example.test:443", "not-allowed"),
    "a name that begins alike": ("git.example.test.evil.test:443", "not-allowed"),
    "another port": ("git.example.test:8443", "not-allowed"),
    "a port too many": ("git.example.test:65979", "bad-request"),
    "a user": ("git.example.test@evil.test:443", "bad-request"),
    "a fragment": ("git.example.test#.evil.test:443", "bad-request"),
    "a backslash": ("evil.test\\.git.example.test:443", "bad-request"),
    "an address": ("203.0.113.3:443", "bad-request"),
    "a number": ("3405803779:443", "bad-request"),
    "an address in brackets": ("[::ffff:203.0.113.3]:443", "bad-request"),
    "this machine": ("localhost:443", "not-allowed"),
    "no port": ("git.example.test", "bad-request"),
    "a private address": ("closed-by-hosts.example.test:443", "not-allowed"),
    "the metadata service": ("metadata.example.test:443", "private-address"),
    "a name without an address": ("nowhere.example.test:443", "unresolved"),
    "not ASCII": ("g\xefit.example.test:443", "bad-request"),
}


@pytest.mark.parametrize(("authority", "why"), REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_connect_does_not_reach(gateway: Gateway, authority: str, why: str) -> None:
    connection, answer = tunnel(gateway, authority)
    connection.close()
    assert reason(answer) == why


def test_a_refusal_is_readable_at_once_and_is_written_down(gateway: Gateway) -> None:
    connection, answer = tunnel(gateway, "other.example.test:443")
    connection.close()
    allowing = "./start.sh egress allow other.example.test"
    # Of an answer to CONNECT most programs show the first line, if anything.
    first = f"HTTP/1.1 403 Refused by the sandbox, the user can allow it: {allowing}\r\n"
    assert answer.startswith(first.encode())
    assert b"x-egress-reason: not-allowed" in answer
    assert "Do not try again" in content(answer)["advice"]
    assert content(answer)["allow"] == allowing
    line = [line for line in gateway.journal("proxy") if line.get("host") == "other.example.test"][-1]
    assert (line["decision"], line["reason"], line["port"]) == ("deny", "not-allowed", 443)


@pytest.mark.parametrize(
    ("name", "alert"),
    [("other.example.test", "unrecognized"), (None, "unrecognized")],
    ids=["another", "none"],
)
def test_the_name_in_the_tunnel_must_be_the_tunnels(gateway: Gateway, name: str | None, alert: str) -> None:
    connection, answer = tunnel(gateway, "git.example.test:443")
    assert b" 200 " in answer
    with pytest.raises(ssl.SSLError, match=f"(?i){alert}"):
        tls(gateway, connection, name)


@pytest.mark.parametrize("name", ["other.example.test", "metadata.example.test", "nowhere.example.test"])
def test_captured_tls_does_not_reach(gateway: Gateway, name: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)access denied"):
        tls(gateway, gateway.connect("tls"), name)


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\nHost: git.example.test\r\n\r\n", b"SSH-2.0-x\r\n", b"\0" * 100]
)
@pytest.mark.parametrize("way", ["proxy", "tls"])
def test_only_tls_passes_where_tls_is_meant(gateway: Gateway, way: str, first: bytes) -> None:
    if way == "proxy":
        connection, _ = tunnel(gateway, "git.example.test:443")
    else:
        connection = gateway.connect("tls")
    with connection:
        connection.sendall(first)
        assert received(connection) == bytes((21, 3, 3, 0, 2, 2, 50))


SMUGGLED = {
    "two lengths": "Content-Length: 0\r\nContent-Length: 50",
    "a length and chunks": "Content-Length: 50\r\nTransfer-Encoding: chunked",
    "xchunked": "Transfer-Encoding: xchunked",
    "a space before the colon": "Content-Length : 50",
    "a folded line": "X: y\r\n Content-Length: 50",
    "bare LF": "X: y\nContent-Length: 50",
    "NUL": "X: y\0",
    "another host": "Host: other.example.test",
    "two hosts": "Host: git.example.test\r\nHost: git.example.test",
    "a host with a port": "Host: git.example.test:8080",
}


@pytest.mark.parametrize("field", SMUGGLED.values(), ids=SMUGGLED)
@pytest.mark.parametrize("method", ["GET http://git.example.test/", "CONNECT git.example.test:443"])
def test_what_can_be_read_in_two_ways_is_refused(gateway: Gateway, method: str, field: str) -> None:
    request = f"{method} HTTP/1.1\r\n{field}\r\n\r\n".encode("latin-1")
    assert reason(gateway.ask("proxy", request)) == "bad-request"


def test_a_second_request_goes_nowhere(gateway: Gateway) -> None:
    marks = [secrets.token_hex(8) for _ in range(2)]
    answer = gateway.ask("proxy", b"".join(get(f"http://git.example.test/{mark}") for mark in marks))
    assert answer.count(b"HTTP/1.1 200") == 1
    assert marks[0] in logs(gateway.destination)
    assert marks[1] not in logs(gateway.destination)


@pytest.mark.parametrize("name", ["two-lengths", "both", "folded", "none", "switch", "endless-head"])
def test_an_odd_answer_is_told_as_the_servers_fault(gateway: Gateway, name: str) -> None:
    assert reason(gateway.ask("proxy", get(f"http://git.example.test/raw/{name}"))) in (
        "bad-answer",
        "too-large",
    )


def test_an_answer_that_is_cut_short_is_not_whole(gateway: Gateway) -> None:
    head, _, body = gateway.ask("proxy", get("http://git.example.test/raw/short")).partition(b"\r\n\r\n")
    assert b"content-length: 10" in head
    assert body == b"abc"


@pytest.mark.parametrize(
    "request_", [b"GET / HTTP/1.1\r\n\r\n", get("https://git.example.test/"), get("ftp://git.example.test/")]
)
def test_a_proxy_is_no_server(gateway: Gateway, request_: bytes) -> None:
    assert reason(gateway.ask("proxy", request_)) == "bad-request"


# The model.


def test_the_model_gets_the_key_and_the_client_does_not(gateway: Gateway) -> None:
    fields = (
        "Authorization: Bearer mine",
        "X-Api-Key: mine",
        "Cookie: mine",
        "Accept-Encoding: gzip",
        "X-Forwarded-For: mine",
    )
    answer = gateway.ask("model", get("/local/v1/models", *fields))
    assert KEY.encode() not in answer
    assert b"mine" not in answer
    assert f"authorization: Bearer {'*' * len(KEY)}" in content(answer)["head"]
    seen = logs(gateway.destination)
    assert f"authorization: Bearer {KEY}" in seen
    assert "accept-encoding: identity" in seen


@pytest.mark.parametrize(
    "target",
    ["/local/metrics", "/local/v1/../metrics", "/local/v1/%2e%2e/metrics", "/other/v1/models", "/v1/models",
               "/local//v1/models", "http://git.example.test/v1/models"]
)  # fmt: skip
def test_nothing_else_of_the_server_passes(gateway: Gateway, target: str) -> None:
    assert reason(gateway.ask("model", get(target))) in ("endpoint", "bad-request")


# Names.


def question(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    message = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0" + kind.to_bytes(2) + b"\0\x01"
    return len(message).to_bytes(2) + message


@pytest.mark.parametrize(
    ("name", "kind", "code", "answers"),
    [("git.example.test", 1, 0, 1), ("GIT.example.test", 1, 0, 1), ("git.example.test", 28, 0, 0),
     ("git.example.test", 16, 0, 0),
     ("other.example.test", 1, 3, 0), ("c2VjcmV0.git.example.test", 1, 3, 0),
     ("mirror.example.test", 1, 3, 0)],
)  # fmt: skip
def test_names_are_answered_by_the_list(
    gateway: Gateway, name: str, kind: int, code: int, answers: int
) -> None:
    with gateway.connect("dns") as connection:
        connection.sendall(question(name, kind))
        message = connection.recv(1000)[2:]
    assert message[3] & 0xF == code
    assert int.from_bytes(message[6:8]) == answers
    assert not answers or message.endswith(bytes((127, 64, 0, 1)))


def test_who_asks_for_no_name_keeps_nobody_out(gateway: Gateway) -> None:
    held = [gateway.connect("dns") for _ in range(250)]

    def is_answered() -> bool:
        # Where there is no room the connection is closed, before it is written to or behind that.
        with gateway.connect("dns") as connection, contextlib.suppress(OSError):
            connection.sendall(question("git.example.test"))
            return connection.recv(1000) != b""
        return False

    assert not is_answered()
    wait_for(is_answered, "room for a question")
    for connection in held:
        connection.close()


# The gateway itself.


def test_a_list_is_taken_anew_and_nothing_breaks_off(
    gateway: Gateway, reload: Callable[[str], dict[str, Any]]
) -> None:
    with gateway.connect("proxy") as connection:
        connection.sendall(get("http://git.example.test/stream"))
        assert b" 200 " in connection.recv(1 << 16)
        assert reload("allow: [other.example.test]")["decision"] == "allow"
        assert reason(gateway.ask("proxy", get("http://git.example.test/"))) == "not-allowed"
        with tls(gateway, gateway.connect("tls"), "other.example.test") as secured:
            secured.sendall(get("/", "Host: x"))
            assert received(secured)
        wait_for(lambda: b"data" in connection.recv(1 << 16), lambda: "the stream goes on")


@pytest.mark.parametrize("text", ["allow: [", "allow: ['*']", "[1, 2]", "allow: everything"])
def test_a_list_that_cannot_be_read_changes_nothing(
    gateway: Gateway, reload: Callable[[str], dict[str, Any]], text: str
) -> None:
    told = reload(text)
    assert (told["decision"], told["reason"]) == ("error", "not-read")
    assert "config/egress.yml" in told["text"]
    assert reason(gateway.ask("proxy", get("http://other.example.test/"))) == "not-allowed"
    assert b" 200 " in gateway.ask("proxy", get("http://git.example.test/"))


def test_a_flood_is_bounded_and_passes(gateway: Gateway) -> None:
    held = []
    for _ in range(400):
        connection = gateway.connect("proxy")
        held.append(connection)
    answers = [held[-1].recv(1000)]
    assert reason(answers[0]) == "busy"
    for connection in held:
        connection.close()
    wait_for(gateway.answers, lambda: logs(gateway.name)[-2000:])
    assert docker("inspect", "--format", "{{.State.OOMKilled}} {{.RestartCount}}", gateway.name) == "false 0"


def test_tunnels_that_nobody_reads_from_do_not_use_up_the_memory(gateway: Gateway) -> None:
    """Either end writes until nobody takes any more, and reads nothing."""
    held: list[socket.socket] = []
    before = gateway.child()
    try:
        for _ in range(MOST_BUSY):
            connection, answer = tunnel(gateway, "mirror.example.test:8080")
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            connection.sendall(get("/flood"))
            connection.setblocking(False)
            held.append(connection)
        fill(held)
        used = gateway.memory()
        refused, answer = tunnel(gateway, "mirror.example.test:8080")
        refused.close()
    finally:
        for connection in held:
            connection.close()
    assert reason(answer) == "busy"
    assert used < 100 << 20
    assert gateway.child() == before, logs(gateway.name)[-2000:]
    # Who has left holds nothing, though the other end never reads.
    wait_for(gateway.answers, lambda: logs(gateway.name)[-2000:])


def fill(connections: list[socket.socket]) -> None:
    """Send into each until none takes anything for a moment."""
    taken, block = -1, bytes(1 << 20)
    while taken:
        taken = 0
        # Whoever takes more is writable again by then.
        select.select([], [], [], 0.5)
        for connection in connections:
            with contextlib.suppress(BlockingIOError):
                taken += connection.send(block)


def test_what_is_on_its_way_ends_with_the_gateways_child(gateway: Gateway) -> None:
    with gateway.connect("proxy") as stream, gateway.connect("proxy") as waiting:
        stream.sendall(get("http://git.example.test/stream"))
        assert b" 200 " in stream.recv(1 << 16)
        gateway.kill_child()
        for connection in (stream, waiting):
            # At once: the socket's own time-out would be another error.
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(1 << 16):
                    pass
    wait_for(gateway.answers, lambda: logs(gateway.name)[-2000:])


def test_it_takes_connections_again_where_all_descriptors_were_used_up(gateway: Gateway) -> None:
    child = gateway.child()
    held: list[socket.socket] = []
    with contextlib.suppress(OSError):
        held.extend(gateway.connect("dns") for _ in range(900))
    for connection in held:
        connection.close()
    wait_for(gateway.answers, lambda: logs(gateway.name)[-2000:])
    assert gateway.child() == child


def test_a_name_that_leads_to_the_gateway_itself_is_refused(gateway: Gateway) -> None:
    connection, answer = tunnel(gateway, "itself.example.test:80")
    connection.close()
    assert reason(answer) in ("private-address", "unreachable"), answer


def test_it_tells_its_version(gateway: Gateway) -> None:
    answer = gateway.ask("model", get("/.gateway"))
    assert content(answer) == {"version": (Path(__file__).parents[2] / "VERSION").read_text().strip()}


def test_a_head_without_an_end_and_a_huge_body_take_no_memory(gateway: Gateway) -> None:
    def endless() -> bytes:
        with gateway.connect("proxy") as connection:
            try:
                for _ in range(2000):
                    connection.sendall(b"GET http://git.example.test/ HTTP/1.1\r\nA: " + b"x" * 65536)
            except OSError:
                pass
            return connection.recv(1000)

    def huge() -> int:
        length = 300 << 20
        with gateway.connect("proxy") as connection:
            connection.sendall(
                get("http://git.example.test/", f"Content-Length: {length}").replace(b"GET", b"POST")
            )
            for _ in range(length >> 20):
                connection.sendall(bytes(1 << 20))
            return int(content(received(connection))["body"])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        heads = [pool.submit(endless) for _ in range(4)]
        body = pool.submit(huge)
        assert {reason(head.result()) for head in heads} == {"too-large"}
        assert body.result() == 300 << 20
    assert docker("inspect", "--format", "{{.State.OOMKilled}}", gateway.name) == "false"


def test_the_journal_holds_no_secret(gateway: Gateway) -> None:
    gateway.ask("model", get("/local/v1/models?token=query-secret", "X-A: field-secret"))
    text = logs(gateway.name)
    assert KEY not in text
    assert "secret" not in text


def test_it_is_back_where_it_was_killed(gateway: Gateway) -> None:
    gateway.kill_child()
    wait_for(gateway.answers, lambda: logs(gateway.name)[-2000:])
    assert "ended by signal 9" in logs(gateway.name)


def test_it_ends_at_once_when_it_is_told_to(gateway: Gateway) -> None:
    with gateway.connect("proxy") as connection:
        connection.sendall(get("http://git.example.test/stream"))
        assert connection.recv(100)
        docker("stop", "--time", "8", gateway.name)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", gateway.name) == "0"
    docker("start", gateway.name)
    wait_for(gateway.answers, lambda: logs(gateway.name)[-2000:])
