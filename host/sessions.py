"""What is around each session, from before its start to after its end; a quarantine taken back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from host import (
    attendance,
    demo,
    engine,
    gateway,
    image,
    inside,
    labels,
    network,
    project,
    remains,
    roster,
)
from host import compose as compose_files
from host import refused as records
from host import terminal as terminals
from host.checkout import Checkout
from host.errors import HostError
from host.session import (
    GATEWAYS_NETWORK,
    INDOORS,
    NETWORK,
    NOBODY,
    WHICH,
    Identity,
    Session,
    kind,
)
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from host.cli import Accept
    from host.compose import Compose
    from host.configuration import Configuration
    from host.roster import Known
    from host.supervisor import Beside, Supervisor


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
        if who.name:
            # So that no other start makes the same one up.
            around.enter_context(attendance.held(place, who.name, lambda: False))
        around.enter_context(attendance.held(place, written[labels.SESSION], lambda: session.stays))
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
