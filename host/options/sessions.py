"""The options of what is done with sessions that run: ps, attach, stop, logs, exec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from host.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

VERBS = {
    "ps": ("[--json]", "list the sessions of this checkout"),
    "attach": ("[NAME]", "come back to a session that runs, from any terminal"),
    "stop": ("[NAME | --all]", "end a session, as its tool is ended by TERM; or all of this checkout"),
    "logs": ("[NAME] [--follow]", "print what a session has written to its terminal"),
    "exec": (
        "[--name NAME] [COMMAND [ARGUMENT...]]",
        "run a command, or a shell, as the agent in the running sandbox",
    ),
}


@dataclass(frozen=True)
class Ps:
    """List the sessions."""

    json: bool = False


@dataclass(frozen=True)
class Attach:
    """Come back to a session."""

    name: str = ""


@dataclass(frozen=True)
class Stop:
    """End sessions."""

    name: str = ""
    all: bool = False


@dataclass(frozen=True)
class Logs:
    """Print what a session wrote."""

    name: str = ""
    follow: bool = False


@dataclass(frozen=True)
class Enter:
    """Run a command in a sandbox that runs."""

    words: tuple[str, ...]
    name: str = ""


Asked = Union[Ps, Attach, Stop, Logs]


def add(verbs: Mapping[str, argparse.ArgumentParser]) -> None:
    """Add the options to the verbs' parsers."""
    verbs["ps"].add_argument("--json", action="store_true", help="for programs")
    for name in ("attach", "stop", "logs"):
        verbs[name].add_argument("name", nargs="?", default="", metavar="NAME", help=(
            "as ./start.sh ps lists it; without one, the only session that runs"))  # fmt: skip
    verbs["stop"].add_argument("--all", action="store_true", help="every session of this checkout")
    verbs["logs"].add_argument("--follow", action="store_true", help="what comes from now on, too")
    verbs["exec"].add_argument("--name", metavar="NAME", help=(
        "of the session; it comes first, all else is the command's"))  # fmt: skip


def read(verb: str, options: argparse.Namespace) -> Asked:
    """Return what is asked for.

    Raises:
        UsageError: options do not go together.
    """
    if verb == "ps":
        return Ps(options.json)
    if verb == "attach":
        return Attach(options.name)
    if verb == "logs":
        return Logs(options.name, options.follow)
    if options.name and options.all:
        raise UsageError(
            f"stop takes a NAME or --all, not {options.name} and --all",
            "./start.sh stop --help tells what there is",
        )
    return Stop(options.name, options.all)


def read_enter(words: tuple[str, ...]) -> Enter:
    """Return what `exec` is to run: all it is given is the command's, but for --name where it comes first.

    Raises:
        UsageError: --name has no value.
    """
    if words[:1] == ("--name",):
        if not words[1:]:
            raise UsageError("--name needs a value", "./start.sh exec --help tells what there is")
        return Enter(words[2:], words[1])
    if words and words[0].startswith("--name="):
        return Enter(words[1:], words[0].partition("=")[2])
    return Enter(words)
