"""One model server over HTTP: a request, its answer, and what a failure means for the user.

Runs in programs of its own (connect.py, doctor.py), never in PID 1, so that a server can hang without harm.
"""

from __future__ import annotations

import contextlib
import json
import signal

from init.model import by_gateway, failures
from init.model.failures import EndpointError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, NoReturn

    from init.model.servers import Server

# A list of a thousand models is 200 kB. What a refusal says is shorter.
MOST_BYTES, MOST_TOLD = 8 << 20, 64 << 10

# Bytes of one event of a stream.
LONGEST_LINE = 1 << 20

# Seconds for what the gateway knows without asking anybody.
_GATEWAYS_OWN = 5.0

# The field of a request that tells the gateway which server is meant.
ADDRESS = "X-Egress-Server"

# Levels of an answer, which has ten. What is deeper is refused once, before anything walks through it.
DEEPEST = 100

# What reading an answer of another form raises.
UNEXPECTED_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def request(server: Server, url: str, body: object = None, *, seconds: float) -> Any:
    """Return the JSON that a server answers to a GET, or to a POST of this body.

    Args:
        server: whose key and CA are used.
        url: what is asked for.
        body: sent as JSON; None asks with GET.
        seconds: until the answer has to be complete.

    Raises:
        EndpointError: there is none that can be used.
    """
    with stream(server, url, body, seconds=seconds) as response:
        text = response.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise EndpointError(
                "answer",
                f"{url} answers with more than {MOST_BYTES >> 20} MiB",
                "Is this the address of a model server?",
            )
        return parsed(server, url, text, response.headers.get("content-type", ""))


def events(server: Server, url: str, body: object, take: Callable[[Any], None], *, seconds: float) -> None:
    """Hand over each event that a server answers with, as it comes.

    Not an iterator: the deadline may come while an event is taken, too.

    Args:
        server: whose key and CA are used.
        url: what is asked for.
        body: sent as JSON.
        take: is called with the JSON of each event.
        seconds: until the answer has to be complete.

    Raises:
        EndpointError: there is no answer that can be used; or what take() raises.
    """
    with stream(server, url, body, seconds=seconds) as response:
        for line in iter(lambda: response.readline(LONGEST_LINE), b""):
            data = line.strip().removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                take(parsed(server, url, data))


@contextlib.contextmanager
def stream(
    server: Server, url: str, body: object = None, *, seconds: float
) -> Iterator[http.client.HTTPResponse | by_gateway.Answer]:
    """Yield the response to read from, until the deadline.

    Raises:
        EndpointError: the server cannot be reached, refuses, or does not end in time.
    """
    headers = {"Accept": "application/json", "User-Agent": "agentic-sandbox"}
    if server.key:
        headers["Authorization"] = f"Bearer {server.key}"
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    if server.via:
        # It waits as long for a connection itself, and then says more.
        seconds += _GATEWAYS_OWN
    try:
        with _deadline(seconds), _opened(server, url, data, headers, seconds) as response:
            yield response
    except (OSError, UnicodeError) as error:
        if server.via:
            # Whether it is the server that is silent.
            of_gateway(server, ".servers", seconds=_GATEWAYS_OWN)
        raise failures.not_answered(server, url, error, seconds) from error


@contextlib.contextmanager
def _opened(
    server: Server, url: str, data: bytes | None, headers: Mapping[str, str], seconds: float
) -> Iterator[http.client.HTTPResponse | by_gateway.Answer]:
    if not server.via:
        # Here, for TLS takes as long to load as all the rest, and is the gateway's where there is one.
        from init.model import direct

        with direct.stream(server, url, data, headers, seconds) as response:
            yield response
        return
    # It may be the gateway of a session with other settings.
    asked = {**headers, ADDRESS: server.url}
    with by_gateway.answer(server.via, server.target(url), data, asked) as answer:
        if not 200 <= answer.status < 300:
            raise _refused(server, url, answer)
        yield answer


def _refused(server: Server, url: str, answer: by_gateway.Answer) -> EndpointError:
    told = Refused(answer.status, answer.reason, answer.headers, answer.read(MOST_TOLD))
    return failures.refused(server, url, told)


def of_gateway(server: Server, target: str, *, seconds: float) -> Any:
    """Return what the gateway tells of the servers: it is on the way to this one.

    Args:
        server: one that is reached by it.
        target: what is asked for.
        seconds: until the answer has to be complete.

    Raises:
        EndpointError: there is no answer.
    """
    try:
        with (
            _deadline(seconds),
            by_gateway.answer(server.via, f"/{target}", headers={ADDRESS: server.url}) as answer,
        ):
            if not 200 <= answer.status < 300:
                raise _refused(server, server.url, answer)
            return json.loads(answer.read(MOST_BYTES))
    except (OSError, ValueError) as error:
        raise by_gateway.silent(error) from error


@contextlib.contextmanager
def steps(server: Server, seconds: float) -> Iterator[None]:
    """Take the steps before a request one by one, with the same deadline and the same words for what fails.

    Raises:
        EndpointError: one of them fails.
    """
    try:
        with _deadline(seconds):
            yield
    except OSError as error:
        raise failures.not_reached(server, server.url, error, seconds) from error


def parsed(server: Server, url: str, text: bytes, kind: str = "") -> Any:
    """Return what JSON holds.

    Raises:
        EndpointError: it is none, or so deep that nobody could walk through it.
    """
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise failures.too_deep(server, url) from error
    except UNEXPECTED_SHAPE as error:
        if "html" in kind.lower() or text.lstrip()[:1] == b"<":
            raise failures.web_page(server, url) from error
        raise EndpointError(
            "answer", f"{url} does not answer with JSON", f"Check {server.origin.url}, and the server's log."
        ) from error
    if _is_deep(content):
        raise failures.too_deep(server, url)
    return content


def _is_deep(content: Any) -> bool:
    level = [content]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Bound everything together: a socket's own timeout begins anew with each byte."""

    def ring(_signum: int, _frame: object) -> NoReturn:
        raise TimeoutError("timed out")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
