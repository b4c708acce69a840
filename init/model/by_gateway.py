"""HTTP/1.1 over the gateway's socket, as far as the gateway speaks it: one request, one answer, the end.

Python's own client would have every start load TLS and the parsers of mail, which takes longer than asking.
"""

from __future__ import annotations

import _socket
import contextlib
import io

from init import listeners
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Bytes of a line, and fields of a head: what the gateway lets through.
_LONGEST_LINE, _MOST_FIELDS = 32 << 10, 110


class Answer:
    """An answer, whose body is read from here.

    Attributes:
        status: of HTTP.
        reason: its words.
        headers: the fields, by name in lower case.

    Args:
        source: where it comes.

    Raises:
        ConnectionError: it does not begin.
    """

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        version, _, rest = self._line().partition(" ")
        code, _, self.reason = rest.partition(" ")
        if not version.startswith("HTTP/1.") or not code.isdecimal():
            raise ConnectionError("no answer of HTTP")
        self.status = int(code)
        self.headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            self.headers.setdefault(name.lower(), value.strip())
            if len(self.headers) > _MOST_FIELDS:
                raise ConnectionError("an answer without end")
        self._is_chunked = "transfer-encoding" in self.headers
        # None where it ends with the connection.
        length = self.headers.get("content-length")
        self._left = 0 if self._is_chunked else int(length) if length is not None else None

    def read(self, most: int) -> bytes:
        """Return the body, so many bytes at most.

        Raises:
            ConnectionError: it ends before its end.
        """
        parts = []
        while most > 0 and (part := self._some(most)):
            parts.append(part)
            most -= len(part)
        return b"".join(parts)

    def readline(self, most: int) -> bytes:
        """Return a line of the body, so many bytes at most; b"" at the end.

        Raises:
            ConnectionError: it ends before its end.
        """
        line = b""
        while len(line) < most and not line.endswith(b"\n") and (part := self._some(most - len(line), "\n")):
            line += part
        return line

    def _some(self, most: int, end: str = "") -> bytes:
        if self._left == 0 and self._is_chunked:
            self._next_chunk()
        if self._left == 0:
            return b""
        count = most if self._left is None else min(most, self._left)
        part = self._source.readline(count) if end else self._source.read1(count)
        if self._left is not None:
            if not part:
                raise ConnectionError("the connection ends before the answer")
            self._left -= len(part)
            if self._left == 0 and self._is_chunked:
                self._line()
        return part

    def _next_chunk(self) -> None:
        try:
            self._left = int(self._line().partition(";")[0], 16)
        except ValueError as error:
            raise ConnectionError("an answer that is not chunked as it says") from error
        self._is_chunked = self._left > 0

    def _line(self) -> str:
        line = self._source.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise ConnectionError("the connection ends before the answer")
        return line.decode("latin-1").rstrip("\r\n")


@contextlib.contextmanager
def answer(
    place: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[Answer]:
    """Ask, and yield the answer, whatever its status.

    Args:
        place: the gateway's: init/listeners.py.
        target: what is asked for.
        body: of a POST; None asks with GET.
        headers: of the request.

    Raises:
        EndpointError: there is no gateway.
        OSError: it does not answer.
    """
    fields = {"Host": "gateway", "Connection": "close", **(headers or {})}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    lines = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    head = "\r\n".join((*lines, "", "")).encode()
    listener = listeners.of(place, "model")
    with contextlib.closing(_socket.socket(listener.family, _socket.SOCK_STREAM)) as connection:
        try:
            connection.connect(listener.address)
        except OSError as error:
            raise silent(error) from error
        connection.sendall(head + (body or b""))
        # Without a time-out of its own it blocks, which a file must: the deadline is the caller's.
        with open(connection.fileno(), "rb", closefd=False) as source:
            yield Answer(source)


def silent(error: Exception) -> EndpointError:
    """Return what to tell of a gateway that does not answer."""
    why = getattr(error, "strerror", None) or error
    return EndpointError("connect", f"the gateway does not answer: {why}", "Start the session anew.")
