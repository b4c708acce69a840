"""One task: a session with the prompt, and what is left of it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from host import copies, opening, questions
from host.messages import printable, say
from host.options import task as options
from host.options.start import Start
from host.supervisor import Streams
from host.tasks.heard import heard
from host.tasks.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.control import Place
    from host.options.task import Task
    from host.supervisor import File, Supervisor

# Ends what runs: init/settings.py.
LIMIT = "SANDBOX_LIMIT"
# Bytes of a patch that are kept, and how each file begins in one.
LONGEST, FILE = 16 << 20, b"diff --git "


def do(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Task) -> int:
    """Do a task; return the exit code, which is the tool's, or 124 where it took too long.

    Raises:
        HostError: it did not come to that.
        Interrupted: somebody asked for the end.
    """
    started = questions.ask(supervisor, checkout, environ)
    prompt = from_stdin() if asked.prompt == options.STDIN else asked.prompt
    found, place = opening.looked(checkout, supervisor, environ, started)
    start = Start(tool=asked.tool, copy=asked.copy, name=asked.name, build=asked.build, arguments=(prompt,))
    limit = {LIMIT: str(asked.limit)} if asked.limit else {}
    opened = opening.opened(place, found, start, "task", started.networks, terminal=False)
    # Where the result is told on stdout, nothing else is.
    with opened as (session, kind, who, _), heard(2 if asked.json else 1) as answer:
        if not asked.name:
            say(f"this task is {who.name}")
        began = time.monotonic()
        limited = kind._replace(variables={**kind.variables, **limit})
        code = session.run(limited, terminal=False, reads=False, output=answer.write)
    took = time.monotonic() - began
    files, diff, is_cut = changed(checkout, place, who.name) if who.copy else (None, None, False)
    result = Result(
        name=who.name, prompt=prompt, tool=asked.tool, workspace=str(who.workspace or ""),
        copied=bool(who.copy), exit_code=code, seconds=took, answer=answer.text, files=files, diff=diff,
        cut=(*(["answer"] if answer.cut else []), *(["diff"] if is_cut else [])),
    )  # fmt: skip
    if asked.json:
        sys.stdout.write(f"{json.dumps(result.told(), indent=2)}\n")
    else:
        say(describe(result))
    return code


def from_stdin() -> str:
    """Return the prompt that is on stdin.

    Raises:
        UsageError: it is none.
    """
    prompt = sys.stdin.buffer.read(options.LONGEST + 1).decode(errors="surrogateescape").rstrip("\n")
    options.require_usable(prompt)
    return prompt


def describe(result: Result) -> str:
    """Return a result in one line."""
    files = "" if result.files is None else f", {result.files} file{'' if result.files == 1 else 's'} changed"
    more = f"; ./start.sh diff {result.name} shows it" if result.files else ""
    why = f": {printable(result.problem.splitlines()[-1])}" if result.problem else ""
    return f"{result.name}: {result.word} in {result.seconds:.1f} s{files}{more}{why}"


def changed(
    checkout: Checkout, place: Place, name: str, errors: File = None
) -> tuple[int | None, str | None, bool]:
    """Return what a task changed in its copy: the number of files, the patch, and whether that is cut off.

    Both are None where it cannot be told; the reason is on stderr.

    Args:
        checkout: this one.
        place: the engine, and the settings.
        name: of the copy.
        errors: what takes the place of our stderr.
    """
    if not any(
        copy.name == name
        for copy in copies.find(place.supervisor, place.environ, place.configuration.project)
    ):
        # A copy on which nothing was written is gone.
        return 0, "", False
    with tempfile.TemporaryFile() as file:
        command = [str(checkout.root / "start.sh"), "diff", name]
        if place.supervisor.run(command, place.environ, Streams(subprocess.DEVNULL, file, errors)) != 0:
            return None, None, False
        file.seek(0)
        count = sum(line.startswith(FILE) for line in file)
        file.seek(0)
        patch = file.read(LONGEST + 1)
    return count, patch[:LONGEST].decode(errors="replace"), len(patch) > LONGEST
