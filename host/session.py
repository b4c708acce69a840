"""One container of the sandbox, from its start to its end, and which session it is told to be."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from host import detach_keys, messages
from host import terminal as terminals
from host.configuration import GATEWAY, SERVICE
from host.errors import FAILED, SIGNALLED, Interrupted
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.compose import Compose
    from host.supervisor import Child, File, Supervisor

# Seconds until the container must be there, before a signal is passed on to Compose all the same.
CREATING = 20.0
# Seconds that the engine may still be at making a container whose client was ended.
IN_FLIGHT = 2.0
# Seconds to stop a container, which has 20 s itself, or to remove it.
STOPPING = 60.0
# Seconds for what is nice to know.
PATIENCE = 5.0

# Followed before the end is asked for: the engine removes the container then, and its log with it.
END = 'docker logs --follow --since "$1" "$2" & docker kill --signal TERM "$2" >/dev/null 2>&1; wait'

# Says which session it is; and those that have no use of a gateway: init/session/plan.py.
WHICH, INDOORS = "SANDBOX_SESSION", ("accept",)


class Kind(NamedTuple):
    """What a kind of session is given."""

    variables: Mapping[str, str]
    arguments: Sequence[str]
    options: Sequence[str] = ()  # of `docker compose run`
    service: str = SERVICE


# Compose makes networks, and nothing else, only for a container that needs them: one that does nothing.
NETWORK = Kind({}, (), ("--no-deps", "--entrypoint", "true"))
GATEWAYS_NETWORK = NETWORK._replace(service=GATEWAY)


def kind(name: str, arguments: Sequence[str] = ()) -> Kind:
    """Return how the container is told which session it is.

    Args:
        name: tool, shell, doctor or accept.
        arguments: what follows.
    """
    # Which session a plain start is, a user may have set.
    told = {} if name == "tool" else {WHICH: name}
    # What is taken back would be quarantined anew.
    return Kind({**told, "SANDBOX_GUARD": "report"} if name == "accept" else told, arguments)


@dataclass
class Session:
    """One container of the sandbox, from its start to its end.

    Attributes:
        supervisor: what runs it.
        compose: how it is started.
        label: by which its container is found.
        has_gateway: whether compose.yml has a gateway, which Compose would start once more.
        seen: whether the container was seen to run, when a signal came.
    """

    supervisor: Supervisor
    compose: Compose
    label: str
    has_gateway: bool = False
    seen: bool = False

    def run(self, session: Kind, *, terminal: bool, output: File = None, reads: bool = True) -> int:
        """Run the container to its end, leave nothing, and return its exit code.

        Args:
            session: which session it is.
            terminal: the user's terminal is its own. Otherwise it reads our stdin, unless that is a terminal:
                a tool may read stdin to its end, and a person never ends it.
            output: where its stdout goes; by default to ours.
            reads: whether it may read our stdin at all.

        Raises:
            Interrupted: somebody asked for the end, and it is gone.
        """
        alone = ("--no-deps",) if self.has_gateway and "--no-deps" not in session.options else ()
        options = ("--label", self.label, *alone, *(() if terminal else ("-T",)), *session.options)
        command = self.compose.run(options, session.variables, session.arguments, session.service)
        stdin = subprocess.DEVNULL if not reads or (os.isatty(0) and not terminal) else None
        streams = Streams(stdin, output, terminal=terminal)
        environ = self.compose.environ
        try:
            with detach_keys.set_aside(environ) if terminal else contextlib.nullcontext(environ) as environ:
                code = self.supervisor.run(command, environ, streams, end=self._stop)
            return self._settle(code, terminal=terminal)
        except Interrupted:
            self._remove(patience=0 if self.seen else IN_FLIGHT)
            raise

    def _settle(self, code: int, *, terminal: bool) -> int:
        """Leave nothing behind a client that has ended, and return the session's exit code."""
        left = self._containers()
        if terminal and (left or code > SIGNALLED):
            terminals.put_right()
        if left:
            messages.say("the Docker client ended while the sandbox ran: the sandbox is ended, too")
            self._watch_the_end(left)
        elif code == SIGNALLED + signal.SIGKILL:
            messages.say(killed(out_of_memory=self._was_out_of_memory()))
        if left or code > SIGNALLED:
            self._remove()
        return FAILED if left else code

    def _watch_the_end(self, running: Sequence[str]) -> None:
        """Ask for the end and show what is told at it: what the guard found goes with the container."""
        with self.supervisor.undisturbed():
            for container in running:
                ending = ["sh", "-c", END, "sh", str(int(time.time())), container]
                told = Streams(subprocess.DEVNULL, 2)
                self.supervisor.run(ending, self.compose.environ, told, limit=STOPPING)

    def _was_out_of_memory(self) -> bool:
        """Ask the engine whether the kernel killed anything in the container for its memory."""
        # Its clock may be another than ours. What it has told until the limit counts.
        which = ("--filter", "event=oom", "--filter", f"label={self.label}")
        command = ["docker", "events", "--since", "1", "--until", f"{time.time():.3f}", *which]
        with self.supervisor.undisturbed():
            return bool(self.supervisor.ask(command, self.compose.environ, limit=PATIENCE).output)

    def _stop(self, child: Child, number: int) -> None:
        """Stop the container: Compose, asked to end, leaves it to itself, or the engine at making it."""
        deadline = time.monotonic() + CREATING
        while not child.ended() and time.monotonic() < deadline:
            if running := self._containers():
                self.seen = True
                self._docker("stop", *running)
                return
            self.supervisor.pause(0.1)
        child.signal(number)

    def _remove(self, patience: float = 0.0) -> None:
        """Remove what is left of the container, and what the engine may still be making."""
        with self.supervisor.undisturbed():
            deadline = time.monotonic() + patience
            while not (left := self._containers("--all")) and time.monotonic() < deadline:
                self.supervisor.pause(0.1)
            if left:
                self._docker("stop", *left)
                self._docker("rm", "--force", *left)

    def _containers(self, *options: str) -> list[str]:
        return self._docker("ps", *options, "--quiet", "--filter", f"label={self.label}").split()

    def _docker(self, *words: str) -> str:
        return self.supervisor.ask(["docker", *words], self.compose.environ, limit=STOPPING).output


def killed(*, out_of_memory: bool) -> str:
    """Return what is said of a session that was killed: why, and what it leaves undone."""
    why = (
        "killed for want of memory: give it more (SANDBOX_MEMORY in .env), or have it do less at a time"
        if out_of_memory
        else "killed (137), by somebody or for want of the machine's memory"
    )
    return (
        f"{why}.\n"
        "  If it was the whole session and not the tool alone, the workspace guard did not look, and the\n"
        "  next session says so. Look yourself before your own machine works there: git status,\n"
        "  git config --list --local, ls .git/hooks"
    )
