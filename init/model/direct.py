"""A model server that is asked from here: over TLS if its address says so, by a proxy if one is named."""

from __future__ import annotations

import contextlib
import functools
import http.client
import ssl
import urllib.error
import urllib.request

from init.model import failures, proxy
from init.model.endpoint import MOST_TOLD
from init.model.failures import EndpointError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from init.model.servers import Server


@contextlib.contextmanager
def stream(
    server: Server, url: str, data: bytes | None, headers: Mapping[str, str], seconds: float
) -> Iterator[http.client.HTTPResponse]:
    """Yield the response to read from.

    Raises:
        EndpointError: the server cannot be reached, refuses, or breaks off.
    """
    request = urllib.request.Request(url, data, dict(headers))  # noqa: S310 - checks.py lets http and https through
    opener = urllib.request.build_opener(
        proxy.handler(url), urllib.request.HTTPSHandler(context=trust(server)), _NoRedirect()
    )
    try:
        with opener.open(request, timeout=seconds) as response:
            yield response
    except urllib.error.HTTPError as error:
        fields = {name.lower(): value for name, value in error.headers.items()}
        raise failures.refused(
            server, url, Refused(error.code, error.reason, fields, _some(error))
        ) from error
    except urllib.error.URLError as error:
        # urllib wraps what fails before the request is sent, and nothing after that.
        reason = error.reason if isinstance(error.reason, Exception) else OSError(error.reason)
        raise failures.not_reached(server, url, reason, seconds) from error
    except http.client.HTTPException as error:
        raise failures.not_answered(server, url, error, seconds) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to the server that the user named, and to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


def _some(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MOST_TOLD)
    except (OSError, http.client.HTTPException):
        return b""


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
