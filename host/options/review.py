"""The options of what is done with a copy: diff, apply, discard. Only host/cli.py uses it to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from host.errors import UsageError

if TYPE_CHECKING:
    import argparse

PATHS = "[NAME] [PATH...]"
VERBS = {
    "diff": (f"[--stat] {PATHS}", "show what a session with --copy changed, and what the guard says of it"),
    "apply": (f"[--with-guarded] {PATHS}", "take what a session with --copy changed into your folder"),
    "discard": ("[--destroy] [NAME]", "throw a copy away, with all that was changed in it, after asking"),
}


@dataclass(frozen=True)
class Review:
    """Do something with a copy.

    Attributes:
        verb: one of VERBS.
        words: the copy's name, and paths; or paths alone, where there is one copy.
        workspace: the folder that it is a copy of; "" for any.
        stat: only count lines.
        with_guarded: take what the guard objects to, too.
        destroy: do not ask.
    """

    verb: str
    words: tuple[str, ...] = ()
    workspace: str = ""
    stat: bool = False
    with_guarded: bool = False
    destroy: bool = False


def add(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the options to the parser of one of VERBS."""
    named = "the copy's name, where there is more than one"
    if verb == "discard":
        parser.add_argument("words", nargs="?", metavar="NAME", help=named)
    else:
        parser.add_argument("words", nargs="*", metavar="NAME|PATH", help=(
            f"{named}; and paths in the project, for less than all"))  # fmt: skip
    parser.add_argument("--workspace", metavar="DIR", help="only of copies of this folder")
    if verb == "diff":
        parser.add_argument("--stat", action="store_true", help="only count the lines of each file")
    elif verb == "apply":
        parser.add_argument("--with-guarded", action="store_true", help=(
            "also what your own machine may run. To take one such file, name it as PATH"))  # fmt: skip
    else:
        parser.add_argument("--destroy", action="store_true", help="do not ask, for scripts")


def read(verb: str, options: argparse.Namespace) -> Review:
    """Return what is to be done.

    Raises:
        UsageError: a word is empty.
    """
    words = options.words or ()
    words = (words,) if isinstance(words, str) else tuple(words)
    if "" in words or options.workspace == "" or options.words == "":
        raise UsageError(f"{verb}: a name is empty", f"./start.sh {verb} --help tells what there is")
    return Review(
        verb, words, options.workspace or "", getattr(options, "stat", False),
        getattr(options, "with_guarded", False), getattr(options, "destroy", False),
    )  # fmt: skip
