"""One model server over HTTP: a request, its answer, and what a failure means for the user.

Runs in programs of its own (connect.py, doctor.py), never in PID 1, so that a server can hang without harm.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import signal
import socket
import ssl
import urllib.error
import urllib.request

from init.model import failures, proxy
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, NoReturn

    from init.model.servers import Server

# A list of a thousand models is 200 kB.
MOST_BYTES = 8 << 20

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
        return parsed(server, url, text, response.headers.get("Content-Type", ""))


@contextlib.contextmanager
def stream(
    server: Server, url: str, body: object = None, *, seconds: float
) -> Iterator[http.client.HTTPResponse]:
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
    try:
        with _deadline(seconds), _opened(server, url, data, headers, seconds) as response:
            yield response
    except urllib.error.HTTPError as error:
        raise failures.refused(server, url, error) from error
    except urllib.error.URLError as error:
        # urllib wraps what fails before the request is sent, and nothing after that.
        reason = error.reason if isinstance(error.reason, Exception) else OSError(error.reason)
        raise failures.not_reached(server, url, reason, seconds) from error
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise failures.not_answered(server, url, error, seconds) from error


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
        with _deadline(seconds):
            opener = urllib.request.build_opener(_Gateway(server.via), _NoProxy())
            asked = urllib.request.Request(f"http://gateway/{target}", headers={ADDRESS: server.url})
            with opener.open(asked, timeout=seconds) as response:
                return json.loads(response.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        raise failures.refused(server, server.url, error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EndpointError(
            "connect",
            f"the gateway does not answer: {error}",
            "Start the session anew.",
        ) from error


def _opened(
    server: Server, url: str, data: bytes | None, headers: Mapping[str, str], seconds: float
) -> http.client.HTTPResponse:
    if server.via:
        # It may be the gateway of a session with other settings.
        headers = {**headers, ADDRESS: server.url}
        request = urllib.request.Request(f"http://gateway{server.target(url)}", data, dict(headers))
        opener = urllib.request.build_opener(_Gateway(server.via), _NoRedirect(), _NoProxy())
    else:
        request = urllib.request.Request(url, data, dict(headers))  # noqa: S310 - checks.py lets http and https through
        opener = urllib.request.build_opener(
            proxy.handler(url), urllib.request.HTTPSHandler(context=trust(server)), _NoRedirect()
        )
    response: http.client.HTTPResponse = opener.open(request, timeout=seconds)
    return response


class _Gateway(urllib.request.HTTPHandler):
    """Asks through the gateway's socket, whatever the host's name."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        path = self._path

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(self.timeout)
                self.sock.connect(path)

        return self.do_open(Connection, request)


class _NoProxy(urllib.request.ProxyHandler):
    """The gateway is no place to go by way of another."""

    def __init__(self) -> None:
        super().__init__({})


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


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to the server that the user named, and to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


@functools.cache
def trust(server: Server) -> ssl.SSLContext:
    """Return whom to trust: the usual CAs and the server's own; read once, for each time takes 5 ms.

    Raises:
        EndpointError: the file with the CA is not valid.
    """
    trusted = ssl.create_default_context()
    # Not asked for by the tools either; a self-signed certificate of openssl's would not pass.
    trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if server.ca:
        try:
            trusted.load_verify_locations(server.ca)
        except (OSError, ssl.SSLError) as error:
            raise EndpointError(
                "tls",
                f"{server.ca} is no valid PEM file: {error}",
                f"Name one with PEM certificates in {server.origin.name('MODEL_CA', 'ca')}.",
            ) from error
    return trusted
