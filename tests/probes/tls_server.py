"""An HTTPS server that prints the first part of each path that is asked for: tls_server.py CERTIFICATE KEY.

It begins with its port. A client that does not trust it asks for nothing.
"""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Has nothing for anybody."""

    def do_GET(self) -> None:
        print(self.path.split("/")[1], flush=True)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until it is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
