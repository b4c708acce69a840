"""What is done with a copy: shown, taken, or thrown away. The image compares and takes: init/review/."""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from host import compose as compose_files
from host import copies, engine, image, inside, project, sessions
from host import terminal as terminals
from host.configuration import DATA, SERVICE, WORKSPACE
from host.errors import LEFT, OK, HostError
from host.messages import printable, say
from host.session import kind
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from host.checkout import Checkout
    from host.compose import Compose
    from host.configuration import Configuration
    from host.copies import Copy
    from host.options.review import Review
    from host.supervisor import File, Supervisor

# In the container: init/paths.py.
COPY, UPPER = "/mnt/copy", "/mnt/upper"
# Seconds for the engine to answer.
PATIENCE = 30.0
# In the copy's folder: what the user changed before the files became the agent's. init/programs/review.py.
NOTED = "changed"
# Nanoseconds in a second.
SECOND = 10**9
CONSENT = "Yes, do as I say!"
# Shows a text page by page, and leaves it on the screen.
PAGER = ("less", "-FRX")


@dataclass(frozen=True)
class Reviewer:
    """Runs the image's own programs on the user's folder and a copy.

    Attributes:
        supervisor: what runs them.
        compose: how Compose is called for this checkout.
        configuration: what it understood.
    """

    supervisor: Supervisor
    compose: Compose
    configuration: Configuration

    def run(
        self, copy: Copy, verb: str, options: Sequence[str], paths: Sequence[str], output: File = None
    ) -> int:
        """Run one of them; return its exit code.

        Args:
            copy: which one.
            verb: diff or apply.
            options: of the program.
            paths: in the project; none for all.
            output: where it writes; by default to our stdout.
        """
        told = ["--name", copy.name, "--since", str(int(copy.since * SECOND)), "--commit", copy.commit]
        if copy.made is not None:
            told += ["--made", str(int(copy.made * SECOND))]
        copy.taken.mkdir(mode=0o700, exist_ok=True)
        if verb == "apply" and claims(copy, self.configuration.environment):
            note(copy)
        chosen = kind(verb, (*told, *options, "--", *paths))
        # It reaches nothing, whatever sessions may.
        closed = tuple(file for file in self.compose.files if file.name != compose_files.OPEN_FILE)
        configuration = replace(self.configuration, has_gateway=True, networks=())
        # Where data/ is a volume, nothing of it has to be covered.
        given = self.compose.given(WORKSPACE_DIR=str(copy.workspace), SANDBOX_COVER=project.ELSEWHERE)
        with (
            replace(given, files=closed).extended(override(copy, writes=verb == "apply")) as more,
            sessions.begun(self.supervisor, more, configuration, chosen.variables) as session,
        ):
            code = session.run(chosen, terminal=False, reads=False, output=output)
        if code not in (OK, LEFT) and not copy.is_ready:
            raise HostError(
                f"the copy {copy.name} is gone: another apply or discard came to its end just now."
            )
        return code


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
        say(f"To throw it away, type: {CONSENT}")
        if supervisor.read_line() != f"{CONSENT}\n".encode():
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


def claims(copy: Copy, environment: Mapping[str, str]) -> bool:
    """Tell whether PID 1 gives the user's files to the agent, as at any start: init/accounts.py."""
    owner = copy.workspace.stat().st_uid
    return environment.get("PUID") not in (None, "", str(owner)) or owner == 0


def note(copy: Copy) -> None:
    """Note what the user changed since the copy was made: with another owner, each file looks so.

    Once: later, what changes is told by the time of that.
    """
    noted, since = copy.taken / NOTED, int(copy.since * SECOND)
    if noted.exists():
        return
    found: list[bytes] = []
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        with (
            contextlib.suppress(OSError),
            os.scandir(b"%s/%s" % (os.fsencode(copy.workspace), folder)) as names,
        ):
            for entry in names:
                path = b"%s/%s" % (folder, entry.name) if folder else entry.name
                if entry.stat(follow_symlinks=False).st_ctime_ns >= since:
                    found.append(path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
    whole = noted.with_suffix(".part")
    # Where the folder is the agent's by now, nothing is noted: then more is in conflict than has to be.
    with contextlib.suppress(PermissionError):
        whole.write_bytes(b"\0".join(found))
        whole.chmod(0o644)
        whole.rename(noted)


def override(copy: Copy, *, writes: bool) -> dict[str, object]:
    """Return a compose file that mounts the user's folder, a copy, and what was taken of it before.

    Args:
        copy: which one.
        writes: whether the user's folder is written.
    """
    volumes: list[dict[str, object]] = [
        {"type": "bind", "source": _literal(str(copy.workspace)), "target": WORKSPACE,
         "read_only": not writes, "bind": {"create_host_path": False}},
        {"type": "bind", "source": _literal(str(copy.taken)), "target": DATA,
         "bind": {"create_host_path": False}},
        {"type": "volume", "source": "copy", "target": COPY, "read_only": True, "volume": {"nocopy": True}},
    ]  # fmt: skip
    if copy.upper is not None:
        volumes.append({"type": "bind", "source": _literal(str(copy.upper)), "target": UPPER,
                        "read_only": True, "bind": {"create_host_path": False}})  # fmt: skip
    return {
        "services": {SERVICE: {"volumes": volumes}},
        "volumes": {"copy": {"name": copy.volume, "external": True}},
    }


def _literal(text: str) -> str:
    """Compose replaces what follows a $."""
    return text.replace("$", "$$")
