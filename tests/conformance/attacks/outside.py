"""What runs on the host: a listener on loopback and one on an abstract socket; prints where, and waits.

Arguments: marker=WORD, for others to find in our command line.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path


def main() -> None:
    """Accept connections until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    local = socket.create_server(("127.0.0.1", 0))
    abstract = socket.socket(socket.AF_UNIX)
    name = sys.argv[1].removeprefix("marker=")
    abstract.bind(f"\0{name}")
    abstract.listen()
    spaces = {path.name: str(path.readlink()) for path in Path("/proc/self/ns").iterdir()}
    port = local.getsockname()[1]
    print(json.dumps({"port": port, "namespaces": spaces, "hostname": os.uname().nodename}), flush=True)
    waiting = selectors.DefaultSelector()
    for listener in (local, abstract):
        waiting.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            # Who only tries to connect is gone before there is an answer.
            with contextlib.suppress(OSError), key.fileobj.accept()[0] as client:  # type: ignore[union-attr]
                client.sendall(b"HTTP/1.0 200 OK\r\n\r\nof the host\n")


if __name__ == "__main__":
    main()
