"""What runs in a task's pod besides the task: sandbox-fetch before it, sandbox-result beside it.

And sandbox-unpack on the user's machine, which puts a result into a copy of the project.
"""

from __future__ import annotations

import os
import sys

from init import folders, log, paths, program
from init.errors import EX_LEFT, SandboxError
from init.review import entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.settings import Settings

SOURCE, COMMIT = "SANDBOX_SOURCE", "SANDBOX_COMMIT"
# Paths that are told of what could not be put in its place.
_NAMED = 20


def fetch(arguments: list[str]) -> int:
    """Have the workspace of a task, and what it was before; return the exit code."""
    return program.run(_fetch, arguments)


def result(arguments: list[str]) -> int:
    """Tell what a task changed, once it has ended; return the exit code."""
    return program.run(_result, arguments)


def unpack(arguments: list[str]) -> int:
    """Put a result, which is read from stdin, into a copy; return the exit code."""
    return program.run(_unpack, arguments)


def _fetch(settings: Settings, _arguments: list[str]) -> int:
    from init.pod import source
    from init.session import authorities, link, places

    asked, commit = os.environ.get(SOURCE, ""), os.environ.get(COMMIT, "")
    source.check(asked, commit)
    # The group, which a volume is given to, may be all that the agent shares with its next container.
    os.umask(0o002)
    for folder, name in ((paths.WORKSPACE, "workspace"), (paths.ORIGIN, "origin")):
        places.require_writable(folder, f"the volume {name}")
        if set(os.listdir(folder)) - {"lost+found"}:
            raise SandboxError(
                f"the volume {name}, at {folder}, is not empty", "Each task needs an emptyDir of its own."
            )
    if asked.startswith("/"):
        source.copy(asked, paths.WORKSPACE)
    else:
        environ = {**link.variables(os.environ), **authorities.variables(places.home(), os.environ)}
        source.fetch(asked, commit, paths.WORKSPACE, environ, settings.limit)
    source.keep_origin(paths.WORKSPACE, paths.ORIGIN)
    log.info(f"fetched {asked}", **({"commit": commit} if commit else {}))
    return 0


def _result(_settings: Settings, _arguments: list[str]) -> int:
    from init.pod import payload
    from init.review import compare
    from init.review.ledger import Ledger
    from init.review.levels import Trees
    from init.review.origin import Origin
    from init.session import turn

    turn.wait()
    entries.raise_limit(compare.OPEN_FILES)
    trees = Trees(_opened(paths.ORIGIN), _opened(paths.WORKSPACE))
    # Nobody but the agent can have changed anything, and all of it is compared.
    found = compare.compare(trees, Origin("", since=sys.maxsize), Ledger())
    payload.tell(found, trees.theirs, sys.stdout.write)
    return 0


def _unpack(_settings: Settings, _arguments: list[str]) -> int:
    from init.pod import unpack

    manifest, missed = unpack.unpack(sys.stdin.buffer, _opened(paths.WORKSPACE))
    # A copy made file by file does not tell what is not in it from what the user has made since.
    folders.write(paths.DELETED, "".join(f"{path}\0" for path in manifest.deleted))
    for note in manifest.notes[:_NAMED]:
        log.warning(f"not in the result: {log.printable(note)}")
    for path in missed[:_NAMED]:
        log.warning(f"not in the copy: {log.printable(path)}")
    if len(missed) > _NAMED:
        log.warning(f"and {len(missed) - _NAMED} more are not in the copy")
    return EX_LEFT if missed else 0


def _opened(path: str) -> int:
    try:
        return os.open(path, entries.FOLDER)
    except OSError as error:
        raise SandboxError(
            f"{path} cannot be opened: {error.strerror}",
            "Is the volume mounted there? See deploy/kubernetes/job.",
        ) from error
