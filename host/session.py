"""One container of the sandbox, from its start to its end, and which session it is told to be.

A session with a name has a terminal of its own in the engine, which outlives ours. Where ours hangs up, or
its client is gone, it runs on; one without a terminal ends with us.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from host import detach_keys, endings, labels, messages
from host import terminal as terminals
from host.configuration import GATEWAY, SERVICE
from host.errors import FAILED, OK, SIGNALLED, Interrupted
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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

# Followed before the end is asked for, so that all of it is told.
END = 'docker logs --follow --since "$1" "$2" & docker kill --signal TERM "$2" >/dev/null 2>&1; wait'

# States of a container that has not ended.
RUNNING = ("running", "paused", "restarting")
# Says which session it is; and those that have no use of a gateway: init/session/plan.py.
WHICH, INDOORS = "SANDBOX_SESSION", ("accept", "diff", "apply", "unpack")
# Has PID 1 keep a hang-up from all that runs: init/signals.py.
LASTING = {"SANDBOX_HANGUP": "keep"}


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
        name: tool, shell, doctor, accept, diff or apply.
        arguments: what follows.
    """
    # Which session a plain start is, a user may have set.
    told = {} if name == "tool" else {WHICH: name}
    # What is taken back would be quarantined anew.
    return Kind({**told, "SANDBOX_GUARD": "report"} if name == "accept" else told, arguments)


class Identity(NamedTuple):
    """What a session is known by.

    Attributes:
        name: what the user calls it, "" where it is nothing to come back to.
        kind: what runs in it: tool, shell, task, …
        tool: which tool; "" where the menu asks.
        workspace: the folder that it works on.
        copy: the volume with its copy of that folder, or "".
    """

    name: str = ""
    kind: str = ""
    tool: str = ""
    workspace: Path | None = None
    copy: str = ""

    def written(self) -> dict[str, str]:
        """Return the labels of a new session: our process, and what no other has had, name its start."""
        start = {labels.SESSION: f"{os.getpid()}.{secrets.token_hex(4)}"}
        if not self.name:
            return start
        folder = str(self.workspace.resolve()) if self.workspace else ""
        return {
            **start, labels.NAME: self.name, labels.KIND: self.kind, labels.TOOL: self.tool,
            labels.WORKSPACE: folder, labels.COPY: self.copy,
        }  # fmt: skip


NOBODY = Identity()


