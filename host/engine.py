"""Is there a Docker engine, does it answer, and has it what compose.yml needs."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import re
import select
import shlex
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from host import answers, terminal
from host.errors import HostError
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.supervisor import Beside, Child, Supervisor

COMPOSE_NEEDED = (2, 15)
GROUP = "docker"
# Seconds that sg(1) may take to start a command.
STARTING = 5.0


@dataclass(frozen=True)
class Engine:
    """What the engine tells of itself; what it does not tell is empty.

    Attributes:
        version: the engine's.
        system: the operating system it runs on.
        driver: how it manages cgroups.
        memory: of its machine, in bytes; 0 if it does not tell.
        compose: version of the Compose plugin.
        runtime: the name of its default runtime.
        runtimes: what it calls for each, with its arguments, by name.
        kernel: the release of its machine's kernel.
        security: its options of that kind, such as name=rootless.
        plugin: the file of the Compose plugin.
    """

    version: str
    system: str
    driver: str
    memory: int
    compose: str
    runtime: str = ""
    runtimes: Mapping[str, str] = field(default_factory=dict)
    kernel: str = ""
    security: tuple[str, ...] = ()
    plugin: str = ""

    def describe(self, start: str) -> str:
        """Return it as one line of JSON, for the doctor, who cannot see it from the container.

        Args:
            start: version of this checkout.
        """
        told: dict[str, Any] = {
            "engine": self.version, "os": self.system, "driver": self.driver, "compose": self.compose,
            "start": start,
        }  # fmt: skip
        return json.dumps({**told, "memory": self.memory} if self.memory else told)


def join_group(supervisor: Supervisor, command: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """Run a command as a member of the group docker, if only this login does not know of it yet.

    sg(1) ignores some signals and dies of others without its command, so signals are passed on to the command
    itself, which tells its number first.

    Args:
        supervisor: what runs it.
        command: the program and its arguments: start.sh again, as it was called.
        environ: its environment.

    Returns:
        Its exit code; None where there is no group to join.
    """
    if not _joined_since_login():
        return None
    read, write = os.pipe()

    def pass_on(child: Child, number: int) -> None:
        if select.select([read], [], [], STARTING)[0]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(os.read(read, 32)), number)
        else:
            child.signal(number)

    words = f"echo $$ >/dev/fd/{write}; exec {shlex.join(command)}"
    streams = Streams(keep=(write,), terminal=terminal.can_ask())
    return supervisor.run(["sg", GROUP, "-c", words], environ, streams, end=pass_on)


def reach(supervisor: Supervisor, environ: Mapping[str, str]) -> Engine:
    """Ask the engine once for all that is needed of it.

    Raises:
        HostError: it is not there, does not answer, or lacks something.
    """
    return answered(supervisor, environ, ask(supervisor, environ))


def ask(supervisor: Supervisor, environ: Mapping[str, str]) -> Beside:
    """Ask, and do not wait for the answer.

    Raises:
        HostError: there is no Docker.
    """
    if shutil.which("docker", path=environ.get("PATH")) is None:
        raise HostError("there is no Docker on this machine.", _mend())
    return supervisor.begin(["docker", "info", "--format", "{{json .}}"], environ)


def answered(supervisor: Supervisor, environ: Mapping[str, str], asked: Beside) -> Engine:
    """Return what the engine answers to ask().

    Raises:
        HostError: as reach().
    """
    answer = supervisor.finish(asked)
    told = parse(answer.output)
    if answer.code != 0 or told.get("ServerErrors"):
        raise _silent(answer.errors + "".join(map(answers.text, answers.entries(told, "ServerErrors"))))
    versions = plugins(told)
    for name in ("compose", "buildx"):
        if name not in versions:
            versions[name] = _plugin(supervisor, environ, name)
    require_compose(versions["compose"])
    return describe(told, versions["compose"])


def describe(told: Mapping[str, Any], compose: str) -> Engine:
    """Return what is known of the engine: what is told in another form is not."""
    memory = told.get("MemTotal")
    return Engine(
        version=answers.text(told.get("ServerVersion")), system=answers.text(told.get("OperatingSystem")),
        driver=answers.text(told.get("CgroupDriver")), memory=memory if isinstance(memory, int) else 0,
        compose=compose, runtime=answers.text(told.get("DefaultRuntime")), runtimes=runtimes(told),
        kernel=answers.text(told.get("KernelVersion")),
        security=tuple(map(answers.text, answers.entries(told, "SecurityOptions"))),
        plugin=_file(told),
    )  # fmt: skip


def runtimes(told: Mapping[str, Any]) -> dict[str, str]:
    """Return what the engine calls for each OCI runtime, by its name."""
    found = told.get("Runtimes")
    return {
        name: " ".join(map(answers.text, (runtime.get("path"), *answers.entries(runtime, "runtimeArgs"))))
        for name, runtime in (found.items() if isinstance(found, dict) else ())
        if isinstance(runtime, dict)
    }


def parse(output: str) -> dict[str, Any]:
    """Return what `docker info` printed; nothing where that is no JSON object."""
    try:
        told = answers.parse(output)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def plugins(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of the client's plugins that work, by name."""
    return {
        answers.text(plugin.get("Name")): answers.text(plugin.get("Version"))
        for plugin in answers.entries(told.get("ClientInfo"), "Plugins")
        if isinstance(plugin, dict) and not plugin.get("Err")
    }


