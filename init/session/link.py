"""The session's way out: ports of the container's own loopback, and the program that passes on what comes.

PID 1 holds the ports, so that they are there before that program has begun, stay when somebody kills it, and
are nobody else's. The program is the agent's like all else: who kills it, or has it lie, hurts himself.
"""

from __future__ import annotations

import _socket
import os
import time

from init import cluster, listeners, log, paths, signals
from init.errors import EX_NOT_EXECUTABLE, SandboxError
from init.session import gateway_version, inside, supervise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from init.session.plan import Needs
    from init.settings import Settings

_STREAM, _DATAGRAM = _socket.SOCK_STREAM, _socket.SOCK_DGRAM
# Kind, address, the gateway's listener. Where the agent may not open low ports (gVisor, Podman), the last
# three are missing: programs that know a proxy get out all the same.
_PORTS = (
    (_STREAM, (paths.LOOPBACK, paths.MODEL_PORT), "model"),
    (_STREAM, (paths.LOOPBACK, paths.PROXY_PORT), "proxy"),
    (_STREAM, (paths.CAPTURED, paths.HTTPS_PORT), "tls"),
    (_STREAM, (paths.LOOPBACK, paths.DNS_PORT), "dns"),
    (_DATAGRAM, (paths.LOOPBACK, paths.DNS_PORT), "dns"),
)
_BACKLOG = 512
# No process has this number.
_NONE = -1
# Seconds until a gateway that is started beside the session is there, and between two looks.
_STARTING, _LOOK_AGAIN = 20.0, 0.02
# Seconds for it to take a connection at an address of its own.
_ONE_TRY = 1.0
# The folder that gateways of Compose alone have one after the other, and seconds in which one that is being
# started takes away what the one before it left there.
_SHARED, _CLEANING = f"{paths.GATEWAY}/default", 5.0
# Seconds before a program that has just been started is started again.
_PAUSE = 1.0

_RETRIES = ("CARGO_NET_RETRY", "PIP_RETRIES", "UV_HTTP_RETRIES")
# What is on the loopback is reached without the proxy; a model server's address is there, too.
_DIRECT = "localhost,127.0.0.1,::1"


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that show programs the way out; none where the session has a network of its own.

    What is refused is refused for good, and cargo, pip and uv would try again for ten seconds. Where a list
    lets some things out they do it once, for what is allowed may fail for a moment; the user's own number
    counts. npm, bun and git do not try again where they are refused.
    """
    if not environ.get("SANDBOX_GATEWAY") or environ.get("EGRESS") == "open":
        return {}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), paths.PROXY)
    own = {**proxies, "NO_PROXY": _DIRECT}
    lower = {name.lower(): value for name, value in own.items()}
    tries = "1" if environ.get("EGRESS") == "list" else "0"
    retries = {name: tries for name in _RETRIES if not environ.get(name)}
    return {**own, **lower, **retries, "NODE_USE_ENV_PROXY": "1"}


def require(settings: Settings, needs: Needs) -> None:
    """Refuse a session whose network is not what was asked for, and tell of one that nothing filters.

    Raises:
        SandboxError: says what is missing, or too much.
    """
    egress = settings.egress
    if egress == "open" and settings.gateway:
        raise SandboxError(
            "EGRESS=open, but the container has a gateway in the place of a network",
            "Start it by ./start.sh, or set COMPOSE_FILE=compose.yml:compose.open.yml in .env.",
        )
    if egress != "open" and not settings.gateway:
        raise SandboxError(
            f"EGRESS={egress} needs a gateway, and there is none",
            cluster.fix(
                "Start it by ./start.sh, or by docker compose with no compose.open.yml in COMPOSE_FILE.",
                "Set SANDBOX_GATEWAY=tcp:ADDRESS in the pod, as deploy/kubernetes/session does.",
            ),
        )
    if not inside.has_network() or (egress != "open" and settings.egress_via == "network"):
        return
    if egress != "open":
        raise SandboxError(
            f"EGRESS={egress}, but the container has a network all the same",
            "Take it away: compose.yml has network_mode: none. Does a compose file of your own change that?",
        )
    if needs.gateway != "none":
        log.warning("the network is not filtered: EGRESS=open")


def wait(settings: Settings, needs: Needs) -> None:
    """Have the gateway there that a session needs; where it can do without, tell of one that is not.

    Raises:
        SandboxError: it is needed, and is not there; or there is more than the gateway.
        Interrupted: we were asked to end.
    """
    if needs.gateway not in ("examined", "none"):
        try:
            gateway(settings.gateway)
        except SandboxError as error:
            if needs.gateway == "needed":
                raise
            log.warning(error.what, fix=error.fix)
    # Who examines it tells more than the first thing that is wrong.
    if settings.gateway and settings.egress_via == "network" and needs.gateway != "examined":
        inside.require_closed(settings.gateway)


def gateway(place: str) -> str:
    """Return the place of the gateway once it is there; "" where there is none.

    Args:
        place: where it will be: init/listeners.py.

    Raises:
        SandboxError: the gateway cannot start, and says why; it is not there in time, or of another image.
        Interrupted: we were asked to end.
    """
    begun, since = time.monotonic(), time.time()
    while place and not is_there(place):
        signals.stop_if_asked()
        waited = time.monotonic() - begun
        _check(f"{place}/failed", since if place == _SHARED and waited < _CLEANING else 0.0)
        if waited > _STARTING:
            raise SandboxError(
                "the gateway, which is the session's way out, is not there",
                cluster.fix(
                    "./start.sh brings it along; with Compose by hand: docker compose logs gateway. Is there "
                    "room on the engine's disk?",
                    "Look: kubectl get pods -l app.kubernetes.io/component=gateway; kubectl logs"
                    " deployment/gateway. Is its Service called gateway, and older than this pod?",
                ),
            )
        time.sleep(_LOOK_AGAIN)
    if place:
        gateway_version.require(place)
    return place


def is_there(place: str) -> bool:
    """Tell whether a gateway listens there: one that was killed leaves the files of its sockets."""
    listener = listeners.of(place, "model")
    if listener.family != _socket.AF_UNIX:
        return listeners.answers(listener, _ONE_TRY)
    asking = _socket.socket(_socket.AF_UNIX, _STREAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK)
    try:
        asking.connect(listener.address)
    except BlockingIOError:
        # So many wait that it takes no more.
        return True
    except OSError:
        return False
    finally:
        asking.close()
    return True


def _check(path: str, since: float) -> None:
    """Tell why the gateway cannot start, once it has said so, and not before this second of the clock."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read() if os.fstat(file.fileno()).st_mtime >= since else ""
    except OSError:
        return
    what, _, fix = text.partition("\n")
    # Not written to its end yet.
    if fix.endswith("\n"):
        raise SandboxError(what, fix.rstrip("\n"))


