"""The frame of `start.sh doctor`: the sandbox examines itself; what fails before that is a finding too."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host import answers, demo, engine, image, inside, sessions
from host import compose as compose_files
from host.errors import FAILED, GUARD_LEFT, GUARD_MOVED, OK, SIGNALLED, HostError
from host.messages import say, tell
from host.session import Kind, Session, kind
from host.supervisor import ASKED
from host.terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.cli import Doctor
    from host.supervisor import Supervisor

# With any other exit code the doctor in the sandbox did not come to examine.
EXAMINED = (OK, FAILED, GUARD_MOVED, GUARD_LEFT)
# Somebody asked for the end at the sandbox's own terminal.
ENDED = tuple(SIGNALLED + number for number in ASKED)


@dataclass
class Stage:
    """What is about to be examined, if nothing has told yet how that is."""

    area: str = "engine"


class NotExamined(Exception):  # noqa: N818 - its reason is told already, on stderr
    """The sandbox ended before it examined anything."""


def examine(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], options: Doctor) -> int:
    """Examine engine, folders, configuration, tools, sandbox and model; return 1 if something fails.

    Raises:
        Interrupted: somebody asked for the end: then nothing is reported.
    """
    stage = Stage()
    try:
        return _examine(checkout, supervisor, environ, options, stage)
    except HostError as error:
        tell(error)
    except OSError as error:
        tell(HostError(f"the system refuses: {error}"))
    except NotExamined:
        pass
    if options.json:
        sys.stdout.write(f"{json.dumps(unexamined(stage.area))}\n")
    else:
        say(f"doctor: the {stage.area} fails, so nothing after it was examined")
    return FAILED


def unexamined(area: str) -> dict[str, object]:
    """Return the report of a start that fails, in the form of the sandbox's own."""
    finding = {
        "area": area, "name": "start", "status": "fail",
        "detail": "the reason is on stderr; nothing after it was examined", "fix": "",
    }  # fmt: skip
    return {"findings": [finding], "passed": 0, "warned": 0, "failed": 1}


def is_report(text: bytes) -> bool:
    """Tell whether a text is what the sandbox's doctor reports."""
    try:
        told = answers.parse(text)
    except ValueError:
        return False
    return isinstance(told, dict) and "findings" in told


def _examine(
    checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], options: Doctor, stage: Stage
) -> int:
    found = engine.reach(supervisor, environ)
    stage.area = "configuration"
    compose, configuration = compose_files.read(supervisor, checkout, environ)
    configuration = inside.decided(found, configuration)
    configuration.provide_folders()
    stage.area = "model"
    planned = demo.plan(checkout, configuration, environ) if options.demo else None
    stage.area = "image"
    emulated = image.choose_platform(environ, configuration.environment)
    compose = compose.given(**emulated, **(planned.settings if planned else {}))
    if options.build:
        image.build(supervisor, compose, configuration, demonstrating=options.demo)
    else:
        image.require(supervisor, configuration, compose.environ)
    stage.area = "model"
    told = kind("doctor", ("--json",) if options.json else ())
    variables = {**(planned.variables if planned else {}), **told.variables,
                 "SANDBOX_HOST": found.describe(checkout.version())}  # fmt: skip
    with sessions.begun(supervisor, compose, configuration, variables, demonstrating=options.demo) as session:
        stage.area = "sandbox"
        return _report(session, Kind(variables, told.arguments), as_json=options.json)


def _report(session: Session, told: Kind, *, as_json: bool) -> int:
    """Run the sandbox's own doctor.

    Raises:
        NotExamined: it did not come to report.
    """
    if not as_json:
        code = session.run(told, terminal=is_terminal())
        if code not in (*EXAMINED, *ENDED):
            raise NotExamined
        return code
    # A terminal would bring what the sandbox says on stderr into the report.
    with tempfile.TemporaryFile() as file:
        code = session.run(told, terminal=False, output=file)
        file.seek(0)
        report = file.read()
    if code in ENDED:
        return code
    if not is_report(report):
        raise NotExamined
    # Written anew, in ASCII: what runs in the sandbox may have had a hand in it.
    sys.stdout.write(f"{json.dumps(answers.parse(report), indent=2)}\n")
    return code
