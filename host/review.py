"""What is done with a copy: shown, taken, or thrown away. The image compares and takes: init/review/."""

from __future__ import annotations

import os
import posixpath
import shutil
import sys
import tempfile
from typing import IO, TYPE_CHECKING

from host import compose as compose_files
from host import consent, copies, engine, image, inside, project
from host import terminal as terminals
from host.errors import LEFT, OK, HostError
from host.messages import printable, say
from host.reviewer import Reviewer
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from host.checkout import Checkout
    from host.copies import Copy
    from host.options.review import Review
    from host.supervisor import Supervisor

# Seconds for the engine to answer.
PATIENCE = 30.0
# Shows a text page by page, and leaves it on the screen.
PAGER = ("less", "-FRX")


def attend(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Review) -> int:
    """Do what is asked for, and return the exit code.

    Raises:
        HostError: it cannot be done.
        Interrupted: somebody asked for the end.
    """
    found = engine.reach(supervisor, environ)
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    there = copies.find(supervisor, environ, configuration.project)
    if asked.workspace:
        folder = project.real(checkout, asked.workspace)
        there = [copy for copy in there if copy.workspace == folder]
    if asked.verb == "discard":
        return discard(supervisor, environ, copies.chosen(there, "".join(asked.words)), asked)
    name, named = split(asked.words, [copy.name for copy in there])
    copy = copies.chosen(there, name)
    if not copy.workspace.is_dir():
        raise HostError(
            f"the folder of the copy {copy.name} is gone: {printable(str(copy.workspace))}",
            "Where it was moved, move it back for now, or make it anew: then all that the copy has is new.",
        )
    paths = [relative(word, copy.workspace) for word in named]
    configuration = inside.decided(found, configuration)
    compose = compose.given(**image.choose_platform(environ, configuration.environment))
    image.require(supervisor, configuration, compose.environ, "Each start builds it: ./start.sh")
    reviewer = Reviewer(supervisor, compose, configuration)
    return (show if asked.verb == "diff" else take)(reviewer, copy, asked, paths)


def split(words: Sequence[str], names: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the copy that is named, "" where none is, and the paths."""
    return (words[0], words[1:]) if words and words[0] in names else ("", words)


def relative(word: str, workspace: Path) -> str:
    """Return a path below the project's folder, as the image takes it.

    Raises:
        HostError: it is outside, or not UTF-8.
    """
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise HostError(
            f"Docker takes no path that is not UTF-8: {printable(word)}", "Name the folder that it is in."
        ) from error
    path = posixpath.normpath(word)
    if path.startswith("/"):
        path = posixpath.relpath(path, workspace)
    if path == ".." or path.startswith("../"):
        raise HostError(
            f"{printable(word)} is not in the project ({printable(str(workspace))}).",
            "A PATH is relative to the project's folder.",
        )
    return path


def show(reviewer: Reviewer, copy: Copy, asked: Review, paths: Sequence[str]) -> int:
    """Show what was changed; return the exit code."""
    options = ["--stat"] if asked.stat else []
    if not os.isatty(1):
        return reviewer.run(copy, "diff", options, paths)
    with tempfile.TemporaryFile() as shown:
        code = reviewer.run(copy, "diff", [*options, "--screen"], paths, shown)
        shown.seek(0)
        page(reviewer.supervisor, reviewer.compose.environ, shown)
    return code


def page(supervisor: Supervisor, environ: Mapping[str, str], shown: IO[bytes]) -> None:
    """Show a text page by page; at once where there is no pager, or no terminal for its keys."""
    if terminals.can_ask() and shutil.which(PAGER[0], path=environ.get("PATH")):
        supervisor.run(PAGER, environ, Streams(shown, terminal=True))
    else:
        shutil.copyfileobj(shown, sys.stdout.buffer)


def take(reviewer: Reviewer, copy: Copy, asked: Review, paths: Sequence[str]) -> int:
    """Take what was changed, and remove the copy where nothing is left; return the exit code."""
    supervisor, environ = reviewer.supervisor, reviewer.compose.environ
    if is_used(supervisor, environ, copy):
        say(f"{copy.name} still runs: what it is writing right now may be taken half done")
    code = reviewer.run(copy, "apply", ["--with-guarded"] if asked.with_guarded else [], paths)
    if code == LEFT:
        say(f"the copy {copy.name} stays. When you need it no more: ./start.sh discard {copy.name}")
    if code != OK:
        return code
    if not set(paths) <= {"."}:
        say(f"the copy {copy.name} stays, with what else was changed")
    elif is_used(supervisor, environ, copy):
        say(f"the copy {copy.name} stays, since its session runs")
    else:
        remove(supervisor, environ, copy)
        say(f"the copy {copy.name} is removed: all of it is taken")
    return code


def discard(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy, asked: Review) -> int:
    """Throw a copy away; return the exit code.

    Raises:
        HostError: its session runs, or nobody agrees.
    """
    require_unused(supervisor, environ, copy)
    if not asked.destroy:
        say(f"{copy.name}: a copy of {printable(str(copy.workspace))}. What was changed in it is lost then.")
        if not consent.is_given(supervisor, "To throw it away"):
            raise HostError("not confirmed: nothing was removed.", "For scripts: --destroy")
        require_unused(supervisor, environ, copy)
    remove(supervisor, environ, copy)
    say(f"the copy {copy.name} is removed")
    return OK


def require_unused(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> None:
    """Refuse to remove what is worked on.

    Raises:
        HostError: its session runs.
    """
    if is_used(supervisor, environ, copy):
        raise HostError(
            f"the session {copy.name} runs on this copy. Nothing was removed.",
            f"End it first: ./start.sh stop {copy.name}",
        )


def is_used(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> bool:
    """Tell whether a container runs on a copy."""
    return bool(listed(supervisor, environ, copy))


def listed(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy, *options: str) -> list[str]:
    """Return the containers on a copy.

    Raises:
        HostError: the engine does not tell.
    """
    command = ["docker", "ps", "--quiet", *options, "--filter", f"volume={copy.volume}"]
    answer = supervisor.ask(command, environ, PATIENCE)
    if answer.code:
        raise HostError("the engine does not tell what runs:", *answer.errors.splitlines()[-1:])
    return answer.output.split()


def remove(supervisor: Supervisor, environ: Mapping[str, str], copy: Copy) -> None:
    """Remove a copy, and the containers that have ended on it."""
    with supervisor.undisturbed():
        if ended := listed(supervisor, environ, copy, "--all"):
            # Not by force: one that runs now stays, and the copy with it.
            supervisor.ask(["docker", "rm", *ended], environ, PATIENCE)
    copies.remove(supervisor, environ, copy)
