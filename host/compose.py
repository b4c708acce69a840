"""Every command line of `docker compose`, and what Compose makes of compose.yml, .env and the environment.

Nothing else reads those: what start.sh wants to know is in Compose's own answer, variables under `x-start`.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from host import answers, containers
from host.configuration import SERVICE, Configuration, understand
from host.errors import HostError
from host.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from host.checkout import Checkout
    from host.supervisor import Answer, Beside, Supervisor

FILE = "compose.yml"
# Gives the project its name.
PROJECT_FILE = Path(__file__).parent / "project.yml"
OVERRIDES = tuple(
    f"{name}.override.{ending}" for name in ("compose", "docker-compose") for ending in ("yml", "yaml")
)
# What is added where a network takes the place of the gateway, and the value of EGRESS that asks for it.
OPEN_FILE, OPEN = "compose.open.yml", "open"
# Which Compose can read what is besides compose.yml.
READS = {OPEN_FILE: "2.24", "compose.internal.yml": "2.24", "compose.podman.yml": "2.24.4"}


@dataclass(frozen=True)
class Compose:
    """How Compose is called for this checkout.

    Attributes:
        root: the checkout's folder, where .env is.
        files: the compose files, the checkout's own first.
        environ: the environment that Compose is given.
        program: how Compose is called.
    """

    root: Path
    files: tuple[Path, ...]
    environ: Mapping[str, str]
    program: tuple[str, ...] = ("docker", "compose")

    def command(self, *words: str) -> list[str]:
        """Return a command line of `docker compose`."""
        named = [word for file in (PROJECT_FILE, *self.files) for word in ("--file", str(file))]
        return [*self.program, "--project-directory", str(self.root), *named, *words]

    def run(
        self,
        options: Iterable[str],
        variables: Mapping[str, str],
        arguments: Iterable[str],
        service: str = SERVICE,
    ) -> list[str]:
        """Return the command line that runs the sandbox, or another service.

        Args:
            options: of `docker compose run`.
            variables: set in the container, over what compose.yml says.
            arguments: of the sandbox.
            service: which one it is.
        """
        settings = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        return self.command("run", *options, *settings, service, *arguments)

    @contextlib.contextmanager
    def extended(self, more: Mapping[str, object]) -> Iterator[Compose]:
        """Have it with one more file, of this content, for a while."""
        with tempfile.NamedTemporaryFile(
            "w", prefix="agentic-sandbox-", suffix=".yml", encoding="utf-8"
        ) as file:
            json.dump(more, file)
            file.flush()
            yield replace(self, files=(*self.files, Path(file.name)))

    def with_file(self, name: str) -> Compose:
        """Return it with one more of the checkout's files, after the others."""
        file = self.root / name
        return self if file in self.files else replace(self, files=(*self.files, file))

    def directly(self, plugin: str) -> Compose:
        """Return it with the client's plugin called by itself, if it is known: that saves 30 ms a call."""
        return replace(self, program=(plugin,)) if plugin else self

    def given(self, **variables: str) -> Compose:
        """Return it with more in the environment."""
        return replace(self, environ={**self.environ, **variables})


class Asked(NamedTuple):
    """What Compose is asked, and the answer, which nobody waits for yet."""

    compose: Compose
    begun: Beside


def ask(supervisor: Supervisor, checkout: Checkout, environ: Mapping[str, str]) -> Asked:
    """Ask Compose what it makes of the files and settings, and do not wait for the answer."""
    compose = by_environment(checkout, environ)
    return Asked(compose, _begin(supervisor, compose))