@dataclass
class Session:
    """One container of the sandbox, from its start to its end.

    Attributes:
        supervisor: what runs it.
        compose: how it is started.
        labels: what is written on its container, by which it is found, too.
        container: the engine's name of it; "" has the engine make one up, and remove it at the end.
        has_gateway: whether compose.yml has a gateway, which Compose would start once more.
        lasting: whether it runs on when our terminal hangs up.
        seen: whether the container was seen to run, when a signal came.
        stays: whether it runs on without us.
    """

    supervisor: Supervisor
    compose: Compose
    labels: Mapping[str, str]
    container: str = ""
    has_gateway: bool = False
    lasting: bool = False
    seen: bool = False
    stays: bool = False

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.labels.get(labels.NAME, "")

    def run(self, session: Kind, *, terminal: bool, output: File = None, reads: bool = True) -> int:
        """Run the container to its end, or until it is left; return its exit code.

        Args:
            session: which session it is.
            terminal: the user's terminal is its own. Otherwise it reads our stdin, unless that is a terminal:
                a tool may read stdin to its end, and a person never ends it.
            output: where its stdout goes; by default to ours.
            reads: whether it may read our stdin at all.

        Raises:
            HostError: its name is another's.
            Interrupted: somebody asked for the end, and it is gone; or it hung up, and the session stays.
        """
        self.lasting = terminal and bool(self.container)
        command = self.command(session, terminal=terminal)
        stdin = subprocess.DEVNULL if not reads or (os.isatty(0) and not terminal) else None
        streams = Streams(stdin, output, terminal=terminal)
        environ = self.compose.environ
        with detach_keys.set_aside(environ) if terminal else contextlib.nullcontext(environ) as environ:
            return self.attend(command, streams, environ)

    def command(self, session: Kind, *, terminal: bool, detached: bool = False) -> list[str]:
        """Return the command line that makes the container and starts it."""
        options = (
            *(("--name", self.container) if self.container else ("--rm",)), *labels.options(self.labels),
            *(("--no-deps",) if self.has_gateway and "--no-deps" not in session.options else ()),
            *(() if terminal else ("-T",)), *(("--detach",) if detached else ()), *session.options,
        )  # fmt: skip
        variables = {**session.variables, **(LASTING if self.lasting else {})}
        return self.compose.run(options, variables, session.arguments, session.service)

    def attend(self, command: Sequence[str], streams: Streams, environ: Mapping[str, str]) -> int:
        """Have a client of the session's run to its end, and see to the session's; return its exit code.

        Args:
            command: the client, which makes the container, or is attached to it.
            streams: what it reads and writes.
            environ: its environment.

        Raises:
            HostError: the session's name is another's.
            Interrupted: somebody asked for the end, and it is gone; or it hung up, and the session stays.
        """
        try:
            code = self.supervisor.run(command, environ, streams, end=self._stop)
            return self._settle(code, terminal=streams.terminal)
        except Interrupted as interrupted:
            if interrupted.code == SIGNALLED + signal.SIGHUP and self.lasting and self._runs_on():
                self.leave()
            else:
                self.remove(patience=0 if self.seen else IN_FLIGHT)
            raise

    def _settle(self, code: int, *, terminal: bool) -> int:
        """Leave nothing behind a client that has ended, and return the session's exit code."""
        # The engine removes none that runs: one call tells, and removes.
        if code == OK and self.container and self.docker("rm", self.container):
            return code
        ours = self.look()
        runs = [container for container, state in ours if state in RUNNING]
        if terminal and (runs or code > SIGNALLED):
            terminals.put_right()
        if runs and self.lasting:
            self.leave()
            return FAILED if code > SIGNALLED else OK
        if runs:
            messages.say("the Docker client ended while the sandbox ran: the sandbox is ended, too")
            self._watch_the_end(runs)
        elif code == SIGNALLED + signal.SIGKILL:
            messages.say(endings.killed(out_of_memory=self._was_out_of_memory()))
        if ours or code > SIGNALLED:
            # A client that was ended may leave the engine at making it.
            self.remove(patience=0 if ours else IN_FLIGHT)
        elif code != OK:
            self.require_name()
        return FAILED if runs else code

    def leave(self) -> None:
        """Leave the session to itself, and say how to come back."""
        self.stays = True
        if terminals.is_terminal():
            # Its cursor is where the tool left it.
            terminals.write(terminals.RESET + b"\r\n")
        messages.say(endings.left(self.name))

    def require_name(self) -> None:
        """Refuse to go on where the engine gave the name to another start, which came first.

        Raises:
            HostError: it did.
        """
        if self.container and self.docker("ps", "--all", "--quiet", "--filter", f"name=^{self.container}$"):
            raise endings.taken(self.name)

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
        which = ("--filter", "event=oom", "--filter", f"label={self._label}")
        command = ["docker", "events", "--since", "1", "--until", f"{time.time():.3f}", *which]
        with self.supervisor.undisturbed():
            return bool(self.supervisor.ask(command, self.compose.environ, limit=PATIENCE).output)

    def _stop(self, child: Child, number: int) -> None:
        """Stop the container: Compose, asked to end, leaves it to itself, or the engine at making it."""
        deadline = time.monotonic() + CREATING
        while not child.ended() and time.monotonic() < deadline:
            if running := self.running():
                self.seen = True
                if number == signal.SIGHUP and self.lasting:
                    # Asked to end, it would pass that on.
                    child.signal(signal.SIGKILL)
                else:
                    self.docker("stop", *running)
                return
            self.supervisor.pause(0.1)
        child.signal(number)

    def _runs_on(self) -> bool:
        with self.supervisor.undisturbed():
            return bool(self.running())

    def remove(self, patience: float = 0.0) -> None:
        """Remove what is left of the container, and what the engine may still be making."""
        with self.supervisor.undisturbed():
            deadline = time.monotonic() + patience
            while not (left := [container for container, _ in self.look()]) and time.monotonic() < deadline:
                self.supervisor.pause(0.1)
            if left:
                self.docker("stop", *left)
                self.docker("rm", "--force", *left)

    @property
    def _label(self) -> str:
        return f"{labels.SESSION}={self.labels[labels.SESSION]}"

    def running(self) -> list[str]:
        """Return its container's number, if it runs."""
        return [container for container, state in self.look() if state in RUNNING]

    def look(self) -> list[tuple[str, str]]:
        """Return number and state of what there is of the container."""
        listed = ("ps", "--all", "--filter", f"label={self._label}", "--format", "{{.ID}} {{.State}}")
        found = (line.partition(" ") for line in self.docker(*listed).splitlines())
        return [(container, state) for container, _, state in found]

    def docker(self, *words: str) -> str:
        """Return what the engine's client answers."""
        return self.supervisor.ask(["docker", *words], self.compose.environ, limit=STOPPING).output
