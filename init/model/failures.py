"""What it means for the user that a model server cannot be reached, refuses, or breaks off."""

from __future__ import annotations

import _socket
import json
from urllib.parse import urlsplit

from init.errors import SandboxError
from init.log import redact
from init.model import proxy
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import Any, Literal, TypeAlias, TypeGuard

    from init.model.proxy import Proxy
    from init.model.servers import Server

    Stage: TypeAlias = Literal["name", "connect", "tls", "answer"]

HOST_ITSELF = "host.docker.internal"
LISTEN = (
    "A server on this machine has to listen on more than 127.0.0.1, and the firewall has to let it through: "
    "--host 0.0.0.0 (vLLM, llama.cpp, SGLang), OLLAMA_HOST=0.0.0.0, Serve on Local Network (LM Studio)."
)

# What a proxy says of itself, not of the server behind it: that it wants to know the user, refuses, or gets
# no answer. Of a server without a proxy only the headers tell.
_PROXYS_OWN = (403, 407, 502, 503, 504)
_PROXYS_HEADERS = ("proxy-authenticate", "x-squid-error")

# X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH; _CERT_NOT_YET_VALID and _CERT_HAS_EXPIRED, of
# OpenSSL's x509_vfy.h: its sentences change from one version to the next.
_OTHER_NAME, _OTHER_TIME = (62, 64), (9, 10)


class EndpointError(SandboxError):
    """A server that cannot be used as it is.

    Args:
        stage: how far it came: name, connect, tls or answer.
        what: what is wrong.
        fix: what to do about it.
        passing: whether it may be over in a moment.
        status: the HTTP status, 0 where none came.
    """

    def __init__(self, stage: Stage, what: str, fix: str, *, passing: bool = False, status: int = 0) -> None:
        super().__init__(what, fix)
        self.stage, self.passing, self.status = stage, passing, status


class Refused(Record):
    """An answer that is none of success.

    Attributes:
        code: of HTTP.
        reason: its words.
        headers: its fields, asked for in lower case.
        body: the begin of what it says.
    """

    code: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


def refused(server: Server, url: str, error: Refused) -> EndpointError:
    """Say what an HTTP status means."""
    body = error.body
    if server.via and error.headers.get("x-egress-reason"):
        return of_gateway(server, body)
    said = error_text(redact(server.key, body.decode(errors="replace")))
    answer = f"{error.code} {redact(server.key, error.reason)[:80]}" + (f": {said}" if said else "")
    way = _between(server, url)
    if (way and error.code in _PROXYS_OWN) or any(name in error.headers for name in _PROXYS_HEADERS):
        what = f"{_named(way)} answers {answer}, asked for {url}"
        passing = error.code in (502, 503, 504)
        return EndpointError("answer", what, _proxy_fix(server, url, way), passing=passing, status=error.code)
    what = f"{url} answers {answer}{_through(server, url)}"
    fix, passing = f"Check {server.origin.url}, and the server's log.", False
    if error.code in (401, 403):
        key = server.origin.name("MODEL_API_KEY", "key or key_file")
        has_key = server.key or error.headers.get("x-egress-key")
        fix = (
            f"The server does not take this key: mend {key}."
            if has_key
            else f"The server wants a key: set {key}."
        )
    elif 300 <= error.code < 400:
        target = redact(server.key, error.headers.get("location", "elsewhere"))
        what = f"{url} redirects to {target[:200]}{_through(server, url)}"
        fix = (
            f"Set {server.origin.url} to where the server really is; "
            "a redirection is not followed with a key."
        )
    elif error.code == 404:
        fix = f"The path of {server.origin.url} is mostly /v1."
    elif error.code in (502, 503, 504):
        fix, passing = "The server is loading its model, or is overloaded: wait, and look at its log.", True
    elif error.code == 400 and b"HTTPS" in body:
        fix = f"The server speaks TLS: write https:// in {server.origin.url}."
    return EndpointError("answer", what, fix, passing=passing, status=error.code)


def of_gateway(server: Server, told: Any) -> EndpointError:
    """Return what the gateway says of its own way to the server, in the words of this module.

    Args:
        server: which one it is.
        told: its answer, as it came or as it was read.
    """
    try:
        told = json.loads(told) if isinstance(told, bytes) else told
        stage: Stage = told.get("stage", "answer")
        fix = str(told.get("fix") or told.get("advice", ""))
        if stage in ("name", "connect") and (unasked := proxy.named(server.url)):
            fix += f" If only {_named(unasked)} gets there: the gateway asks none, EGRESS=open does."
        return EndpointError(stage, str(told["error"]), fix, passing=told.get("passing") is True)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return EndpointError("answer", "the gateway's answer is of no form known", "Start the session anew.")


def not_reached(server: Server, url: str, error: Exception, seconds: float) -> EndpointError:
    """Say what it means that the request could not be sent."""
    way = _between(server, url)
    if way is None or _is_tls(error):
        return _not_connected(server, url, error, seconds)
    what = f"{_named(way)} cannot be used for {url}: {getattr(error, 'strerror', None) or error}"
    return EndpointError("connect", what, _proxy_fix(server, url, way), passing=True)


