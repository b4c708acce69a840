"""`start.sh verify`: the attacks of tests/conformance, on this very machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from host import compose as compose_files
from host import engine, image, terminal
from host.errors import HostError
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.checkout import Checkout
    from host.cli import Verify
    from host.supervisor import Supervisor


def attack(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], options: Verify
) -> NoReturn:
    """Attack the sandbox from inside and report each property; the exit code is pytest's.

    Raises:
        HostError: there is nothing to attack, or nothing to do it with.
        Interrupted: somebody asked for the end.
    """
    engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    emulated = image.choose_platform(environ, configuration.environment)
    compose = compose.given(SANDBOX_IMAGE=configuration.image, **emulated)
    if options.build:
        image.build(supervisor, compose, configuration)
    elif not attacks_another(options.arguments):
        image.require(supervisor, configuration, compose.environ)
    provide_programs(checkout, supervisor, environ)
    python = str(checkout.root / ".venv" / "bin" / "python")
    words = ["-m", "pytest", "tests/conformance", "--verify", "-p", "no:cacheprovider", *options.arguments]
    supervisor.become([python, *words], compose.environ)


def attacks_another(arguments: Sequence[str]) -> bool:
    """Tell whether the attacks are for an image that the arguments name (tests/conftest.py)."""
    return any(word == "--image" or word.startswith("--image=") for word in arguments)


def provide_programs(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Make .venv, with what the tests run.

    Raises:
        HostError: it cannot be made; the script's own words are on stderr.
    """
    script = str(checkout.root / "scripts" / "dev.sh")
    if supervisor.run([script, "--venv"], environ, Streams(stdout=2, terminal=terminal.can_ask())) != 0:
        raise HostError("the programs of the tests are not there; the lines above say why.")
