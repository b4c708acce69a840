"""One call of start.sh: what it asks for, and the exit code."""

from __future__ import annotations

import importlib
import os
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from host import checkout as checkouts
from host import cli
from host.errors import FAILED, OK, SIGNALLED, HostError, Interrupted
from host.messages import give_up, tell
from host.options import sessions as options
from host.options.egress import Egress
from host.options.review import Review
from host.options.start import Start
from host.options.task import ClusterTask, Task
from host.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.checkout import Checkout


# Who does what needs the engine, loaded only then: module and function of this package.
DONE_BY: Mapping[type[cli.InEngine], tuple[str, str]] = {
    cli.Accept: ("sessions", "accept"), cli.Doctor: ("doctor", "examine"), cli.Verify: ("verify", "attack"),
    Egress: ("egress", "attend"), options.Ps: ("overview", "show"), options.Enter: ("control", "enter"),
    options.Attach: ("control", "attach"), options.Stop: ("control", "stop"),
    options.Logs: ("control", "logs"), Review: ("review", "attend"), Task: ("tasks", "do"),
    ClusterTask: ("kubernetes", "do"),
}  # fmt: skip


def main(words: Sequence[str]) -> int:
    """Do what the command line asks for, and return the exit code."""
    try:
        code = perform(checkouts.here(), cli.parse(words), words)
        sys.stdout.flush()
    except HostError as error:
        tell(error)
        return error.code
    except Interrupted as interrupted:
        return interrupted.code
    except BrokenPipeError:
        # Whoever read our stdout has gone.
        give_up(1)
        return SIGNALLED + signal.SIGPIPE
    except OSError as error:
        give_up(1)
        # A full disk, a file of this checkout that is gone: what Python says of it is all there is to say.
        tell(HostError(f"the system refuses: {error}"))
        return FAILED
    return code


def perform(checkout: Checkout, request: cli.Request, words: Sequence[str]) -> int:
    """Do what is asked for, and return the exit code.

    Raises:
        HostError: it cannot be done.
        Interrupted: somebody asked for the end.
    """
    if isinstance(request, cli.Print):
        sys.stdout.write(request.text)
        return OK
    if isinstance(request, cli.Version):
        sys.stdout.write(f"{checkout.describe()}\n")
        return OK
    from host import engine

    environ = dict(os.environ)
    supervisor = Supervisor()
    if isinstance(request, cli.Reset):
        from host import reset

        return reset.empty(checkout, supervisor, environ, request)
    if isinstance(request, cli.BuildVariables):
        return print_build_variables(checkout, supervisor, environ)
    again = [str(checkout.root / "start.sh"), *words]
    if isinstance(request, Start) and request.bootstrap:
        from host import sessions

        sessions.bootstrap(checkout, supervisor, environ)
    joined = engine.join_group(supervisor, again, environ)
    if joined is not None:
        return joined
    return with_engine(checkout, supervisor, environ, request)


def with_engine(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], request: cli.InEngine
) -> int:
    """Do what needs the engine, and return the exit code.

    Raises:
        HostError: it cannot be done.
        Interrupted: somebody asked for the end.
    """
    from host import project

    os.chdir(checkout.root)
    if not isinstance(request, Review):
        # A copy knows its folder.
        environ = {**environ, **project.variables(checkout, environ, getattr(request, "workspace", ""))}
    if isinstance(request, Start):
        from host import questions

        # Before the rest is loaded.
        asked = questions.ask(supervisor, checkout, environ)
        from host import opening

        return opening.open_tool(checkout, supervisor, environ, request, asked)
    module, function = DONE_BY[type(request)]
    done: int = getattr(importlib.import_module(f"host.{module}"), function)(
        checkout, supervisor, environ, request
    )
    return done


def print_build_variables(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> int:
    """Print what a build is told, as the shell reads it: scripts/common.sh, build_variables."""
    from host import compose, image

    read, configuration = compose.read(supervisor, checkout, environ)
    variables = {
        "SANDBOX_IMAGE": configuration.image,
        **{name: configuration.variables.get(name, "") for name in ("BASE_IMAGE", "RUST_CHANNEL")},
        **image.choose_platform(environ, configuration.environment),
        **image.sources(supervisor, read, configuration),
    }  # fmt: skip
    for name, value in variables.items():
        if value:
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return OK
