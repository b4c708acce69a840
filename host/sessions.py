"""The sandbox as a user has it: open a tool in it, enter the one that runs, take a quarantine back."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from host import compose as compose_files
from host import (
    containers,
    copying,
    demo,
    detach_keys,
    engine,
    gateway,
    git,
    image,
    inside,
    messages,
    names,
    network,
    project,
    questions,
    repositories,
)
from host import terminal as terminals
from host.configuration import SERVICE
from host.errors import SIGNALLED, HostError
from host.filling import Maker
from host.session import GATEWAYS_NETWORK, INDOORS, NETWORK, WHICH, Kind, Session, kind
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from host.checkout import Checkout
    from host.compose import Compose
    from host.configuration import Configuration
    from host.options.start import Start
    from host.questions import Questions
    from host.supervisor import Beside, Supervisor


def open_tool(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], start: Start, asked: Questions
) -> int:
    """Build the image where it is not up to date, and run a tool in the sandbox; return the tool's exit code.

    Raises:
        HostError: it did not come to that.
        Interrupted: somebody asked for the end.
    """
    found, compose, configuration = questions.answered(supervisor, checkout, environ, asked)
    configuration = inside.decided(found, configuration)
    planned = demo.plan(checkout, configuration, environ) if start.demo else None
    emulated = image.choose_platform(environ, configuration.environment)
    compose = compose.given(**emulated, **(planned.settings if planned else {}))
    configuration.provide_folders()
    if configuration.workspace and (hint := repositories.dubious(configuration.workspace, os.geteuid())):
        messages.say(hint)
    if start.build:
        image.build(supervisor, compose, configuration, start.build_options, demonstrating=start.demo)
    else:
        image.require(supervisor, configuration, compose.environ)
    chosen = kind("shell" if start.shell else "tool", start.arguments)
    at_terminal = terminals.is_terminal()
    variables = {**(planned.variables if planned else {}), **chosen.variables,
                 **git.variables(supervisor, environ, configuration.environment),
                 **preferences(configuration.environment, start, terminal=at_terminal)}  # fmt: skip
    maker = Maker(supervisor, compose, configuration, found)
    with (
        copying.around(maker, names.made_up()) if start.copy else contextlib.nullcontext((compose, None)) as (
            compose,
            _,
        ),
        with_repositories(compose, configuration, wanted=start.with_repository) as extended,
        begun(
            supervisor, extended, configuration, variables, demonstrating=start.demo, networks=asked.networks
        ) as session,
    ):
        return session.run(Kind(variables, chosen.arguments), terminal=at_terminal)


@contextlib.contextmanager
def with_repositories(compose: Compose, configuration: Configuration, *, wanted: bool) -> Iterator[Compose]:
    """Have the repositories mounted that the workspace leads to, if that is wanted.

    Raises:
        HostError: there is none, or one that may not be mounted.
    """
    if not wanted:
        yield compose
        return
    found = repositories.find(configuration.workspace) if configuration.workspace else []
    if not found:
        raise HostError(
            "--with-repository: the workspace leads to no repository outside of it.",
            "It is for worktrees and submodules, whose .git is a file. Leave it out.",
        )
    for repository in found:
        messages.say(f"mounted as well, writable: {repository.folder}, which {repository.pointer} leads to")
    with (
        repositories.kept(found),
        compose.extended(repositories.override(found, SERVICE)) as more,
    ):
        yield more


def preferences(environment: Mapping[str, str], start: Start, *, terminal: bool) -> dict[str, str]:
    """Return what is chosen for the user: the tool, and that the menu waits where somebody is there.

    Args:
        environment: what compose.yml gives the sandbox.
        start: the options of the command line.
        terminal: whether somebody is at a terminal.
    """
    chosen = {} if not terminal or environment.get("MENU_TIMEOUT") else {"MENU_TIMEOUT": "0"}
    if start.tool:
        chosen["DEFAULT_TOOL"] = start.tool
    elif start.demo and not start.shell and not environment.get("DEFAULT_TOOL"):
        chosen["DEFAULT_TOOL"] = "opencode"
    return chosen


@contextlib.contextmanager
def begun(  # noqa: PLR0913 - who runs it, how it is called, and what is wanted
    supervisor: Supervisor,
    compose: Compose,
    configuration: Configuration,
    variables: Mapping[str, str],
    *,
    demonstrating: bool = False,
    networks: Beside | None = None,
) -> Iterator[Session]:
    """Have a session, its network, the demo's model and the gateway around it.

    Args:
        supervisor: what runs them.
        compose: how they are started.
        configuration: what Compose understood.
        variables: what the session is given.
        demonstrating: whether the demo's model is wanted.
        networks: which there are, where that was asked before.

    Raises:
        HostError: there are two networks, or the model or the gateway did not start.
    """
    compose = compose.given(**project.cover(compose.root, configuration.data))
    label = f"agentic-sandbox.session={os.getpid()}.{secrets.token_hex(4)}"
    session = Session(supervisor, compose, label, configuration.has_gateway)
    needed = GATEWAYS_NETWORK if configuration.has_gateway else NETWORK
    network.provide(
        supervisor, compose.environ, configuration.networks, compose.root,
        lambda: session.run(needed, terminal=False, output=2, reads=False),
        asked=networks,
    )  # fmt: skip
    with contextlib.ExitStack() as around:
        if demonstrating:
            around.callback(demo.end, supervisor, compose, configuration)
            demo.start(supervisor, compose, configuration)
        if variables.get(WHICH) not in INDOORS:
            beside = gateway.beside(supervisor, compose, configuration, variables)
            session.compose = around.enter_context(beside)
        yield session


def bootstrap(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Bring up what is missing.

    Raises:
        HostError: it could not; the script's own words are on stderr.
    """
    script = str(checkout.root / "scripts" / "bootstrap.sh")
    # sudo may ask for a password.
    if supervisor.run([script], environ, Streams(terminal=terminals.can_ask())) != 0:
        raise HostError("--bootstrap did not come to its end; the lines above say why.")