def read(
    supervisor: Supervisor, checkout: Checkout, environ: Mapping[str, str], limit: float | None = None,
    asked: Asked | None = None,
) -> tuple[Compose, Configuration]:  # fmt: skip
    """Ask Compose what it makes of the files and settings.

    Args:
        supervisor: what asks.
        checkout: this one.
        environ: the user's environment.
        limit: the most seconds for an answer.
        asked: what ask() returned, if it was called before.

    Raises:
        HostError: it refuses them; its own words are on stderr.
    """
    if limit is None and (checkout.root / ".env").is_fifo():
        # A vault of passwords may write into it. Compose waits for that, and says nothing.
        say(".env is a pipe: waiting for what is written into it")
    compose, begun = asked or ask(supervisor, checkout, environ)
    configuration = _answered(compose, supervisor.finish(begun, limit))
    # .env may name more files, and ask for a network.
    named, between = configuration.variables.get("COMPOSE_FILE", ""), separator(configuration.variables)
    chosen = compose.files if "COMPOSE_FILE" in compose.environ else files(checkout.root, named, between)
    chosen = with_network(checkout.root, chosen, configuration.variables.get("EGRESS", ""))
    if chosen == compose.files:
        return compose, configuration
    compose = replace(compose, files=chosen)
    return compose, understood(supervisor, compose, limit)


def with_network(root: Path, chosen: tuple[Path, ...], egress: str) -> tuple[Path, ...]:
    """Return the compose files with the one that gives a network, where EGRESS asks for it."""
    own = root / OPEN_FILE
    return (*chosen, own) if egress == OPEN and own not in chosen else chosen


def by_environment(checkout: Checkout, environ: Mapping[str, str]) -> Compose:
    """Return how Compose is called by what the environment says, .env not asked."""
    named = environ.get("COMPOSE_FILE", "")
    listed = listed_files(checkout.root, named, separator(environ))
    if named and not listed:
        # Another project's hides not what .env names.
        foreign = ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR")
        environ = {name: value for name, value in environ.items() if name not in foreign}
    environ = {**environ, "SANDBOX_PROJECT": containers.project(checkout.root)}
    chosen = with_network(checkout.root, listed or own_files(checkout.root), environ.get("EGRESS", ""))
    return Compose(checkout.root, chosen, environ)


def separator(variables: Mapping[str, str]) -> str:
    """Return what stands between the names in COMPOSE_FILE."""
    return variables.get("COMPOSE_PATH_SEPARATOR") or ":"


def files(root: Path, named: str, between: str = ":") -> tuple[Path, ...]:
    """Return the compose files that count: those that are named, or the checkout's own."""
    return listed_files(root, named, between) or own_files(root)


def own_files(root: Path) -> tuple[Path, ...]:
    """Return the checkout's own compose files."""
    return (root / FILE, *[root / name for name in OVERRIDES if (root / name).is_file()][:1])


def listed_files(root: Path, named: str, between: str) -> tuple[Path, ...]:
    """Return the files that COMPOSE_FILE names; none where it has no say.

    COMPOSE_FILE may be of another project, in a shell that works on both: it counts where it begins with this
    checkout's own file, and all it names is there.

    Args:
        root: the checkout's folder, from which names count.
        named: COMPOSE_FILE.
        between: what stands between its names.
    """
    listed = tuple(root / name for name in named.split(between) if name)
    if listed and _same(listed[0], root / FILE) and all(file.is_file() for file in listed):
        return listed
    if listed:
        say(f"warning: COMPOSE_FILE={named} is ignored: it does not begin with this checkout's {FILE}"
            ", or not all of it is there")  # fmt: skip
    return ()


def understood(supervisor: Supervisor, compose: Compose, limit: float | None = None) -> Configuration:
    """Ask Compose what it makes of the files of a way to call it.

    Raises:
        HostError: as read().
    """
    return _answered(compose, supervisor.finish(_begin(supervisor, compose), limit))


def _begin(supervisor: Supervisor, compose: Compose) -> Beside:
    return supervisor.begin(compose.command("config", "--format", "json"), compose.environ)


def _answered(compose: Compose, answer: Answer) -> Configuration:
    try:
        if answer.code == 0:
            return understand(answers.parse(answer.output), compose.root)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        answer = answer._replace(errors=f"{answer.errors}\nits answer has another form: {error!r}")
    newer = [file.name for file in compose.files if file.name in READS]
    raise HostError(
        "Compose refuses these settings:", *filter(str.strip, answer.errors.splitlines()),
        "Mend .env, the environment, or the compose file that it names.",
        *(f"{name} needs Compose {READS[name]} or newer." for name in newer),
    )  # fmt: skip


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
