"""The image: what it is built from and with, and that it is there."""

from __future__ import annotations

import os
import platform
import re
from typing import TYPE_CHECKING, NamedTuple

from host import compose as compose_files
from host import recipe
from host.errors import HostError
from host.messages import say
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from host.compose import Compose
    from host.configuration import Configuration
    from host.supervisor import Supervisor

# Built by bootstrap.sh where the pinned base cannot be pulled.
LOCAL_BASE = "agentic-sandbox-base:local"
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
)  # fmt: skip


class Seen(NamedTuple):
    """An image that is there: its number, and the digest of what it was made from, "" where nothing tells."""

    id: str
    made_from: str


def choose_platform(
    environ: Mapping[str, str], environment: Mapping[str, str], machine: str = ""
) -> dict[str, str]:
    """Return what has another processor emulate: the locks hold hashes of all tools for x86-64 only.

    No emulator installs a seccomp filter, so under one the session goes without its own.

    Args:
        environ: whoever sets DOCKER_DEFAULT_PLATFORM chose already.
        environment: what the sandbox is given; whoever sets SANDBOX_SECCOMP chose already.
        machine: the processor, as uname(1) names it; by default this machine's.
    """
    here = _processor(machine or platform.machine())
    asked = environ.get("DOCKER_DEFAULT_PLATFORM")
    # linux/arm64/v8, or a part of it.
    named = next((part for part in (asked or "amd64").split("/") if part != "linux"), here)
    wanted = _processor(named)
    if wanted == here:
        return {}
    chosen = {} if asked else {"DOCKER_DEFAULT_PLATFORM": "linux/amd64"}
    say(f"running the {wanted} image through emulation, which is slow"
        + ("" if asked else f": there are no verified {here} builds of all tools yet"))  # fmt: skip
    if not environment.get("SANDBOX_SECCOMP"):
        chosen["SANDBOX_SECCOMP"] = "off"
        say(
            "no emulator installs the session's own seccomp filter: it is off, and the engine's profile stays"
        )
    return chosen


def _processor(name: str) -> str:
    """Return a processor's name as the engine has it, of uname's or the engine's."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(name.lower(), name.lower())


def build(
    supervisor: Supervisor, compose: Compose, configuration: Configuration, options: Sequence[str] = (), *,
    demonstrating: bool = False,
) -> None:  # fmt: skip
    """Build what is not up to date.

    Args:
        supervisor: what runs the build.
        compose: with the services that are wanted.
        configuration: what is set.
        options: of `docker compose build`, which is run if there are any.
        demonstrating: whether the demo's image is wanted as well.

    Raises:
        HostError: it was not built, or is not to be built so.
    """
    tools = tools_asked_for(configuration.variables, options)
    check_tools(tools, known_tools(compose.root))
    # Compose tells of that service only where it is asked for.
    wanted = compose_files.understood(supervisor, compose) if demonstrating else configuration
    named = configuration.variables.get("BASE_IMAGE") or LOCAL_BASE
    seen = look(supervisor, compose.environ, (named, *(one.image for one in wanted.builds.values())))
    told = base(configuration.variables, named in seen)
    made_from = digests(compose, wanted, told, seen[named].id if named in seen else "")
    if not options and _up_to_date(wanted, made_from, seen):
        return
    if "claude" in tools.split(","):
        say("claude: its licence lets nobody publish it, so push this image to no registry")
    if told.get("BASE_IMAGE") == LOCAL_BASE:
        say(f"base: {LOCAL_BASE}, which --bootstrap built (drop it: docker image rm {LOCAL_BASE})")
    compose = compose.given(**told, **authorities(configuration.variables, compose.environ))
    # What is made with other arguments is not what the next start is to take for its own.
    labels = {} if "--build-arg" in options else made_from
    with compose.extended(recipe.override(labels)) as labelled:
        # stdout is the tool's.
        if supervisor.run(labelled.command("build", *options), compose.environ, Streams(stdout=2)) == 0:
            return
    named = told.get("BASE_IMAGE") or configuration.variables.get("BASE_IMAGE") or pinned_base(compose.root)
    pull = ["docker", "pull", "--quiet", named]
    if named != LOCAL_BASE and supervisor.ask(pull, compose.environ).code != 0:
        raise HostError(
            f"the image was not built: its base {named} cannot be pulled.",
            "Without a reachable registry, build a base from your distribution (Debian, Ubuntu): "
            "./start.sh --bootstrap",
            "With a registry of your own, set BASE_IMAGE in .env.",
        )
    raise HostError("the image was not built; the lines above say why.")


def digests(compose: Compose, wanted: Configuration, told: Mapping[str, str], base: str) -> dict[str, str]:
    """Return the digest of what each service's image is to be made from.

    Args:
        compose: root, and the platform.
        wanted: what is built.
        told: what the build is told of its base.
        base: the number of the base that was named, "" where the engine has none of its own.
    """
    given = {**told, "platform": compose.environ.get("DOCKER_DEFAULT_PLATFORM", ""), "base": base}
    return {name: recipe.digest(compose.root, one.section, given) for name, one in wanted.builds.items()}


def _up_to_date(wanted: Configuration, made_from: Mapping[str, str], seen: Mapping[str, Seen]) -> bool:
    """Tell whether each image is there, and was made from this."""
    return all(
        made_from[name] and one.image in seen and seen[one.image].made_from == made_from[name]
        for name, one in wanted.builds.items()
    )


def look(supervisor: Supervisor, environ: Mapping[str, str], names: Iterable[str]) -> dict[str, Seen]:
    """Return those of some images that are there, by name."""
    label = f'{{{{.Id}}}} {{{{with .Config.Labels}}}}{{{{index . "{recipe.LABEL}"}}}}{{{{end}}}}'
    inspect = ["docker", "image", "inspect", "--format", label]
    asked = {name: supervisor.begin([*inspect, name], environ, needed=False) for name in dict.fromkeys(names)}
    told = {name: supervisor.finish(begun) for name, begun in asked.items()}
    return {
        name: Seen(*answer.output.strip(" \n").partition(" ")[::2])
        for name, answer in told.items()
        if answer.code == 0
    }


def require(
    supervisor: Supervisor, configuration: Configuration, environ: Mapping[str, str],
    todo: str = "Leave out --no-build.",
) -> None:  # fmt: skip
    """See to it that the image is there: Compose would build it.

    Raises:
        HostError: it is not, and what to do.
    """
    if not _is_here(supervisor, configuration.image, environ):
        raise HostError(f"there is no image {configuration.image}.", todo)


def tools_asked_for(variables: Mapping[str, str], options: Sequence[str]) -> str:
    """Return IMAGE_TOOLS, "" for the Dockerfile's default; the last --build-arg wins."""
    named = [word.partition("=")[2] for word in options if word.startswith("IMAGE_TOOLS=")]
    return named[-1] if named else variables.get("IMAGE_TOOLS", "")


