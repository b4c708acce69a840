"""The command line: every verb and its options. Nothing else reads it.

One tree of parsers gives the messages, the help and the shell's completion (completion.py). The first word
chooses the verb; without one it is a start. What follows `--` is the tool's, and all that `exec` is given is
its command's.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NoReturn, Union

from host import completion
from host.errors import UsageError
from host.options import egress as egress_options
from host.options import review as review_options
from host.options import sessions as session_options
from host.options import start
from host.options import task as task_options
from host.options.sessions import Enter
from host.options.start import Start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MORE = f"Without a verb, a tool is opened:\n  {start.USAGE}\n{start.REST}"
EXAMPLES = """examples:
  ./start.sh --tool opencode -- run "Explain this project"
  ./start.sh --tool omp -- -p "Explain this project"
  ./start.sh --demo -- run "Say hello"

Variables are read from the environment or .env; .env.example describes each. MODEL_URL names the model
server. The exit code is the tool's own."""

VERBS = {
    **session_options.VERBS,
    **review_options.VERBS,
    **task_options.VERBS,
    "accept": (
        "[--workspace DIR] [NAME]",
        "take back what the guard quarantined; without a name, list what there is",
    ),
    "doctor": (
        "[--workspace DIR] [--demo] [--no-build] [--json]",
        "examine engine, folders, configuration, tools, sandbox and model, and say what to do",
    ),
    "verify": (
        "[--no-build] [PYTEST-OPTION...]",
        "attack the sandbox from inside, on this very machine, and report each property",
    ),
    "egress": (egress_options.USAGE, egress_options.TEXT),
    "reset": (
        "[--destroy]",
        "remove everything from workspace/ and data/ of this checkout, and its copies, after asking",
    ),
    "completion": ("bash|zsh", "print the completion of these options, for your shell"),
}


@dataclass(frozen=True)
class Doctor:
    """Examine everything."""

    json: bool
    demo: bool
    build: bool
    workspace: str = ""


@dataclass(frozen=True)
class Verify:
    """Attack the sandbox."""

    build: bool
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Reset:
    """Empty the folders."""

    destroy: bool


@dataclass(frozen=True)
class Accept:
    """Take a quarantine back."""

    names: tuple[str, ...]
    workspace: str = ""


@dataclass(frozen=True)
class Print:
    """Print a text: help, version, completion."""

    text: str


@dataclass(frozen=True)
class Version:
    """Print the version."""


@dataclass(frozen=True)
class BuildVariables:
    """Print what a build is told, for the shell scripts of this repository."""


# What needs the engine.
InEngine = Union[
    Start,
    Doctor,
    Verify,
    Enter,
    Accept,
    egress_options.Egress,
    session_options.Asked,
    review_options.Review,
    task_options.Task,
]
Request = Union[InEngine, Reset, Print, Version, BuildVariables]


class _Format(argparse.RawTextHelpFormatter):
    """Wide enough for one line an option, and the word Usage as every program here has it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=21, width=114)

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup], prefix: str | None = None,
    ) -> None:  # fmt: skip
        super().add_usage(usage, actions, groups, "Usage: " if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong, in the words of this program."""

    def error(self, message: str) -> NoReturn:
        unfinished = re.fullmatch(r"argument (\S+): expected one argument", message)
        raise UsageError(f"{unfinished[1]} needs a value" if unfinished else message, start.HINT)


def parse(words: Sequence[str]) -> Request:
    """Return what a command line asks for.

    Raises:
        UsageError: it is not one that there is.
    """
    if list(words) == ["build-variables"]:
        return BuildVariables()
    tree, verbs = parsers()
    verb = words[0] if words and words[0] in verbs else ""
    # Everything after these is somebody else's.
    if verb in ("exec", "verify") and words[1:2] not in (["-h"], ["--help"]):
        return _passed_on(verb, tuple(words[1:]))
    ours, arguments = _split(words)
    if "-h" in ours or "--help" in ours:
        return Print(verbs.get(verb, tree).format_help())
    if not verb:
        return _without_verb(ours, arguments, verbs)
    # Hosts may stand before and after an option.
    options, unknown = verbs[verb].parse_known_intermixed_args(ours[1:])
    if verb == "task" and not unknown:
        return task_options.read(options, arguments)
    strangers = [*unknown, *(["--", *arguments] if "--" in words else [])]
    if strangers and verb == "reset":
        raise UsageError(f"unknown option '{strangers[-1]}'", verbs[verb].format_usage().strip())
    if strangers:
        raise UsageError(
            f"{verb} does not know {strangers[0]}", f"./start.sh {verb} --help tells what there is"
        )
    return _request(verb, options, tree)


