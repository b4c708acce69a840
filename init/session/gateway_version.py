"""Whether a gateway is of this session's image: nobody tries how two versions understand each other."""

from __future__ import annotations

import _socket
import contextlib
import time

from init import listeners, paths, signals
from init.errors import SandboxError

# Seconds for its answer, which it has at hand; between two looks at signals; and bytes.
_ANSWERING, _LOOK_AGAIN, _LONGEST = 10.0, 0.05, 4096


def require(place: str) -> None:
    """Ask a gateway for its version.

    Args:
        place: the gateway's: init/listeners.py.

    Raises:
        SandboxError: it is of another version, or does not answer.
        Interrupted: we were asked to end.
    """
    with open(paths.VERSION, encoding="utf-8") as file:
        ours = file.read().strip()
    try:
        answer = _ask(place, b"GET /.gateway HTTP/1.0\r\n\r\n")
    except OSError as error:
        raise SandboxError(
            f"the gateway, which is the session's way out, does not answer: {error}",
            "Start the session anew; with Compose by hand: docker compose restart gateway.",
        ) from error
    theirs = answer.partition(b'"version": "')[2].partition(b'"')[0].decode("ascii", "replace")
    if theirs != ours:
        raise SandboxError(
            f"the gateway's image is of version {theirs or 'unknown'}, and this session's of {ours}",
            "Start both of one image: ./start.sh; by hand: docker compose up --force-recreate gateway.",
        )


def _ask(place: str, request: bytes) -> bytes:
    """Return what comes back, to its end.

    Raises:
        OSError: nothing does, or not in time.
        Interrupted: we were asked to end.
    """
    answer, deadline = b"", time.monotonic() + _ANSWERING
    listener = listeners.of(place, "model")
    with contextlib.closing(_socket.socket(listener.family, _socket.SOCK_STREAM)) as connection:
        connection.settimeout(_LOOK_AGAIN)
        connection.connect(listener.address)
        connection.sendall(request)
        while len(answer) < _LONGEST:
            try:
                part = connection.recv(_LONGEST)
            except TimeoutError:
                # A stopped process's socket takes connections: the kernel does that.
                signals.stop_if_asked()
                if time.monotonic() > deadline:
                    raise
                continue
            if not part:
                break
            answer += part
    return answer