def known_tools(root: Path) -> list[str]:
    """Return the tools that an image can have: those with a lock."""
    return sorted(path.parent.name for path in root.glob("locks/npm/*/package-lock.json"))


def check_tools(asked: str, known: Sequence[str]) -> None:
    """See to it that IMAGE_TOOLS can be built; scripts/build/choose-tools does so for other builds.

    Raises:
        HostError: it cannot, and what to write.
    """
    names = asked.split(",") if asked else []
    wrong = (
        "it has a space" if re.search(r"\s", asked)
        else "a name is missing beside a comma" if "" in names
        else next((f"there is no tool {name}" for name in names if name not in known), "")
        or next((f"it has {name} twice" for name in names if names.count(name) > 1), "")
    )  # fmt: skip
    if wrong:
        raise HostError(
            f"IMAGE_TOOLS is {asked!r}: {wrong}.",
            "Write names with commas between them, as in opencode,omp (.env, environment or --build-arg).",
            f"The tools: {' '.join(known)}",
        )


def sources(supervisor: Supervisor, compose: Compose, configuration: Configuration) -> dict[str, str]:
    """Return what the build is told besides: base and CAs, where the user did not choose them."""
    named = configuration.variables.get("BASE_IMAGE")
    local = not named and _is_here(supervisor, LOCAL_BASE, compose.environ)
    return {**base(configuration.variables, local), **authorities(configuration.variables, compose.environ)}


def base(variables: Mapping[str, str], local: bool) -> dict[str, str]:
    """Return what has the build begin with the local base: then everything is the distribution's.

    Args:
        variables: what is set; a base that is named wins.
        local: whether there is one that --bootstrap built.
    """
    if variables.get("BASE_IMAGE") or not local:
        return {}
    return {"BASE_IMAGE": LOCAL_BASE, "RUST_CHANNEL": variables.get("RUST_CHANNEL") or "distro"}


def authorities(variables: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the CAs of the build: this machine's own, for a proxy that signs TLS anew is among them."""
    if variables.get("EXTRA_CA_FILE"):
        return {}
    named = (environ.get("NODE_EXTRA_CA_CERTS"), environ.get("SSL_CERT_FILE"), *BUNDLES)
    bundle = next((name for name in named if name and os.access(name, os.R_OK)), "")
    return {"EXTRA_CA_FILE": bundle} if bundle else {}


def pinned_base(root: Path) -> str:
    """Return the base of the Dockerfile, the one place that names it."""
    found = re.search(
        r"^ARG BASE_IMAGE=(.+)$", (root / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    return found[1].strip() if found else ""


def _is_here(supervisor: Supervisor, name: str, environ: Mapping[str, str]) -> bool:
    return name in look(supervisor, environ, (name,))