def _not_connected(server: Server, url: str, error: Exception, seconds: float) -> EndpointError:
    host, here = urlsplit(url).hostname or "", _place(server, url)
    if isinstance(error, _socket.gaierror):
        what = f"the name {host} is not known in the container"
        return EndpointError("name", what, _name_fix(server, host), passing=True)
    if _is_tls(error):
        return EndpointError("tls", *_tls_meaning(server, here, error))
    if isinstance(error, TimeoutError):
        what = f"{here} does not take the connection within {seconds:g} s"
        return EndpointError(
            "connect", what, f"Is the server up, and at this address? {LISTEN}", passing=True
        )
    if _is_loopback(host):
        what = f"nothing listens on {here} in the container, which is what {host} means there"
        parts = urlsplit(server.url)
        better = parts._replace(netloc=f"{HOST_ITSELF}:{parts.port}" if parts.port else HOST_ITSELF).geturl()
        fix = f"For a server on this machine write {better} in {server.origin.url}. {LISTEN}"
        return EndpointError("connect", what, fix)
    if isinstance(error, ConnectionRefusedError):
        fix = f"Is the server up, and on this port? {LISTEN}"
        return EndpointError("connect", f"{here} refuses the connection", fix, passing=True)
    what = f"{here} cannot be reached: {getattr(error, 'strerror', None) or error}"
    return EndpointError(
        "connect", what, f"Check {server.origin.url}, the network and the firewall.", passing=True
    )


def not_answered(server: Server, url: str, error: Exception, seconds: float) -> EndpointError:
    """Say what it means that a request was sent and its answer did not come."""
    here = _place(server, url)
    if _is_tls(error):
        return EndpointError("tls", *_tls_meaning(server, here, error))
    if isinstance(error, TimeoutError):
        what = f"{here} takes the connection, but its answer is not complete within {seconds:g} s"
        fix = "The server is loading its model, is overloaded or hangs: look at its log."
        return EndpointError("answer", what, fix, passing=True)
    what = f"{here} ends the connection before its answer is complete ({type(error).__name__})"
    fix = f"Is it a model server? If it speaks TLS, write https:// in {server.origin.url}. Look at its log."
    return EndpointError("answer", what, fix)


def _is_tls(error: Exception) -> TypeGuard[ssl.SSLError]:
    """Tell whether a fault is one of TLS."""
    if not isinstance(error, OSError):
        return False
    # Who asks by a gateway comes here never, or when the time is lost already.
    import ssl

    return isinstance(error, ssl.SSLError)


def _place(server: Server, url: str) -> str:
    """Return HOST:PORT, and the proxy where one is in between."""
    host, port = address(url)
    return f"{host}:{port}{_through(server, url)}"


def _between(server: Server, url: str) -> Proxy | None:
    """Return the proxy through which a server is asked; a gateway asks none."""
    return None if server.via else proxy.between(url)


def _through(server: Server, url: str) -> str:
    """Return what a message on this address adds where a proxy is in between."""
    way = _between(server, url)
    return f" (through {_named(way)})" if way else ""


def _named(way: Proxy | None) -> str:
    return f"the proxy {way.shown} of {way.variable}" if way else "a proxy"


def _proxy_fix(server: Server, url: str, way: Proxy | None) -> str:
    """Return what to do where a proxy is in the way."""
    if way is None:
        return f"Check {server.origin.url}: a proxy is there, or on the way."
    return (
        f"{way.variable} is set in the container, mostly by proxies in this machine's ~/.docker/config.json. "
        f"To do without it, add {address(url)[0]} to noProxy there. Else look at the proxy's log."
    )


def too_deep(server: Server, url: str) -> EndpointError:
    """Say what it means that an answer is nested like no model server's."""
    what = f"{url} answers with JSON that is nested too deeply"
    return EndpointError("answer", what, f"Is {server.origin.url} the address of a model server?")


def web_page(server: Server, url: str) -> EndpointError:
    """Say what it means that a web page comes where a model server should be."""
    way = _between(server, url)
    fix = (
        _proxy_fix(server, url, way)
        if way
        else f"Set {server.origin.url} to the API's own address: mostly it ends in /v1, on a port of its own."
    )
    return EndpointError(
        "answer", f"{url} answers with a web page, not as a model server{_through(server, url)}", fix
    )


def address(url: str) -> tuple[str, int]:
    """Return the host and the port that a URL means."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]


def _name_fix(server: Server, host: str) -> str:
    if host == HOST_ITSELF:
        return f"Start with compose.yml, or add the name: --add-host {HOST_ITSELF}:host-gateway."
    if host.endswith(".local"):
        return f"A name in .local is not known in containers: write the address in {server.origin.url}."
    return (
        f"Check {server.origin.url}, or write the address there: "
        "a container may not know the names of your LAN."
    )


def _tls_meaning(server: Server, here: str, error: ssl.SSLError) -> tuple[str, str]:
    """Return what is wrong with a TLS connection, and what to do."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"the certificate of {here} is not accepted: {error.verify_message}"
        if error.verify_code in _OTHER_NAME:
            return what, f"Write the name that the certificate is for in {server.origin.url}."
        if error.verify_code in _OTHER_TIME:
            return what, "Renew the server's certificate, or set this machine's clock."
        return (
            what,
            "Put its CA, or the certificate itself if it is self-signed, into config/ and name it in "
            f"{server.origin.name('MODEL_CA', 'ca')}.",
        )
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return f"{here} does not speak TLS", f"Write http:// in {server.origin.url}."
    return (
        f"TLS with {here} fails: {error.reason or error}",
        f"Check {server.origin.url}, and the server's log.",
    )


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1", "::", "0.0.0.0") or host.startswith("127.")  # noqa: S104 - a paste


def error_text(text: str) -> str:
    """Return what an error answer says, in one short line."""
    try:
        content = json.loads(text)
        for key in ("error", "message", "detail"):
            content = content.get(key, content) if isinstance(content, dict) else content
        said = content if isinstance(content, str) else json.dumps(content)
    except (ValueError, RecursionError):
        said = "" if "<" in text else text
    return " ".join(said.split())[:300]
