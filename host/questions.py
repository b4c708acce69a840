"""What a start asks at once, and before it loads the rest of this package: each answer takes 20 to 80 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from host import compose as compose_files
from host import engine, network, roster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.compose import Asked, Compose
    from host.configuration import Configuration
    from host.engine import Engine
    from host.supervisor import Beside, Supervisor


class Questions(NamedTuple):
    """What was asked, and is answered while others run."""

    engine: Beside
    compose: Asked
    networks: Beside
    containers: Beside


def ask(supervisor: Supervisor, checkout: Checkout, environ: Mapping[str, str]) -> Questions:
    """Ask the engine and Compose, and do not wait for the answers.

    Raises:
        HostError: there is no Docker.
    """
    return Questions(
        engine.ask(supervisor, environ),
        compose_files.ask(supervisor, checkout, environ),
        network.ask(supervisor, environ),
        roster.begin(supervisor, environ),
    )


def answered(
    supervisor: Supervisor, checkout: Checkout, environ: Mapping[str, str], asked: Questions
) -> tuple[Engine, Compose, Configuration]:
    """Return what the engine is, and what Compose makes of the settings.

    Raises:
        HostError: the engine cannot be used, or Compose refuses the settings.
    """
    try:
        compose, configuration = compose_files.read(supervisor, checkout, environ, asked=asked.compose)
    finally:
        # Without an engine that is what is told, whatever Compose says.
        found = engine.answered(supervisor, environ, asked.engine)
    return found, compose.directly(found.plugin), configuration
