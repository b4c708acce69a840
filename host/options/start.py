"""The options of a start: without a verb, a tool is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from host import names
from host.errors import UsageError

if TYPE_CHECKING:
    import argparse

HINT = "./start.sh --help tells what there is; arguments for the tool go after --"
USAGE = (
    "./start.sh [DIR] [--tool NAME | --shell] [--demo] "
    "[--no-build | [--no-cache] [--pull] [--build-arg K=V]...]"
)
REST = "             [--name NAME] [--detach] [--copy | --with-repository] [--bootstrap] [-- ARGUMENT...]"


@dataclass(frozen=True)
class Start:
    """Open a tool."""

    tool: str = ""
    shell: bool = False
    demo: bool = False
    build: bool = True
    build_options: tuple[str, ...] = ()
    bootstrap: bool = False
    with_repository: bool = False
    workspace: str = ""
    copy: bool = False
    name: str = ""  # of the session; one is made up
    detach: bool = False
    arguments: tuple[str, ...] = ()


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser of all."""
    add_workspace(
        parser,
        "work on this folder in the place of workspace/; it has data of its own. DIR alone does the same",
    )
    parser.add_argument("--copy", action="store_true", help=(
        "work on a copy of the folder, which itself is not touched: ./start.sh diff and apply"))  # fmt: skip
    parser.add_argument("--tool", metavar="NAME", help=(
        "start this tool without asking (opencode, omp, ... see config/tools.yml)"))  # fmt: skip
    parser.add_argument("--shell", action="store_true", help=(
        "start bash in the tool's place: the same container, the same agent"))  # fmt: skip
    parser.add_argument("--demo", action="store_true", help=(
        "also start a small model, to try everything without a server; it can chat, not code.\n"
        "MODEL_GGUF=FILE uses your own model file. The tool is opencode unless --tool or\n"
        "DEFAULT_TOOL names one"))  # fmt: skip
    parser.add_argument("--name", metavar="NAME", help=(
        "what the session is called; without it a name is made up, and told"))  # fmt: skip
    parser.add_argument("--detach", action="store_true", help=(
        "start it and leave it to itself; ./start.sh attach comes to it"))  # fmt: skip
    parser.add_argument("--with-repository", action="store_true", help=(
        "where the workspace is, or holds, a worktree or a submodule: mount its repository as well,\n"
        "writable, at its own path"))  # fmt: skip
    add_no_build(parser)
    parser.add_argument("--no-cache", action="store_true", help="build every layer anew")
    parser.add_argument("--pull", action="store_true", help="ask the registry for the base image again")
    parser.add_argument("--build-arg", action="append", default=[], metavar="K=V",
                      help="a build argument, such as PYTHON_VERSION=3.12")  # fmt: skip
    parser.add_argument("--bootstrap", action="store_true", help=(
        "first bring up what is missing (Debian, Ubuntu): Python, Docker, base image"))  # fmt: skip


def add_workspace(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option that names a project."""
    parser.add_argument("--workspace", metavar="DIR", help=text)


def add_no_build(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes the image as it is."""
    parser.add_argument(
        "--no-build", action="store_false", dest="build", default=True, help="use the image as it is"
    )


def workspace(options: argparse.Namespace) -> str:
    """Return the folder that is named; "" for workspace/.

    Raises:
        UsageError: it is empty.
    """
    if options.workspace == "":
        raise UsageError("--workspace needs a value", HINT)
    return options.workspace or ""


def is_folder(word: str) -> bool:
    """Tell whether a word that is no option names a folder."""
    named = "/" in word or word in (".", "..")
    return not word.startswith("-") and (named or (word != "" and Path(word).is_dir()))


def read(options: argparse.Namespace, arguments: tuple[str, ...]) -> Start:
    """Return what a start is to do.

    Raises:
        UsageError: options exclude each other.
    """
    for name, values in (("--tool", [options.tool]), ("--build-arg", options.build_arg)):
        if "" in values:
            raise UsageError(f"{name} needs a value", HINT)
    if options.shell and options.tool:
        raise UsageError("--shell and --tool exclude each other", HINT)
    build_options = (
        *(["--no-cache"] if options.no_cache else []), *(["--pull"] if options.pull else []),
        *(word for value in options.build_arg for word in ("--build-arg", value)),
    )  # fmt: skip
    if options.copy and options.with_repository:
        # It would be mounted as it is, and written.
        raise UsageError("--copy and --with-repository exclude each other", HINT)
    if build_options and not options.build:
        raise UsageError(f"--no-build and {build_options[0]} exclude each other", HINT)
    return Start(
        tool=options.tool or "", shell=options.shell, demo=options.demo, build=options.build,
        build_options=build_options, bootstrap=options.bootstrap,
        with_repository=options.with_repository, workspace=workspace(options), copy=options.copy,
        name="" if options.name is None else names.checked(options.name), detach=options.detach,
        arguments=arguments,
    )  # fmt: skip
