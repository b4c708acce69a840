"""The image's own programs run on the user's folder and a copy: init/review/."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from host import compose as compose_files
from host import project, sessions
from host.configuration import DATA, SERVICE, WORKSPACE
from host.errors import LEFT, OK, HostError
from host.interpolation import literal
from host.session import kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.compose import Compose
    from host.configuration import Configuration
    from host.copies import Copy
    from host.supervisor import File, Supervisor

# In the container: init/paths.py.
COPY, UPPER = "/mnt/copy", "/mnt/upper"
# In the copy's folder: what the user changed before the files became the agent's. init/programs/review.py.
NOTED = "changed"
# Nanoseconds in a second.
SECOND = 10**9


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
        {"type": "bind", "source": literal(str(copy.workspace)), "target": WORKSPACE,
         "read_only": not writes, "bind": {"create_host_path": False}},
        {"type": "bind", "source": literal(str(copy.taken)), "target": DATA,
         "bind": {"create_host_path": False}},
        {"type": "volume", "source": "copy", "target": COPY, "read_only": True, "volume": {"nocopy": True}},
    ]  # fmt: skip
    if copy.upper is not None:
        volumes.append({"type": "bind", "source": literal(str(copy.upper)), "target": UPPER,
                        "read_only": True, "bind": {"create_host_path": False}})  # fmt: skip
    return {
        "services": {SERVICE: {"volumes": volumes}},
        "volumes": {"copy": {"name": copy.volume, "external": True}},
    }