def enter(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], words: Sequence[str]
) -> int:
    """Run a command, or a shell, in the sandbox that runs from this folder; return its exit code.

    `docker compose exec` knows containers of `up` only, and both it and `docker exec` are root by default;
    sandbox-enter gives that up as the session did.

    Raises:
        HostError: none runs.
        Interrupted: somebody asked for the end.
    """
    engine.reach(supervisor, environ)
    _, configuration = compose_files.read(supervisor, checkout, environ)
    found = containers.running(supervisor, environ, checkout.root) or ()
    running = containers.of(found, SERVICE, configuration.projects)
    if not running:
        raise HostError("no sandbox of this folder is running.", "Start one: ./start.sh")
    if len(running) > 1:
        messages.say(f"{len(running)} sandboxes of this folder run; this is the newest, {running[0][:12]}")
    options = ["--interactive", *detach_keys.options(environ)]
    at_terminal = terminals.is_terminal()
    command = [*options, *(["--tty"] if at_terminal else []), running[0], "sandbox-enter", *words]
    code = supervisor.run(["docker", "exec", *command], environ, Streams(terminal=os.isatty(0)))
    if at_terminal and code > SIGNALLED:
        terminals.put_right()
    return code


def accept(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], names: Sequence[str]
) -> int:
    """Take back what the workspace guard quarantined; without a name, list what there is.

    Raises:
        HostError: the sandbox cannot be started.
        Interrupted: somebody asked for the end.
    """
    found = engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    configuration = inside.decided(found, configuration)
    compose = compose.given(**image.choose_platform(environ, configuration.environment))
    chosen = kind("accept", names)
    with begun(supervisor, compose, configuration, chosen.variables) as session:
        return session.run(chosen, terminal=False, reads=False)
