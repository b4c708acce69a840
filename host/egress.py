"""`start.sh egress`: what a session may reach, what was refused, and the list changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from host import compose as compose_files
from host import containers, engine, gateway, image, inquiry, list_file, listing, proposals, traffic
from host import refused as records
from host.configuration import GATEWAY
from host.errors import FAILED, OK, HostError
from host.messages import printable, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.compose import Compose
    from host.configuration import Configuration
    from host.journal import Tally
    from host.options.egress import Egress
    from host.supervisor import Supervisor

FILE = "egress.yml"
# A container's number, and what is mounted as its config/.
MOUNTED = '{{.Id}} {{range .Mounts}}{{if eq .Destination "/etc/sandbox/config"}}{{.Source}}{{end}}{{end}}'


class Place(NamedTuple):
    """This checkout, as its verbs need it."""

    root: Path
    supervisor: Supervisor
    compose: Compose
    configuration: Configuration

    def ask(self, question: str, told: Mapping[str, Any], *, files: bool = True) -> dict[str, Any]:
        """Ask the gateway's program: host/inquiry.py."""
        return inquiry.ask(self.supervisor, self.compose, self.configuration, question, told, files=files)

    def gateways(self) -> list[str]:
        """Return the gateways that run for this checkout, the newest first."""
        found = containers.running(self.supervisor, self.compose.environ, self.root) or ()
        return containers.of(found, GATEWAY, self.configuration.projects)

    def readers(self) -> list[str]:
        """Return those that read this very list: another start may have another CONFIG_DIR."""
        running = self.gateways()
        if not running:
            return []
        command = ["docker", "inspect", "--format", MOUNTED, *running]
        told = self.supervisor.ask(command, self.compose.environ).output.splitlines()
        # Docker Desktop puts a folder of its own before the path.
        return [line.split()[0] for line in told if line.endswith(str(self.configuration.config))]


def attend(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Egress) -> int:
    """Do what is asked for, and return the exit code.

    Raises:
        HostError: it cannot be done.
        Interrupted: somebody asked for the end.
    """
    engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    place = Place(checkout.root, supervisor, compose, configuration)
    if asked.action == "log":
        return traffic.show(place.supervisor, compose.environ, place.gateways(), asked)
    compose = compose.given(**image.choose_platform(environ, configuration.environment))
    place = place._replace(compose=compose)
    image.require(supervisor, configuration, compose.environ, "This makes it: docker compose build")
    if asked.action:
        return change(place, environ, asked)
    return show(place, environ, as_json=asked.json)


def show(place: Place, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Show what a session may reach, and what was refused; return 1 where the list cannot be read."""
    where = {"mode": place.configuration.egress, "set": set_by(place.configuration, environ)}
    running, refused = place.gateways(), refusals(place)
    told = {**place.ask("--show", {"refused": [one._asdict() for one in refused.newest()]}), **where}
    proposed = [propose(place, one) for one in proposals.find(place.configuration.workspace or Path())]
    if as_json:
        sys.stdout.write(f"{json.dumps(listing.as_data(told, refused, proposed, len(running)), indent=2)}\n")
    else:
        sys.stdout.write(listing.as_text(told, refused, proposed, len(running)))
    return FAILED if told["problems"] else OK


def set_by(configuration: Configuration, environ: Mapping[str, str]) -> str:
    """Return where EGRESS is set."""
    if environ.get("EGRESS"):
        return "the environment"
    return ".env" if configuration.variables.get("EGRESS") else "the default"


def refusals(place: Place) -> Tally:
    """Return what was refused, by gateways that run and by those that are gone."""
    tally = records.read(records.folder(place.compose.environ, place.configuration.project))
    for container in place.gateways():
        tally.merge(gateway.refused(place.supervisor, place.compose.environ, container))
    return tally


def propose(place: Place, proposal: proposals.Proposal) -> listing.Proposed:
    """Return what a project's list asks for, read where it can do no harm."""
    if proposal.problem:
        return listing.Proposed(proposal.place, proposal.problem, {})
    try:
        return listing.Proposed(
            proposal.place, "", place.ask("--proposal", {"text": proposal.text}, files=False)
        )
    except HostError as error:
        return listing.Proposed(proposal.place, error.what, {})


def change(place: Place, environ: Mapping[str, str], asked: Egress) -> int:
    """Change the list, have every gateway that runs take it, and return the exit code.

    Raises:
        HostError: a name may not be allowed, or the list cannot be changed.
    """
    told = place.ask("--amend", {
        asked.action: asked.hosts, "profiles": asked.profiles, "private": asked.private, "tls": asked.tls,
    })  # fmt: skip
    for note in told["notes"]:
        say(f"egress: {printable(note)}")
    if told["text"] is not None:
        write(place, told)
    mode = place.configuration.egress
    if mode != "list":
        say(f"egress: EGRESS is {mode} ({set_by(place.configuration, environ)}), so the list has no effect")
        say("egress: write EGRESS=list into .env, or for one start: EGRESS=list ./start.sh")
    return OK


def write(place: Place, told: Mapping[str, Any]) -> None:
    """Write the changed list, and have every gateway that runs take it.

    Raises:
        HostError: it cannot be written, or a gateway does not take it.
    """
    if place.configuration.config is None:
        raise HostError("config/ is not mounted, so there is no list to change.")
    file = place.configuration.config / FILE
    digest = list_file.replace(file, told["text"], told["before"])
    readers = place.readers()
    failed = [
        f"{container[:12]}: {problem}"
        for container in readers
        if (problem := gateway.reload(place.supervisor, place.compose.environ, container, digest))
    ]
    running = len(readers)
    if failed:
        raise HostError("a gateway did not take the new list; what it had holds:", *failed)
    if running:
        say(f"egress: {running} session{'s that run have' if running > 1 else ' that runs has'} the new list")
