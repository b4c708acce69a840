"""The gateway: its policy and servers, its sockets, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from gateway import policy_file
from gateway.journal import Journal
from gateway.listeners import dns, listener, model, proxy, tls
from gateway.listeners.listener import Listener
from gateway.wire import http_head
from init import log, paths
from init.errors import SandboxError
from init.model import configuration, endpoint
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.policy import Policy

# Where the sockets are: a volume, which the sandbox mounts read-only.
SOCKETS = "/run/gateway"

# Connections that may wait to be taken: connect(2) to a Unix socket fails with EAGAIN where there are more.
_BACKLOG = 1024


class Gateway:
    """What the sockets lead to.

    Args:
        variables: MODEL_*, EGRESS and EGRESS_ALLOW.
        config: where models.yml and egress.yml are.
    """

    def __init__(self, variables: Mapping[str, str], config: str) -> None:
        self._variables, self._config = variables, config
        self.journal = Journal(sys.stdout)
        self.policy = policy_file.read(variables, config, {})
        self.servers = servers(variables, config)

    def reload(self) -> None:
        """Take the list anew; one that cannot be read changes nothing."""
        try:
            self.policy = policy_file.read(self._variables, self._config, {})
        except SandboxError as error:
            self.journal.write("policy", "error", reason="not-read", text=error.what, fix=error.fix)
        else:
            self.journal.write("policy", "allow", reason="read", entries=len(self.policy.entries))

    def listeners(self) -> dict[str, Listener]:
        """Return what stands behind each socket, by its name."""

        def policy() -> Policy:
            return self.policy

        handlers = {
            "model": (model.Model(self.servers).handle, listener.tell_by_http),
            "proxy": (proxy.Proxy(policy).handle, proxy.tell),
            "tls": (tls.Tls(policy).handle, listener.tell_by_tls),
            "dns": (dns.Dns(policy, self.journal).handle, dns.tell),
        }
        return {name: Listener(name, *handler, self.journal) for name, handler in handlers.items()}


def main() -> int:
    """Serve until a signal ends it; return the exit code."""
    log.configure(as_json=os.environ.get("SANDBOX_LOG") == "json")
    try:
        gateway = Gateway(os.environ, paths.CONFIG)
        asyncio.run(serve(gateway, os.environ.get("GATEWAY_SOCKETS", SOCKETS)))
    except SandboxError as error:
        log.error(error.what, fix=error.fix)
        return error.exit_code
    return 0


def servers(variables: Mapping[str, str], config: str) -> dict[str, model.ModelServer]:
    """Return the model servers by name.

    Raises:
        SandboxError: a setting is wrong.
    """
    described = configuration.read(variables, lambda what, fix: log.warning(what, fix=fix), config)
    try:
        return {
            server.name: model.server(server.url, server.key, endpoint.trust(server))
            for server in described.servers
        }
    except EndpointError as error:
        raise SandboxError(error.what, error.fix) from error


async def serve(gateway: Gateway, folder: str) -> None:
    """Open the sockets, and pass on until a signal comes.

    Raises:
        SandboxError: a socket cannot be made.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, ended.set)
    loop.add_signal_handler(signal.SIGHUP, gateway.reload)
    with contextlib.ExitStack() as stack:
        for name, handler in gateway.listeners().items():
            # Not waited for: what is open may be for hours.
            stack.callback((await _socket(f"{folder}/{name}", handler)).close)
        gateway.journal.write("policy", "allow", reason="ready", mode=gateway.policy.mode)
        await ended.wait()


async def _socket(path: str, handler: Listener) -> asyncio.Server:
    try:
        server = await asyncio.start_unix_server(
            handler.serve, path, limit=http_head.MOST_BYTES, backlog=_BACKLOG
        )
        # Who may reach it is decided by who mounts the volume.
        Path(path).chmod(0o666)
    except OSError as error:
        raise SandboxError(
            f"the gateway's socket {path} cannot be made: {error.strerror}",
            "Is the volume there, and not full?",
        ) from error
    return server


if __name__ == "__main__":
    sys.exit(main())
