"""A program of the image is asked, for it alone reads such a file: a container without a network."""

from __future__ import annotations

import json
import secrets
import tempfile
from typing import IO, TYPE_CHECKING, Any

from host import answers
from host.configuration import CONFIG, KEYS
from host.errors import HostError
from host.supervisor import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from host.compose import Compose
    from host.configuration import Configuration
    from host.supervisor import Supervisor

PROGRAM = "/usr/local/bin/sandbox-gateway"
NOBODY = "65534:65534"
# Seconds for an answer.
PATIENCE = 60.0
# Bytes of an answer: 10,000 entries have less.
LARGEST = 16 << 20
LOCKED = (
    "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=128m",
    "--memory-swap=128m", "--pids-limit=64", "--log-driver=none", "--cgroupns=private",
)  # fmt: skip


def ask(  # noqa: PLR0913 - who asks whom, what, and with what
    supervisor: Supervisor,
    compose: Compose,
    configuration: Configuration,
    question: str,
    told: Mapping[str, Any],
    *,
    files: bool = True,
    program: str = PROGRAM,
) -> dict[str, Any]:
    """Return the answer to a question.

    Args:
        supervisor: what runs it.
        compose: whose environment the engine's client gets.
        configuration: image, folders, and what the gateway is given.
        question: an option of the program, "" for the one that it answers.
        told: what it is asked with.
        files: whether it may read config/ and keys/, and the gateway's variables; else it is nobody, with
            nothing.
        program: which one.

    Raises:
        HostError: it refuses, in its own words; or it does not answer.
    """
    name = f"agentic-sandbox-egress-{secrets.token_hex(8)}"
    options = _options(configuration) if files else ["--user", NOBODY]
    environ = {**compose.environ, **(configuration.of_gateway if files else {})}
    command = ["docker", "run", "--rm", "--interactive", "--name", name, *LOCKED, *options]
    command += ["--entrypoint", program, configuration.image, *filter(None, [question])]
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as answer,
        tempfile.TemporaryFile() as rest,
    ):
        asked.write(json.dumps(told).encode())
        asked.seek(0)
        code = supervisor.run(command, environ, Streams(asked, answer, rest), limit=PATIENCE)
        output, errors = _read(answer), _read(rest)
    if code and not output:
        with supervisor.undisturbed():
            supervisor.ask(["docker", "rm", "--force", name], compose.environ, PATIENCE)
    return understand(output, errors)


def understand(output: bytes, errors: bytes) -> dict[str, Any]:
    """Return what was answered.

    Raises:
        HostError: it was refused, or is no answer.
    """
    try:
        found = answers.parse(output)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        lines = errors.decode(errors="replace").strip().splitlines()[-3:]
        raise HostError(
            "the image does not answer.", *lines,
            "If it is older than this checkout, ./start.sh builds it anew.",
        )  # fmt: skip
    error = found.get("error")
    if error is not None:
        raise HostError(*(words for name in ("what", "fix") if (words := _text(error, name))))
    return found


def _options(configuration: Configuration) -> list[str]:
    """Return the options that let it read what the gateway reads, as the gateway's user."""
    user, mounts = NOBODY, [(configuration.config, CONFIG), (configuration.keys, KEYS)]
    options = []
    for source, target in mounts:
        if source is not None and source.exists():
            options += ["--mount", _mount(source, target)]
            if target == KEYS:
                user = "{0.st_uid}:{0.st_gid}".format(source.stat())
    # By name alone: a key is not for who lists processes.
    names = [word for name in configuration.of_gateway for word in ("--env", name)]
    return ["--user", user, *options, *names]


def _mount(source: Path, target: str) -> str:
    """Return a read-only mount as the client reads it: fields of CSV, RFC 4180."""
    quoted = f"source={source}".replace('"', '""')
    return f'type=bind,"{quoted}",target={target},readonly'


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(LARGEST)


def _text(error: object, name: str) -> str:
    return answers.text(error.get(name)) if isinstance(error, dict) else ""
