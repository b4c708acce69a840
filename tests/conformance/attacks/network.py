"""Try to connect, in all the ways an unprivileged program has; print {way: outcome} for each target.

Argument: a list of targets as JSON, each of them [name, host, port], or [name, address] to tell the way that
the kernel's routes would take. `gateway` as a host is that of the default route.
"""

import contextlib
import json
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATIENCE = 4  # seconds: the kernel gives up an address on the link that does not answer after three
SO_BINDTODEVICE, IP_OPTIONS = 25, 4
Prepare = Callable[[socket.socket], object]


def routes() -> list[tuple[int, int, str]]:
    """Return network, mask and gateway of each route, the narrowest first; see proc(5)."""
    found = []
    for line in Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        network, via, mask = (_bytes(fields[column]) for column in (1, 2, 7))
        found.append((int.from_bytes(network, "big"), int.from_bytes(mask, "big"), socket.inet_ntoa(via)))
    return sorted(found, key=lambda route: -route[1])


def _bytes(word: str) -> bytes:
    """Undo what the kernel does to an address there: it is printed as if it were a number of the machine."""
    return int(word, 16).to_bytes(4, sys.byteorder)


def gateway() -> str | None:
    """Return the gateway of the default route."""
    return next((via for network, mask, via in routes() if network == mask == 0), None)


def way(address: str) -> str:
    """Tell where a packet to the address goes, without sending any."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError as error:
            return f"nowhere: {error.strerror}"
        if probe.getsockname()[0] == address:
            return "to the container itself"
    if family == socket.AF_INET6:
        return "out"
    number = int.from_bytes(socket.inet_aton(address), "big")
    via = next((via for network, mask, via in routes() if number & mask == network), "0.0.0.0")  # noqa: S104
    return "to its own network only" if via == "0.0.0.0" else f"out through {via}"  # noqa: S104


def attempt(host: str, port: int, prepare: Prepare, family: int = socket.AF_INET) -> str:
    """Connect and read a line."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE)
        try:
            prepare(client)
            client.connect((host, port))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return f"reached: {client.recv(40).decode(errors='replace')}"
        except TimeoutError:
            return "no answer"
        except OSError as error:
            return error.strerror or str(error)


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((gateway() or "127.0.0.1", 9))
        return str(probe.getsockname()[0])


def source_route(target: str) -> bytes:
    """Return the IP options of a loose source route through the gateway."""
    return bytes([1, 131, 11, 4]) + socket.inet_aton(gateway() or "127.0.0.1") + socket.inet_aton(target)


def ways(host: str, port: int) -> dict[str, Callable[[], str]]:
    """Return the ways to connect to a host."""
    found: dict[str, Callable[[], str]] = {"plainly": lambda: attempt(host, port, lambda _: None)}
    with contextlib.suppress(OSError):
        socket.inet_aton(host)
        device = next((name for _, name in socket.if_nameindex() if name != "lo"), "lo").encode()
        found |= {
            "from the interface": lambda: attempt(
                host, port, lambda s: s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device)
            ),
            "from the interface's address": lambda: attempt(host, port, lambda s: s.bind((own_address(), 0))),
            "with a source route": lambda: attempt(
                host, port, lambda s: s.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, source_route(host))
            ),
            "as IPv6": lambda: attempt(f"::ffff:{host}", port, lambda _: None, socket.AF_INET6),
        }
    if ":" in host:
        found = {"plainly": lambda: attempt(host, port, lambda _: None, socket.AF_INET6)}
    return found


def main() -> None:
    """Try every target at once."""
    found: dict[str, dict[str, str] | str] = {}
    with ThreadPoolExecutor(64) as pool:
        running = {}
        for name, host, *port in json.loads(sys.argv[1]):
            address = (gateway() or "127.0.0.1") if host == "gateway" else host
            if port:
                running[name] = {how: pool.submit(call) for how, call in ways(address, port[0]).items()}
            else:
                found[name] = way(address)
        for name, results in running.items():
            found[name] = {how: result.result() for how, result in results.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
