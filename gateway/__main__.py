"""The gateway: its policy and servers, its sockets, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from gateway import git_addresses, inside, policy_file, questions
from gateway.connection import Protocol
from gateway.journal import Journal
from gateway.listeners import dns, listener, model, proxy, tls
from gateway.listeners.listener import Listener, Room
from init import listeners, log
from init.errors import SandboxError
from init.model import configuration, direct
from init.model.failures import EndpointError
from init.model.servers import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.policy import Policy

# Files with keys, which are mounted here and nowhere else.
KEYS = "/etc/sandbox/keys"
# What is said in the place of the sockets where they cannot be: init/session/link.py.
FAILED = "failed"

# Seconds before it is started again, and between two looks at what is open.
_PAUSE, _LOOK_AGAIN = 0.2, 0.2

_ENDING = {signal.SIGTERM, signal.SIGINT}
# What the parent waits for, and passes on but for the last.
_ATTENDED = _ENDING | {signal.SIGHUP, signal.SIGCHLD}

# Connections that may wait to be taken: connect(2) to a Unix socket fails with EAGAIN where there are more.
_BACKLOG = 1024


class Gateway:
    """What the sockets lead to.

    Args:
        variables: MODEL_*, EGRESS and EGRESS_ALLOW.
        places: where models.yml, egress.yml and the keys are.
        folder: of the sockets, and of what git is told; None where there is none.

    Raises:
        SandboxError: a setting is wrong, or the folder cannot be written.
    """

    def __init__(self, variables: Mapping[str, str], places: Places, folder: Path | None) -> None:
        self._variables, self._places, self._folder = variables, places, folder
        self.journal = Journal(sys.stdout)
        self.policy = policy_file.read(variables, places.config)
        self.servers = servers(variables, places)
        self._tell_git()

    def reload(self) -> None:
        """Take the list anew; one that cannot be read changes nothing."""
        # Who changed the list waits for it.
        digest = questions.digest(self._places)
        try:
            self.policy = policy_file.read(self._variables, self._places.config)
            self._tell_git()
        except SandboxError as error:
            self.journal.write(
                "policy", "error", reason="not-read", text=error.what, fix=error.fix, digest=digest
            )
        else:
            self.journal.write(
                "policy", "allow", reason="read", entries=len(self.policy.entries), digest=digest
            )

    def _tell_git(self) -> None:
        if not self._folder:
            return
        try:
            git_addresses.write(self._folder, self.policy)
        except OSError as error:
            raise SandboxError(
                f"the gateway cannot write {git_addresses.FILE} in {self._folder}: {error.strerror}",
                "Is the volume full?",
            ) from error

    def listeners(self) -> dict[str, Listener]:
        """Return what stands behind each socket, by its name."""

        def policy() -> Policy:
            return self.policy

        handlers = {
            "model": (model.Model(self.servers, lambda: self.journal.refused).handle, listener.tell_by_http),
            "proxy": (proxy.Proxy(policy).handle, proxy.tell),
            "tls": (tls.Tls(policy).handle, listener.tell_by_tls),
            "dns": (dns.Dns(policy, self.journal).handle, dns.tell),
        }
        # A question for a name takes hardly any memory, and must not wait for what does.
        streams, names = Room(), Room()
        return {
            name: Listener(name, *handler, self.journal, names if name == "dns" else streams)
            for name, handler in handlers.items()
        }


def main(arguments: list[str]) -> int:
    """Answer a question, or have a gateway until a signal ends it; return the exit code."""
    if arguments and arguments[0] in questions.QUESTIONS:
        is_open = os.environ.get("EGRESS") == "open"
        # Without a gateway keys are where the session reads them.
        return questions.answer(arguments[0], Places() if is_open else Places(keys=KEYS, shared=True))
    return keep()


def keep() -> int:
    """Have a gateway until a signal ends it, started again where it breaks; return the exit code.

    Where memory runs out, the kernel kills the largest process of the container, which is not this one.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _ATTENDED)
    while True:
        child = os.fork()
        if child == 0:
            # Until it can be taken: start.sh waits for what the gateway says of a new list.
            signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGHUP})
            os._exit(run())
        code = attend(child)
        if code == 0:
            remove(place())
        if code >= 0:
            return code
        log.error(f"the gateway was ended by signal {-code}", fix="It is started again.")
        time.sleep(_PAUSE)


def attend(child: int) -> int:
    """Pass signals on until the child has ended; return its exit code, or minus the signal that broke it."""
    asked = False
    while True:
        received = signal.sigwait(_ATTENDED)
        if received != signal.SIGCHLD:
            asked = asked or received in _ENDING
            os.kill(child, received)
            continue
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return max(code, 0) if asked else code