def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of all, and that of each verb."""
    tree = _start_parser()
    listed = tree.add_subparsers(dest="verb", metavar="VERB", title="verbs", parser_class=_Parser)
    verbs: dict[str, argparse.ArgumentParser] = {}

    for name, (usage, text) in VERBS.items():
        verbs[name] = listed.add_parser(
            name, usage=f"./start.sh {name} {usage}", help=text, description=f"{text[0].upper()}{text[1:]}.",
            epilog=MORE, formatter_class=_Format, allow_abbrev=False, add_help=False,
        )  # fmt: skip
        verbs[name].add_argument("-h", "--help", action="store_true", help="this text")
    verbs["accept"].add_argument("names", nargs="*", metavar="NAME", help="as the guard named it")
    verbs["doctor"].add_argument("--json", action="store_true", help="the report as JSON on stdout")
    verbs["doctor"].add_argument("--demo", action="store_true", help="examine with the small model of --demo")
    session_options.add(verbs)
    task_options.add(verbs["task"])
    egress_options.add(verbs["egress"])
    for name in review_options.VERBS:
        review_options.add(verbs[name], name)
    for name in ("accept", "doctor", "egress"):
        start.add_workspace(verbs[name], "of the sessions on this folder, in the place of workspace/")
    for name in ("doctor", "task", "verify"):
        start.add_no_build(verbs[name])
    verbs["reset"].add_argument("--destroy", action="store_true", help="do not ask, for scripts")
    verbs["completion"].add_argument(
        "shell", choices=completion.SHELLS, metavar="|".join(completion.SHELLS), help=completion.INSTALL
    )
    return tree, verbs


def _start_parser() -> argparse.ArgumentParser:
    """Return the parser where there is no verb."""
    tree = _Parser(
        prog="./start.sh", formatter_class=_Format, allow_abbrev=False, add_help=False,
        usage="./start.sh [OPTION]... [-- ARGUMENT...]\n       ./start.sh VERB [OPTION]...",
        description="Opens an agentic coding tool in the sandbox. Without --tool it asks which.",
        epilog=EXAMPLES,
    )  # fmt: skip
    start.add(tree)
    tree.add_argument("--version", action="store_true", help="the version of this checkout")
    tree.add_argument(
        "-h", "--help", action="store_true", help="this text; ./start.sh VERB --help tells more"
    )
    return tree


def _split(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return what is before and after the first `--`."""
    here = list(words).index("--") if "--" in words else len(words)
    return list(words[:here]), tuple(words[here + 1 :])


def _passed_on(verb: str, words: tuple[str, ...]) -> Request:
    if verb == "exec":
        return session_options.read_enter(words)
    build = words[:1] != ("--no-build",)
    return Verify(build, words if build else words[1:])


def _request(verb: str, options: argparse.Namespace, tree: argparse.ArgumentParser) -> Request:
    own: dict[str, Callable[[], Request]] = {
        "accept": lambda: Accept(tuple(options.names), start.workspace(options)),
        "doctor": lambda: Doctor(options.json, options.demo, options.build, start.workspace(options)),
        "reset": lambda: Reset(options.destroy),
        "egress": lambda: egress_options.read(options),
        "completion": lambda: Print(completion.script(options.shell, tree)),
    }
    if verb in own:
        return own[verb]()
    if verb in session_options.VERBS:
        return session_options.read(verb, options)
    return review_options.read(verb, options)


def _without_verb(
    words: Sequence[str], arguments: tuple[str, ...], verbs: Mapping[str, argparse.ArgumentParser]
) -> Request:
    options, unknown = _start_parser().parse_known_args(words)
    folders = [word for word in unknown if word not in verbs and start.is_folder(word)]
    if folders and options.workspace is None:
        options.workspace = folders[0]
        unknown.remove(folders[0])
    if unknown and unknown[0] in verbs:
        raise UsageError(f"{unknown[0]} comes first, and has options of its own", start.HINT)
    if unknown and unknown[0] in folders:
        raise UsageError(f"there is one workspace: {options.workspace} or {unknown[0]}", start.HINT)
    if unknown and not unknown[0].startswith("-"):
        raise UsageError(f"{unknown[0]!r} is no verb, and no folder that is here", start.HINT)
    if unknown:
        raise UsageError(f"unknown option: {unknown[0]}", start.HINT)
    return Version() if options.version else start.read(options, arguments)
