"""The options of `start.sh egress`, which does more than one thing. Only host/cli.py uses it to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.errors import UsageError
from host.options import start

if TYPE_CHECKING:
    import argparse

USAGE = "[--workspace DIR] [--json] | allow [--profile NAME]... HOST... | deny HOST... | log [--follow]"
TEXT = "show what a session may reach and what was refused; change the list"
# What `egress` does besides showing, with the options of each.
ACTIONS = {
    "allow": ("--profile", "--private", "--no-tls"),
    "deny": ("--profile",),
    "log": ("--follow", "--json"),
    "": ("--json",),
}


@dataclass(frozen=True)
class Egress:
    """Show or change what a session may reach."""

    action: str = ""  # one of ACTIONS; "" shows
    hosts: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    private: bool = False
    tls: bool = True
    follow: bool = False
    json: bool = False
    workspace: str = ""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to the verb's parser."""
    parser.add_argument("action", nargs="?", choices=[*filter(None, ACTIONS)], metavar="|".join(
        filter(None, ACTIONS)), help="without one, what may be reached is shown")  # fmt: skip
    parser.add_argument("hosts", nargs="*", metavar="HOST", help=(
        "git.example.com, git.example.com:8443, or '*.example.com' for all below it"))  # fmt: skip
    parser.add_argument("--profile", action="append", default=[], metavar="NAME", help=(
        "a list that the image brings along, such as npm"))  # fmt: skip
    parser.add_argument("--private", action="store_true", help="allow: it may be at a private address")
    parser.add_argument("--no-tls", action="store_true", help="allow: what is spoken may be anything")
    parser.add_argument("--follow", action="store_true", help="log: what comes from now on, too")
    parser.add_argument("--json", action="store_true", help="for programs")


def read(options: argparse.Namespace) -> Egress:
    """Return what is asked of the list.

    Raises:
        UsageError: options do not go together.
    """
    action, named = options.action or "", options.hosts or options.profile
    hint = "./start.sh egress --help tells what there is"
    given = {"--profile": options.profile, "--private": options.private, "--no-tls": options.no_tls,
             "--follow": options.follow, "--json": options.json}  # fmt: skip
    for name, value in given.items():
        if value and name not in ACTIONS[action]:
            raise UsageError(f"egress {action} does not know {name}".replace("  ", " "), hint)
    if action in ("allow", "deny") and not named:
        raise UsageError(f"egress {action} needs a HOST, or --profile NAME", hint)
    if action == "log" and options.hosts:
        raise UsageError(f"egress log does not know {options.hosts[0]}", hint)
    return Egress(action, tuple(options.hosts), tuple(options.profile), options.private, not options.no_tls,
                  options.follow, options.json, start.workspace(options))  # fmt: skip
