"""The sandbox as a user has it: open a tool in it, take a quarantine back."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from host import (
    attendance,
    control,
    copies,
    copying,
    demo,
    detach_keys,
    detached,
    endings,
    engine,
    gateway,
    git,
    image,
    inside,
    labels,
    messages,
    names,
    network,
    offer,
    project,
    questions,
    remains,
    repositories,
    roster,
)
from host import compose as compose_files
from host import refused as records
from host import terminal as terminals
from host.configuration import SERVICE
from host.control import Place
from host.errors import HostError
from host.filling import Maker
from host.session import (
    GATEWAYS_NETWORK,
    INDOORS,
    NETWORK,
    NOBODY,
    WHICH,
    Identity,
    Kind,
    Session,
    kind,
)
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from host.checkout import Checkout
    from host.cli import Accept
    from host.compose import Compose
    from host.configuration import Configuration
    from host.options.start import Start
    from host.questions import Questions
    from host.roster import Known
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
    known = roster.finish(supervisor.finish(asked.containers), checkout.root, configuration.projects)
    place = Place(supervisor, compose, configuration, known, checkout.caller)
    at_terminal = terminals.is_terminal()
    if (unattended := offer.made(place, start, at_terminal=at_terminal)) is not None:
        return control.join(place, unattended)
    planned = demo.plan(checkout, configuration, environ) if start.demo else None
    emulated = image.choose_platform(environ, configuration.environment)
    compose = compose.given(**emulated, **(planned.settings if planned else {}))
    configuration.provide_folders()
    if configuration.workspace and (hint := repositories.dubious(configuration.workspace, os.geteuid())):
        messages.say(hint)
    chosen = kind("shell" if start.shell else "tool", start.arguments)
    variables = {**(planned.variables if planned else {}), **chosen.variables,
                 **git.variables(supervisor, environ, configuration.environment),
                 **preferences(configuration.environment, start, terminal=at_terminal)}  # fmt: skip
    who = identity(place, start, {**configuration.environment, **variables})
    provide_image(supervisor, compose, configuration, start)
    maker = Maker(supervisor, compose, configuration, found)
    with (
        copying.around(maker, who.name, wanted=start.copy) as compose,
        with_repositories(compose, configuration, wanted=start.with_repository) as extended,
        begun(
            supervisor, extended, configuration, variables, who=who, known=known,
            demonstrating=start.demo, networks=asked.networks,
        ) as session,
    ):  # fmt: skip
        if start.detach:
            return detached.start(session, Kind(variables, chosen.arguments))
        if at_terminal:
            messages.say(f"{who.name}: {detach_keys.told(environ)} leaves it running")
        elif not start.name:
            messages.say(f"this session is {who.name}")
        return session.run(Kind(variables, chosen.arguments), terminal=at_terminal)


def provide_image(
    supervisor: Supervisor, compose: Compose, configuration: Configuration, start: Start
) -> None:
    """See to it that the image is there, and up to date if that is wanted.

    Raises:
        HostError: it is not.
    """
    if start.build:
        image.build(supervisor, compose, configuration, start.build_options, demonstrating=start.demo)
    else:
        image.require(supervisor, configuration, compose.environ)


def identity(place: Place, start: Start, environment: Mapping[str, str]) -> Identity:
    """Return what a new session is known by, and say it where the user did not.

    Raises:
        HostError: its name is another's; or nobody is there to choose a tool.
    """
    tool = "shell" if start.shell else environment.get("DEFAULT_TOOL", "")
    if start.detach and not tool:
        raise HostError(
            "--detach: nobody is there to choose a tool.", "Name one: ./start.sh --detach --tool NAME"
        )
    name = named(place, start.name, copied=start.copy)
    copy = copies.volume(place.configuration.project, name) if start.copy else ""
    return Identity(name, "shell" if start.shell else "tool", tool, place.configuration.workspace, copy)


def named(place: Place, asked: str, *, copied: bool) -> str:
    """Return the name of a new session: the one asked for, or one that nobody has.

    Raises:
        HostError: a session of that name runs.
    """
    # What has ended is about to be removed.
    used = {one.name for one in place.known if one.is_session and (
        one.runs or remains.is_attended(place.state, one.name, one.session))}  # fmt: skip
    if asked in used:
        raise endings.taken(asked)
    if asked:
        return asked
    if copied:
        # One of this name would go on with that copy.
        there = copies.find(place.supervisor, place.environ, place.configuration.project)
        used |= {one.name for one in there}
    while (name := names.made_up()) in used or attendance.is_held(place.state, name):
        continue
    return name


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
def begun(  # noqa: PLR0913 - what it is, what it is given, and what there is already
    supervisor: Supervisor,
    compose: Compose,
    configuration: Configuration,
    variables: Mapping[str, str],
    *,
    who: Identity = NOBODY,
    known: Sequence[Known] | None = None,
    demonstrating: bool = False,
    networks: Beside | None = None,
) -> Iterator[Session]:
    """Have a session, its network, the demo's model and the gateway around it.

    Args:
        supervisor: what runs them.
        compose: how they are started.
        configuration: what Compose understood.
        variables: what the session is given.
        who: what it is known by.
        known: the containers of this checkout, where they were asked for.
        demonstrating: whether the demo's model is wanted.
        networks: which there are, where that was asked before.

    Raises:
        HostError: there are two networks, or the model or the gateway did not start.
    """
    compose = compose.given(**project.cover(compose.root, configuration.data))
    environ, written = compose.environ, who.written()
    container = f"{configuration.project}-{who.name}" if who.name else ""
    session = Session(supervisor, compose, written, container, configuration.has_gateway)
    place = records.folder(environ, configuration.project)
    with contextlib.ExitStack() as around:
        at = attendance.held(place, who.name or written[labels.SESSION], lambda: session.stays)
        session.keep = around.enter_context(at)
        provide_network(supervisor, compose, configuration, written, networks)
        if demonstrating:
            around.callback(demo.end, supervisor, compose, configuration)
            demo.start(supervisor, compose, configuration)
        if variables.get(WHICH) not in INDOORS:
            beside = gateway.beside(supervisor, compose, configuration, variables, session)
            session.compose = around.enter_context(beside)
        # While the gateway is made.
        if known is None:
            known = roster.ask(supervisor, environ, compose.root, configuration.projects)
        remains.sweep(supervisor, environ, configuration, known)
        yield session


def provide_network(
    supervisor: Supervisor, compose: Compose, configuration: Configuration, written: Mapping[str, str],
    asked: Beside | None,
) -> None:  # fmt: skip
    """See to it that there is one network, which a container that does nothing has Compose make.

    Raises:
        HostError: there are two, or it cannot be made.
    """
    maker = Session(supervisor, compose, written, "", configuration.has_gateway)
    needed = GATEWAYS_NETWORK if configuration.has_gateway else NETWORK
    network.provide(
        supervisor, compose.environ, configuration.networks, compose.root,
        lambda: maker.run(needed, terminal=False, output=2, reads=False), asked=asked,
    )  # fmt: skip


def bootstrap(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Bring up what is missing.

    Raises:
        HostError: it could not; the script's own words are on stderr.
    """
    script = str(checkout.root / "scripts" / "bootstrap.sh")
    # sudo may ask for a password.
    if supervisor.run([script], environ, Streams(terminal=terminals.can_ask())) != 0:
        raise HostError("--bootstrap did not come to its end; the lines above say why.")


def accept(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Accept) -> int:
    """Take back what the workspace guard quarantined; without a name, list what there is.

    Raises:
        HostError: the sandbox cannot be started.
        Interrupted: somebody asked for the end.
    """
    found = engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    configuration = inside.decided(found, configuration)
    compose = compose.given(**image.choose_platform(environ, configuration.environment))
    chosen = kind("accept", asked.names)
    with begun(supervisor, compose, configuration, chosen.variables) as session:
        return session.run(chosen, terminal=False, reads=False)
