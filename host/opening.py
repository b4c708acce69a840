"""A session opened: all that it needs is made ready, and a tool runs in it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Callable, NamedTuple

from host import (
    attendance,
    control,
    copies,
    copying,
    demo,
    detach_keys,
    detached,
    endings,
    git,
    image,
    inside,
    messages,
    names,
    offer,
    questions,
    remains,
    repositories,
    roster,
)
from host import terminal as terminals
from host.checkout import Checkout
from host.configuration import SERVICE
from host.control import Place
from host.errors import HostError
from host.filling import Maker
from host.session import Identity, Kind, Session, kind
from host.sessions import begun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from host.compose import Compose
    from host.configuration import Configuration
    from host.engine import Engine
    from host.options.start import Start
    from host.questions import Questions
    from host.supervisor import Beside, Supervisor


class Opened(NamedTuple):
    """A session that is about to run.

    Attributes:
        session: its container.
        kind: what it is given.
        who: what it is known by.
        place: this checkout, with the settings of this start.
    """

    session: Session
    kind: Kind
    who: Identity
    place: Place


def open_tool(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], start: Start, asked: Questions
) -> int:
    """Build the image where it is not up to date, and run a tool in the sandbox; return the tool's exit code.

    Raises:
        HostError: it did not come to that.
        Interrupted: somebody asked for the end.
    """
    found, place = looked(checkout, supervisor, environ, asked)
    at_terminal = terminals.is_terminal()
    if (unattended := offer.made(place, start, at_terminal=at_terminal)) is not None:
        return control.join(place, unattended)
    name = "shell" if start.shell else "tool"
    waits = at_terminal and not start.detach
    with opened(place, found, start, name, asked.networks, terminal=waits) as (session, told, who, _):
        if start.detach:
            return detached.start(session, told)
        if at_terminal:
            messages.say(f"{who.name}: {detach_keys.told(environ)} leaves it running")
        elif not start.name:
            messages.say(f"this session is {who.name}")
        return session.run(told, terminal=at_terminal)


def looked(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Questions
) -> tuple[Engine, Place]:
    """Return what the answers of engine and Compose say.

    Raises:
        HostError: the engine cannot be used, or Compose refuses the settings.
    """
    found, compose, configuration = questions.answered(supervisor, checkout, environ, asked)
    configuration = inside.decided(found, configuration)
    known = roster.finish(supervisor.finish(asked.containers), checkout.root, configuration.projects)
    return found, Place(supervisor, compose, configuration, known, checkout.caller)


@contextlib.contextmanager
def opened(  # noqa: PLR0913 - what there is, what is wanted, and what was asked before
    place: Place, found: Engine, start: Start, name: str, networks: Beside | None, *, terminal: bool
) -> Iterator[Opened]:
    """Have the image, the copy, the gateway and all else of a session; at the end they go.

    Args:
        place: this checkout.
        found: what the engine tells of itself.
        start: the options of the command line.
        name: of the kind of session: host/session.py, kind().
        networks: which there are, where that was asked before.
        terminal: whether somebody is at a terminal.

    Raises:
        HostError: it did not come to that.
    """
    supervisor, compose, configuration = place.supervisor, place.compose, place.configuration
    checkout = Checkout(compose.root, place.caller)
    planned = demo.plan(checkout, configuration, compose.environ) if start.demo else None
    emulated = image.choose_platform(compose.environ, configuration.environment)
    compose = compose.given(**emulated, **(planned.settings if planned else {}))
    configuration.provide_folders()
    if configuration.workspace and (hint := repositories.dubious(configuration.workspace, os.geteuid())):
        messages.say(hint)
    chosen = kind(name, start.arguments)
    variables = {**(planned.variables if planned else {}), **chosen.variables,
                 **git.variables(supervisor, compose.environ, configuration.environment),
                 **preferences(configuration.environment, start, terminal=terminal)}  # fmt: skip
    who = identity(place, start, name, {**configuration.environment, **variables})
    provide_image(supervisor, compose, configuration, start)
    maker = Maker(supervisor, compose, configuration, found)
    ran: list[Session] = []
    stays = lambda: any(one.stays for one in ran)  # noqa: E731 - it is there only once begun() has it
    with (
        copying.around(maker, who.name, wanted=start.copy) as copied,
        with_repositories(copied, configuration, stays, wanted=start.with_repository) as extended,
        begun(
            supervisor, extended, configuration, variables, who=who, known=place.known,
            demonstrating=start.demo, networks=networks,
        ) as session,
    ):  # fmt: skip
        ran.append(session)
        yield Opened(session, Kind(variables, chosen.arguments), who, replace(place, compose=compose))


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


def identity(place: Place, start: Start, what: str, environment: Mapping[str, str]) -> Identity:
    """Return what a new session of a kind is known by.

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
    return Identity(name, what, tool, place.configuration.workspace, copy)


def named(place: Place, asked: str, *, copied: bool) -> str:
    """Return the name of a new session: the one asked for, or one that nobody has.

    Raises:
        HostError: a session of that name runs.
    """
    # What has ended is about to be removed.
    used = {one.name for one in place.known if one.is_session and (
        one.runs or remains.is_attended(place.state, one.session))}  # fmt: skip
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
def with_repositories(
    compose: Compose, configuration: Configuration, stays: Callable[[], bool], *, wanted: bool
) -> Iterator[Compose]:
    """Have the repositories mounted that the workspace leads to, if that is wanted.

    Args:
        compose: how Compose is called.
        configuration: what it understood.
        stays: whether the session runs on without us.
        wanted: whether that is wanted.

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
        repositories.kept(found, stays),
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