def run() -> int:
    """Serve until a signal ends it; return the exit code."""
    log.configure(as_json=os.environ.get("SANDBOX_LOG") == "json")
    folder = place()
    try:
        at = inside.address(os.environ)
        if folder:
            provide(folder)
        gateway = Gateway(os.environ, Places(keys=KEYS, shared=True), folder)
        asyncio.run(serve(gateway, folder, at))
    except SandboxError as error:
        return refuse(folder, error)
    except Exception as error:
        return refuse(folder, SandboxError(f"internal error of the gateway: {error!r}", "Please report it."))
    return 0


def place() -> Path | None:
    """Return the folder of this gateway's sockets; None where everybody knows its address."""
    setting = os.environ.get("SANDBOX_GATEWAY") or "default"
    return None if setting.startswith(listeners.TCP) else Path(listeners.place(setting))


def provide(folder: Path) -> None:
    """Have an empty folder for the sockets.

    Raises:
        SandboxError: it cannot be made.
    """
    try:
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
    except OSError as error:
        raise SandboxError(
            f"the gateway cannot make its sockets in {folder}: {error.strerror}",
            "Is the volume there, not full, and writable for this user?",
        ) from error


def remove(folder: Path | None) -> None:
    """Leave nothing on the volume."""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def refuse(folder: Path | None, error: SandboxError) -> int:
    """Say in the place of the sockets why there are none: the session shows it. Return the exit code."""
    log.error(error.what, fix=error.fix)
    if folder:
        with contextlib.suppress(OSError):
            (folder / FAILED).write_text(f"{log.printable(error.what)}\n{error.fix}\n")
    return error.exit_code


def servers(variables: Mapping[str, str], places: Places) -> dict[str, model.ModelServer]:
    """Return the model servers by name.

    Raises:
        SandboxError: a setting is wrong.
    """
    described = configuration.read(variables, lambda what, fix: log.warning(what, fix=fix), places)
    try:
        return {server.name: model.ModelServer(server, direct.trust(server)) for server in described.servers}
    except EndpointError as error:
        raise SandboxError(error.what, error.fix) from error


async def serve(gateway: Gateway, folder: Path | None, at: str) -> None:
    """Listen, and pass on until a signal comes.

    Args:
        gateway: what is listened for.
        folder: where the sockets are, or is told where else the gateway listens.
        at: the address, "" for sockets.

    Raises:
        SandboxError: it cannot listen there.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in _ENDING:
        loop.add_signal_handler(signum, ended.set)
    loop.add_signal_handler(signal.SIGHUP, gateway.reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    with contextlib.ExitStack() as stack:
        handlers = gateway.listeners()
        for name, handler in handlers.items():
            # Not waited for: what is open may be for hours.
            stack.callback((await listen(folder, at, name, handler)).close)
        if folder and at:
            inside.tell(folder, at)
        gateway.journal.write("policy", "allow", reason="ready", mode=gateway.policy.mode)
        await ended.wait()
    if not folder:
        await drained(handlers.values(), ended)


async def drained(handlers: Iterable[Listener], ended: asyncio.Event) -> None:
    """Let what is open go on where many sessions share a gateway: another one has taken this one's place.

    Whoever asked waits as long as he likes (terminationGracePeriodSeconds), and then kills; a second signal
    ends it at once.
    """
    ended.clear()
    while any(handler.busy for handler in handlers):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN):
                await ended.wait()
                return


async def listen(folder: Path | None, at: str, name: str, handler: Listener) -> asyncio.Server:
    """Have a listener at its port of the address, or at its socket in the folder.

    Raises:
        SandboxError: it cannot be.
    """
    loop = asyncio.get_running_loop()

    def protocol() -> Protocol:
        return Protocol(handler.serve)

    try:
        if at or not folder:
            return await loop.create_server(protocol, at, listeners.PORTS[name], backlog=_BACKLOG)
        server = await loop.create_unix_server(protocol, folder / name, backlog=_BACKLOG)
        # Who may reach it is decided by who mounts the volume.
        (folder / name).chmod(0o666)
    except OSError as error:
        place = f"{at} port {listeners.PORTS[name]}" if at else f"its socket {folder}/{name}"
        raise SandboxError(
            f"the gateway cannot listen at {place}: {error.strerror}",
            "Is the address its own?" if at else "Is the volume there, and not full?",
        ) from error
    return server


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