def _file(told: Mapping[str, Any]) -> str:
    """Return the file of the Compose plugin, "" where it is not told, or not on this machine."""
    for plugin in answers.entries(told.get("ClientInfo"), "Plugins"):
        if isinstance(plugin, dict) and plugin.get("Name") == "compose" and not plugin.get("Err"):
            path = answers.text(plugin.get("Path"))
            return path if path.startswith("/") and os.access(path, os.X_OK) else ""
    return ""


def require_compose(
    version: str, needed: tuple[int, int] = COMPOSE_NEEDED, file: str = "compose.yml"
) -> None:
    """Refuse a Compose that does not know what a file uses.

    Args:
        version: Compose's; one of another form may be any.
        needed: the first one that can read the file.
        file: its name.

    Raises:
        HostError: it is too old.
    """
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < needed:
        least = ".".join(map(str, needed))
        raise HostError(f"Docker Compose {version} is too old: {file} needs {least}.", "Install a newer one.")


def _plugin(supervisor: Supervisor, environ: Mapping[str, str], name: str) -> str:
    """Ask a plugin itself: a client that is not Docker's own lists none."""
    answer = supervisor.ask(["docker", name, "version", *(["--short"] if name == "compose" else [])], environ)
    if answer.code != 0:
        raise HostError(f"Docker's {name} plugin is missing.", _mend())
    return answer.output.strip()


def _silent(reason: str) -> HostError:
    if "permission denied" in reason:
        return HostError("you may not use the Docker engine.", _join(os.getuid()))
    return HostError("the Docker engine does not answer.", *reason.strip().splitlines()[-1:], _mend())


def _join(uid: int) -> str:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"No account of this machine has your number, {uid}: run it as one of the group {GROUP}."
    return f"Join its group, then log in again: sudo usermod -aG {GROUP} {name}"


def _mend() -> str:
    if shutil.which("apt-get"):
        return "This installs and starts what is missing: ./start.sh --bootstrap"
    return (
        "Start Docker, or install it first: Docker Desktop on macOS and Windows, your distribution's package "
        "elsewhere."
    )


def _joined_since_login() -> bool:
    if os.geteuid() == 0 or shutil.which("sg") is None:
        return False
    try:
        group, user = grp.getgrnam(GROUP), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    # Members are listed in the group, or have it as their own in passwd(5).
    joined = os.getgrouplist(user.pw_name, user.pw_gid)
    return group.gr_gid in joined and group.gr_gid not in (*os.getgroups(), os.getegid())