class Link:
    """The ports, and the program.

    Raises:
        SandboxError: a port cannot be opened.
    """

    def __init__(self) -> None:
        self._ports = [(port, name) for kind, address, name in _PORTS if (port := _open(kind, address))]
        self._begun = -_PAUSE
        self.pid = _NONE
        self.start()

    def start(self) -> None:
        """Start the program, which was not, or has ended."""
        pause, self._begun = self._begun + _PAUSE - time.monotonic(), time.monotonic()
        try:
            self.pid = os.fork()
        except OSError:
            # As many processes as there may be: it is tried again when one has ended.
            self.pid = _NONE
        if self.pid == 0:
            self._become(max(0.0, pause))

    def ended(self, pid: int) -> None:
        """Take notice of a process that has ended."""
        if self.pid in (pid, _NONE):
            self.start()

    def stop(self) -> None:
        """End the program and close the ports: the session is over. It is reaped as all that is left."""
        if self.pid != _NONE:
            os.kill(self.pid, signals.SIGKILL)
        for port, _ in self._ports:
            port.close()

    def _become(self, pause: float) -> NoReturn:
        try:
            os.setsid()
            # Whoever writes into its memory, proc(5), would be level with us.
            os.nice(supervise.NICE)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            words = []
            for port, name in self._ports:
                os.set_inheritable(port.fileno(), True)
                words.append(f"{port.fileno()}={name}")
            time.sleep(pause)
            signals.reset()
            environ = {"SANDBOX_GATEWAY": os.environ.get("SANDBOX_GATEWAY", ""), "LANG": "C.UTF-8"}
            os.execve(paths.LINK, [paths.LINK, *words], environ)  # noqa: S606 - exec without a shell is the point
        finally:
            os._exit(EX_NOT_EXECUTABLE)


def _open(kind: int, address: tuple[str, int]) -> _socket.socket | None:
    port = _socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC)
    try:
        port.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, int(kind == _STREAM))
        port.bind(address)
        if kind == _STREAM:
            port.listen(_BACKLOG)
    except PermissionError:
        return None
    except OSError as error:
        raise SandboxError(
            f"the way to the gateway, {address[0]} port {address[1]}, cannot be opened: {error.strerror}",
            "Does something else of this container listen there?",
        ) from error
    return port
